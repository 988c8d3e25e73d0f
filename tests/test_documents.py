"""The documents agree with what is there: links lead somewhere, decisions are listed, pictures are taken and small."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.conf import settings

ROOT = Path(settings.BASE_DIR)
DECISIONS = ROOT / "docs" / "decisions"
DOCUMENTS = sorted(
    path for path in (ROOT / "README.md", ROOT / "CONTRIBUTING.md", *ROOT.glob("docs/**/*.md")) if path.exists()
)
TO_COME: set[str] = set()  # listed, being written
LINK = re.compile(r"\]\(([^)\s]+)\)|(?:src|srcset|href)=\"([^\"\s]+)\"")
LISTED = re.compile(r"^- \[(.+)\]\((\d{4}-[\w-]+\.md)\)", re.M)
CODE = re.compile(r"^```.*?^```$|`[^`\n]*`", re.M | re.S)


def links(text: str) -> Iterator[tuple[str, str]]:
    """Yield path and anchor of every link that leads to this repository, of Markdown and of HTML inside it."""
    for pair in LINK.findall(CODE.sub("", text)):
        target = pair[0] or pair[1]
        if not re.match(r"[a-z]+:", target):
            path, _, anchor = target.partition("#")
            yield path, anchor


def anchors(path: Path) -> set[str]:
    """Return the anchors that GitHub gives the headings of a document."""
    headings = re.findall(r"^#+ +(.+?) *$", CODE.sub("", path.read_text()), re.M)
    return {re.sub(r"[^\w\- ]", "", heading).lower().replace(" ", "-") for heading in headings}


def broken(document: Path, text: str) -> list[str]:
    wrong = []
    for path, anchor in links(text):
        target = document.parent / path if path else document
        if target.name in TO_COME:
            continue
        if not target.exists() or (anchor and target.suffix == ".md" and anchor not in anchors(target)):
            wrong.append(f"{path}#{anchor}" if anchor else path)
    return wrong


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_link_of_a_document_leads_somewhere(document):
    assert broken(document, document.read_text()) == []


def test_control_a_link_that_leads_nowhere_is_seen():
    text = '[a](docs/nothing.md) [b](docs/glossary.md#nothing) <img src="docs/images/nothing.png"> [c](https://example.com)'
    assert broken(ROOT / "README.md", text) == [
        "docs/nothing.md",
        "docs/glossary.md#nothing",
        "docs/images/nothing.png",
    ]


def test_every_decision_is_listed_once_under_its_own_title():
    listed = LISTED.findall((DECISIONS / "README.md").read_text())
    records = {path.name: path.read_text().splitlines()[0].removeprefix("# ") for path in DECISIONS.glob("[0-9]*.md")}
    assert sorted(name for _, name in listed) == sorted(records.keys() | TO_COME)
    wrong = {name: title for title, name in listed if name not in TO_COME and title != records[name]}
    assert wrong == {}


def test_numbers_of_decisions_are_given_once():
    numbers = [path.name[:4] for path in DECISIONS.glob("[0-9]*.md")]
    assert sorted(set(numbers)) == sorted(numbers)


def test_every_picture_is_there_small_and_shown():
    command = [sys.executable, "bin/screenshots.py", "--check"]
    taken = subprocess.run(command, check=False, cwd=ROOT, capture_output=True, text=True)
    assert (taken.returncode, taken.stdout, taken.stderr) == (0, "", "")
    shown = {Path(path).name for document in DOCUMENTS for path, _ in links(document.read_text())}
    assert {path.name for path in (ROOT / "docs/images").iterdir()} - shown == set()
