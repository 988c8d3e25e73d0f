"""Holidays and make-up days (调休) as the State Council's General Office announced them.

One notice a year, usually in November. Where each text was read is said beside it. A year is shipped only
once its notice was read: 2027's was not, so it is entered on the page /basedata/calendar/ until it ships here.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from typing import NamedTuple


class Notice(NamedTuple):
    """rest and work: (name, first day, last day) and (name, day), as month and day."""

    title: str
    number: str
    issued: date
    read_at: str  # a reprint of the whole text that was compared with the days below
    rest: tuple[tuple[str, tuple[int, int], tuple[int, int]], ...]
    work: tuple[tuple[str, tuple[int, int]], ...]

    @property
    def source(self) -> str:
        return f"{self.title}（{self.number}，{self.issued:%Y-%m-%d}）"


NOTICES = {
    2025: Notice(
        "国务院办公厅关于2025年部分节假日安排的通知",
        "国办发明电〔2024〕12号",
        date(2024, 11, 12),
        "https://m.gmw.cn/2024-11/12/content_1303894933.htm",
        rest=(
            ("元旦", (1, 1), (1, 1)),
            ("春节", (1, 28), (2, 4)),
            ("清明节", (4, 4), (4, 6)),
            ("劳动节", (5, 1), (5, 5)),
            ("端午节", (5, 31), (6, 2)),
            ("国庆节、中秋节", (10, 1), (10, 8)),
        ),
        work=(
            ("春节调休", (1, 26)),
            ("春节调休", (2, 8)),
            ("劳动节调休", (4, 27)),
            ("国庆节、中秋节调休", (9, 28)),
            ("国庆节、中秋节调休", (10, 11)),
        ),
    ),
    2026: Notice(
        "国务院办公厅关于2026年部分节假日安排的通知",
        "国办发明电〔2025〕7号",
        date(2025, 11, 4),
        "https://politics.gmw.cn/2025-11/04/content_38391083.htm",
        rest=(
            ("元旦", (1, 1), (1, 3)),
            ("春节", (2, 15), (2, 23)),
            ("清明节", (4, 4), (4, 6)),
            ("劳动节", (5, 1), (5, 5)),
            ("端午节", (6, 19), (6, 21)),
            ("中秋节", (9, 25), (9, 27)),
            ("国庆节", (10, 1), (10, 7)),
        ),
        work=(
            ("元旦调休", (1, 4)),
            ("春节调休", (2, 14)),
            ("春节调休", (2, 28)),
            ("劳动节调休", (5, 9)),
            ("国庆节调休", (9, 20)),
            ("国庆节调休", (10, 10)),
        ),
    ),
}


def announced_days(year: int) -> Iterator[tuple[date, str, str]]:
    """Yield (day, "rest" or "work", name) of the year's notice."""
    notice = NOTICES[year]
    for name, first, last in notice.rest:
        day, end = date(year, *first), date(year, *last)
        while day <= end:
            yield day, "rest", name
            day += timedelta(days=1)
    for name, work_day in notice.work:
        yield date(year, *work_day), "work", name
