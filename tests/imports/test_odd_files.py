"""Every odd file has its right rows, or one sentence that says what to do."""

from __future__ import annotations

import pytest

from kit.imports import sheets
from kit.imports.sheets import UnreadableFile

from .odd_files import ODD_FILES


def test_there_are_many():
    assert len(ODD_FILES) > 60


@pytest.mark.parametrize("title", ODD_FILES)
def test_an_odd_file_is_read_or_refused_in_words(title, tmp_path):
    odd = ODD_FILES[title]
    path = tmp_path / "upload"  # the name says nothing: the content does
    path.write_bytes(odd.make())
    if odd.refused:
        with pytest.raises(UnreadableFile) as caught:
            list(sheets.read(path, odd.name))
        assert odd.refused in str(caught.value)
        assert "/" not in str(caught.value).replace("xlsx/", "")  # no path of the machine
        return
    table = sheets.read(path, odd.name, odd.sheet)
    rows = list(table)
    assert tuple(head.text for head in table.heads) == odd.heads
    assert [row.cells for row in rows] == odd.rows
    assert {row.line: row.why for row in table.skipped} == odd.skipped
    faults = {(row.line, place): fault for row in rows for place, fault in row.faults.items()}
    assert faults.keys() == odd.faults.keys()
    assert all(odd.faults[place] in fault for place, fault in faults.items())
    problems = {row.line: row.problem for row in rows if row.problem}
    assert problems.keys() == odd.problems.keys()
    assert all(piece in problems[line] for line, piece in odd.problems.items())
    said = "\n".join(table.notes)
    assert all(piece in said for piece in odd.notes), said


@pytest.mark.parametrize("title", [title for title, odd in ODD_FILES.items() if not odd.refused])
def test_a_look_finds_the_sheet_and_the_heads_as_reading_does(title, tmp_path):
    odd = ODD_FILES[title]
    path = tmp_path / "upload"
    path.write_bytes(odd.make())
    book = sheets.look(path, odd.name)
    table = sheets.read(path, odd.name)
    assert book.best.name == table.sheet
    assert book.best.header_rows == table.header_rows
    assert not odd.sheet or table.sheet == odd.sheet
    assert book.best.why
    again = sheets.read(path, odd.name, table.sheet, table.header_rows)
    assert list(again) == list(table)
    assert again.heads == table.heads
