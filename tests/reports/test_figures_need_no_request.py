"""Figures are functions of the viewer and the filters: the monthly report and the home page call the same ones."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest
from django.conf import settings

REPORTS = Path(settings.BASE_DIR) / "reports"
MODULES = sorted(path for path in REPORTS.rglob("*.py") if "migrations" not in path.parts)
COMPUTING = [
    *sorted((REPORTS / "queries").glob("*.py")),
    *(REPORTS / f"{name}.py" for name in ("figure_cells", "periods", "ranking")),
]
REQUESTS = {"HttpRequest", "WSGIRequest", "ASGIRequest", "RequestFactory"}
PAGES = (
    "kit.pages",
    "kit.lists",
    "kit.domain.urls",
    "django.http",
    "django.urls",
    "reports.pages",
    "reports.report_page",
)


def requests_made(source: str) -> list[str]:
    """Return the calls that create a request."""
    calls = [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Call)]
    return [ast.unparse(call) for call in calls if ast.unparse(call.func).rpartition(".")[2] in REQUESTS]


def imported(source: str, package: str) -> set[str]:
    """Return the full names of all that is imported, inside functions too. package: that of the module."""
    names = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            above = package.split(".")[: len(package.split(".")) + 1 - node.level] if node.level else []
            module = ".".join([*above, *filter(None, [node.module])])
            names |= {f"{module}.{alias.name}" for alias in node.names}
    return names


def page_imports(source: str, package: str) -> list[str]:
    return sorted(name for name in imported(source, package) if f"{name}.".startswith(tuple(f"{p}." for p in PAGES)))


def package_of(path: Path) -> str:
    return ".".join(path.relative_to(REPORTS.parent).parent.parts)


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(REPORTS)))
def test_no_request_is_made_up(path):
    assert requests_made(path.read_text()) == []


@pytest.mark.parametrize("path", COMPUTING, ids=lambda path: str(path.relative_to(REPORTS)))
def test_computing_knows_no_page_and_no_url(path):
    assert page_imports(path.read_text(), package_of(path)) == []


def test_what_is_forbidden_would_be_seen():
    assert requests_made("request: HttpRequest = http.HttpRequest()") == ["http.HttpRequest()"]
    assert requests_made("def get(request: HttpRequest): ...") == []
    inside = "def compute():\n    from ..pages.churn import ChurnReport\n    import kit.lists.columns"
    assert page_imports(inside, "reports.queries") == ["kit.lists.columns", "reports.pages.churn.ChurnReport"]
    assert page_imports("from django import forms, urls", "reports.queries") == ["django.urls"]
    assert len(COMPUTING) > 10
