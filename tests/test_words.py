"""Words of the screens: one word for one thing, none that only its makers know, and days by one function."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
APPS = ("accounts", "basedata", "crm", "customers", "kit", "marketing", "reports", "services")
UNSEEN = (
    "/migrations/",
    "/management/",
    "/backup/",
    "crm/settings.py",
    "crm/environment.py",
    "/demo/",
    "kit/imports/synonyms.py",
)
WORDS = {  # what no screen says: what it says instead
    "你": "您",
    "在办的": "处理中的",
    "在办请求": "处理中的请求",
    "在开机会": "进行中的机会",
    "Σ": "之和",
    "九成不超过": "90% 的请求在此时长内完成",
    "先处理它们": "有 4 件已逾期",
    "点占比看它的分子": "点占比，看构成它的订单",
    "来自销售机会": "由机会转来",
    "会归入的内容": "将并入的内容",
    "低于 3 星": "2 星及以下",
    "3 星以上": "3 星及以上",
    "成功概率": "成功机率",
    "AI 判断": "",
    "环境变量": "who can change it, and where to click",
    "manage.py": "where to click",
    "---------": "请选择, 不填 or 全部",
}


@cache
def sentences() -> list[tuple[str, str]]:
    """Return (place, text) of all templates and of all strings of code that screens may show."""
    return [*_of_templates(), *_of_code()]


def _of_templates() -> Iterator[tuple[str, str]]:
    for path in sorted((ROOT / "templates").rglob("*.html")):
        words = re.sub(r"{% comment %}.*?{% endcomment %}", "", path.read_text(encoding="utf-8"), flags=re.DOTALL)
        yield str(path.relative_to(ROOT)), words


def _of_code() -> Iterator[tuple[str, str]]:
    for path in sorted(path for app in APPS for path in (ROOT / app).rglob("*.py")):
        place = path.relative_to(ROOT).as_posix()
        if any(part in f"/{place}" or part == place for part in UNSEEN):
            continue
        tree = ast.parse(path.read_text(encoding="utf-8"))
        said = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}  # docstrings
        for node in ast.walk(tree):
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in said:
                yield f"{place}:{node.lineno}", node.value


@pytest.mark.parametrize("word", WORDS)
def test_no_screen_says(word):
    assert [place for place, text in sentences() if word in text] == []


def test_templates_name_no_setting_and_write_days_by_one_filter():
    """What machines read (datetime=, query strings, a version of a picture) is no day for people."""
    settings, days = [], []
    for place, text in sentences():
        if place.startswith("templates/"):
            settings += [(place, name) for name in re.findall(r"\bCRM_[A-Z_]+", text)]
            days += [(place, style) for style in re.findall(r"\|date:[\"']([^\"']+)", text)]
    assert settings == []
    assert {style for _, style in days} <= {"c", "U", "Y-m-01"}
