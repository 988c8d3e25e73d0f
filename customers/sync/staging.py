"""Staging of one run: order lines by order, and the keys the feed named.

A private temporary SQLite database on disk: flat memory however large the feed, no order of rows relied on,
the same on both databases, and gone with the process, also after kill -9.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any

RawLine = tuple[int, str, str | None, str | None, str | None, str | None, str]
FIELDS = ("line_number", "product_number", "quantity", "unit", "unit_price", "fault")


class Staging:
    def __init__(self) -> None:
        self.db = sqlite3.connect("", isolation_level=None)
        self.db.executescript(
            "CREATE TABLE line (number TEXT, row INT, line_number, product_number, quantity, unit, unit_price, fault);"
            "CREATE TABLE seen (tbl TEXT, key TEXT, PRIMARY KEY (tbl, key)) WITHOUT ROWID;"
            "BEGIN"
        )

    def add_lines(self, lines: Iterable[tuple]) -> None:
        self.db.executemany("INSERT INTO line VALUES (?, ?, ?, ?, ?, ?, ?, ?)", lines)

    def create_line_index(self) -> None:
        self.db.execute("CREATE INDEX line_of ON line (number)")

    def lines_of(self, numbers: list[str]) -> dict[str, list[tuple[int, dict[str, Any]]]]:
        """Return {order number: [(row, cells), …]} of these orders."""
        marks = ",".join("?" * len(numbers))
        lines_by_number: dict[str, list] = {number: [] for number in numbers}
        query = f"SELECT * FROM line WHERE number IN ({marks}) ORDER BY rowid"  # noqa: S608 marks only
        for number, row, *cells in self.db.execute(query, numbers):
            lines_by_number[number].append((row, dict(zip(FIELDS, cells, strict=True))))
        return lines_by_number

    def orphan_lines(self) -> Iterator[tuple[str, int, int]]:
        """Return (order number, first row, lines) of lines whose order the feed does not contain."""
        return self.db.execute(
            "SELECT number, min(row), count(*) FROM line"
            " WHERE NOT EXISTS (SELECT 1 FROM seen WHERE tbl = 'orders' AND key = number) GROUP BY number"
        )

    def mark_seen(self, table: str, keys: Iterable[str]) -> None:
        self.db.executemany("INSERT OR IGNORE INTO seen VALUES (?, ?)", ((table, key) for key in keys))

    def unseen(self, table: str, keys: Iterable[str]) -> list[str]:
        check = self.db.execute
        query = "SELECT 1 FROM seen WHERE tbl = ? AND key = ?"
        return [key for key in keys if check(query, (table, key)).fetchone() is None]

    def close(self) -> None:
        self.db.close()


def batches(rows: Iterable, size: int) -> Iterator[list]:
    rows = iter(rows)
    while batch := list(islice(rows, size)):
        yield batch
