"""What two versions of a page cost side by side, the table of it, and the exit code."""

from __future__ import annotations

import statistics
from dataclasses import dataclass, field
from typing import Any

DEARER = 1.15  # a page may cost so many times what it cost
HEAD = "    原毫秒    新毫秒    倍数  进程倍数   原语句  新语句    原调用    新调用  页面"


@dataclass
class Side:
    """One page in one checkout."""

    expected: int = 200
    status: int = 0
    statements: int = 0  # the fewest of a visit: what happens by the clock is left out
    calls: int = 0
    clock: list[float] = field(default_factory=list)  # milliseconds, the median of each alternation
    own: list[float] = field(default_factory=list)  # the same of the process, without the database

    @property
    def answers(self) -> bool:
        return self.status == self.expected

    def take_status(self, answer: dict[str, Any]) -> None:
        self.status = answer["status"]

    def take_counts(self, answer: dict[str, Any]) -> None:
        """Keep the fewer of these counts and earlier ones."""
        self.statements = min(answer["statements"], self.statements or answer["statements"])
        self.calls = min(answer["calls"], self.calls or answer["calls"])

    def take_times(self, answer: dict[str, Any]) -> None:
        self.clock.append(statistics.median(answer["clock"]))
        self.own.append(statistics.median(answer["own"]))


@dataclass
class Compared:
    """One page in both checkouts: `old` is the one compared with, `new` this one."""

    label: str
    old: Side = field(default_factory=Side)
    new: Side = field(default_factory=Side)

    @property
    def is_measurable(self) -> bool:
        return self.old.answers and self.new.answers

    @property
    def is_counted(self) -> bool:
        """False before the first count, and while the new version seems to do more than the old one."""
        return 0 < self.new.calls <= self.old.calls and self.new.statements <= self.old.statements

    @property
    def times(self) -> float:
        """Return the median of new / old over the alternations, so that drift cancels."""
        return _times(self.old.clock, self.new.clock)

    @property
    def own_times(self) -> float:
        return _times(self.old.own, self.new.own)

    @property
    def is_dearer(self) -> bool:
        return self.is_measurable and self.times > DEARER

    def objections(self) -> list[str]:
        """Return in words what is worse now; empty when nothing is."""
        if not self.new.answers:
            return [f"这一份返回 HTTP {self.new.status}"]
        if not self.old.answers:
            return []  # a page that the other version does not have
        words = [f"慢了 {(self.times - 1) * 100:.0f}%"] if self.is_dearer else []
        if self.new.statements > self.old.statements:
            words.append(f"多 {self.new.statements - self.old.statements} 条语句")
        if self.new.calls > self.old.calls:
            words.append(f"多 {self.new.calls - self.old.calls:,} 次调用")
        return words


def _times(old: list[float], new: list[float]) -> float:
    return statistics.median(own / other for own, other in zip(new, old, strict=True))


def table(pages: list[Compared]) -> list[str]:
    """Return the lines of the table: one for each page, then the pages that are worse."""
    lines = [HEAD, *(_line(page) for page in pages)]
    worse = [page for page in pages if page.objections()]
    if not worse:
        return [*lines, "", f"没有页面变差（慢超过 {DEARER - 1:.0%}、语句更多或 Python 调用更多）。"]
    return [*lines, "", "变差的页面：", *(f"  {page.label}：{'，'.join(page.objections())}" for page in worse)]


def _line(page: Compared) -> str:
    old, new = page.old, page.new
    if not page.is_measurable:
        return f"{'':>76}  {page.label}  没有比较：原来 HTTP {old.status}，现在 HTTP {new.status}"
    clock = f"{statistics.median(old.clock):>10.1f}{statistics.median(new.clock):>10.1f}"
    times = f"{page.times:>8.2f}{page.own_times:>10.2f}"
    counts = f"{old.statements:>9}{new.statements:>8}{old.calls:>10,}{new.calls:>10,}"
    worse = f"  ✗ {'，'.join(page.objections())}" if page.objections() else ""
    return f"{clock}{times}{counts}  {page.label}{worse}"


def exit_code(pages: list[Compared]) -> int:
    return int(any(page.objections() for page in pages))
