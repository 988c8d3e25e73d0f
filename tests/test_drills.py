"""The drills run programs that stand in strings, which no import and no type check follows."""

from __future__ import annotations

import ast
from importlib import import_module
from pathlib import Path

import pytest
from django.conf import settings

DRILLS = sorted((Path(settings.BASE_DIR) / "tests/drills").glob("*.py"))


def programs(source: str) -> list[ast.Module]:
    """Return the strings of a file that are programs with imports."""
    texts = [node.value for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Constant)]
    lines = [text for text in texts if isinstance(text, str) and text.startswith("from ") and " import " in text]
    return [ast.parse(line) for line in lines]


def missing_names(program: ast.Module) -> list[str]:
    imports = [node for node in ast.walk(program) if isinstance(node, ast.ImportFrom)]
    pairs = [(str(node.module), alias.name) for node in imports for alias in node.names]
    return [f"{module}.{name}" for module, name in pairs if not hasattr(import_module(module), name)]


@pytest.mark.parametrize("path", DRILLS, ids=lambda path: path.stem)
def test_the_programs_of_a_drill_import_what_there_is(path):
    assert [name for program in programs(path.read_text()) for name in missing_names(program)] == []


def test_control_a_moved_name_is_seen():
    (program,) = programs("CODE = 'from accounts.models import User; from accounts.roles.shipped import nothing_here'")
    assert missing_names(program) == ["accounts.roles.shipped.nothing_here"]
