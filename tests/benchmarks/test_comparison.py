"""The comparison of two versions: what counts as worse, the table of it, and the counter of calls."""

from __future__ import annotations

import secrets
from pathlib import Path
from types import SimpleNamespace

import pytest

from tests.benchmarks.comparison import Compared, Side, exit_code, table
from tests.benchmarks.probe import CallCounter, Pages, own_functions, profiled


def side(*clock: float, status: int = 200, statements: int = 8, calls: int = 1000) -> Side:
    """Return a page as the probe's answers describe it, one alternation for each time."""
    answered = Side()
    answered.take_status({"status": status})
    if answered.answers:
        answered.take_counts({"statements": statements, "calls": calls})
    for milliseconds in clock:
        answered.take_times({"clock": [milliseconds - 1, milliseconds, 900.0], "own": [milliseconds / 2] * 3})
    return answered


@pytest.mark.parametrize(
    ("now", "words"),
    [
        (side(114, 114, 900), []),
        (side(116, 116, 10), ["慢了 16%"]),
        (side(50, 50, 50, statements=9), ["多 1 条语句"]),
        (side(50, 50, 50, calls=3001), ["多 2,001 次调用"]),
        (side(200, 200, 200, statements=9, calls=1001), ["慢了 100%", "多 1 条语句", "多 1 次调用"]),
        (side(status=500), ["这一份返回 HTTP 500"]),
    ],
)
def test_what_makes_a_page_worse_is_said_and_fails_the_command(now: Side, words: list[str]) -> None:
    page = Compared("客户列表", side(100, 100, 100), now)
    assert page.objections() == words
    assert exit_code([Compared("别的页面", side(100), side(90, calls=900)), page]) == bool(words)


def test_a_page_that_the_old_version_does_not_have_is_not_held_against_the_new_one() -> None:
    page = Compared("新页面", side(status=404), side(status=200))
    assert exit_code([page]) == 0
    assert "没有比较：原来 HTTP 404，现在 HTTP 200" in table([page])[1]


def test_the_ratio_is_the_median_of_neighbours_so_that_drift_cancels() -> None:
    assert Compared("", side(100, 200, 400), side(110, 220, 440)).times == pytest.approx(1.1)


def test_counts_taken_again_keep_the_fewest() -> None:
    page = Compared("", side(100, calls=1000), side(100, calls=1003))
    assert not page.is_counted
    page.new.take_counts({"statements": 9, "calls": 1000})
    assert page.is_counted
    assert (page.new.statements, page.new.calls) == (8, 1000)


def test_the_table_shows_each_page_and_names_the_worse_ones_again() -> None:
    _, same, worse, *rest = table(
        [Compared("甲", side(10), side(10)), Compared("乙", side(10), side(20, statements=9))]
    )
    assert same.split() == ["10.0", "10.0", "1.00", "1.00", "8", "8", "1,000", "1,000", "甲"]
    assert worse.endswith("乙  ✗ 慢了 100%，多 1 条语句")
    assert rest == ["", "变差的页面：", "  乙：慢了 100%，多 1 条语句"]


def test_a_generator_counts_once_however_often_it_goes_on() -> None:
    def numbers(last: int):
        yield from range(last)

    few, many = CallCounter(), CallCounter()
    profiled(few, lambda: list(numbers(1)))
    profiled(many, lambda: [*numbers(50), *numbers(2)])
    assert (few.number, many.number) == (2, 3)  # the lambda, and each generator


def test_what_chance_repeats_is_not_counted() -> None:
    counter = CallCounter()
    profiled(counter, lambda: secrets.choice("abc"))
    assert counter.number == 1  # the lambda


def test_a_page_that_suddenly_answers_otherwise_ends_the_measurement(monkeypatch: pytest.MonkeyPatch) -> None:
    answers = iter((200, 200, 302))
    signed_in = SimpleNamespace(get=lambda path, headers: SimpleNamespace(status_code=next(answers)))
    pages = Pages()
    monkeypatch.setattr(pages, "_client", lambda person: signed_in)
    visit = {"path": "/customers/", "person": "bench_supervisor", "headers": {}, "fields": None}
    assert pages.status([visit, visit]) == {"status": 200}
    with pytest.raises(RuntimeError, match="先返回 HTTP 200，后来返回 HTTP 302"):
        pages.times([visit])


def test_traced_functions_are_the_projects_own() -> None:
    root = Path(__file__).resolve().parents[2]
    here = test_traced_functions_are_the_projects_own.__code__
    beside = compile("def f(): pass", str(root / "kit" / "f.py"), "exec")
    codes = [beside.co_consts[0], beside, here, pytest.fixture.__code__]
    assert own_functions(codes, root) == ["kit/f.py:1 f"]
