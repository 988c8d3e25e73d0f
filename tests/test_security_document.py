"""docs/security.md names a test for every promise, and each of them exists."""

from __future__ import annotations

import ast
import re
from pathlib import Path

from django.conf import settings

ROOT = Path(settings.BASE_DIR)
TEXT = (ROOT / "docs/security.md").read_text()
NAMED = re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", TEXT)


def names_in(file: str) -> set[str]:
    path = ROOT / file
    tree = ast.parse(path.read_text()) if path.exists() else ast.Module([], [])
    return {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}


def test_every_test_named_in_the_document_exists():
    assert len(NAMED) > 50
    assert [f"{file}::{name}" for file, name in NAMED if name not in names_in(file)] == []


def test_every_promise_names_a_test():
    promised = TEXT.split("## Promised")[1].split("## Not promised")[0]
    rows = [line for line in promised.splitlines() if line.startswith("| ") and not line.startswith("| promise")]
    assert len(rows) > 25
    assert [row for row in rows if "::test_" not in row] == []


def test_every_setting_named_in_the_document_is_in_the_administrators_manual():
    manual = (ROOT / "docs/admin.zh.md").read_text()
    assert [name for name in re.findall(r"`(CRM_\w+)", TEXT) if f"`{name}`" not in manual] == []


def test_control_a_test_that_is_not_there_is_seen():
    assert "test_that_is_not_there" not in names_in("tests/hazards/test_sign_in.py")
    assert names_in("tests/no_such_file.py") == set()
