"""make bench ARGS="--against PATH": two checkouts page by page, alternately, in one run."""

from __future__ import annotations

import contextlib
import secrets
from collections import Counter
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import company
import pages
from checkouts import Checkout, Probe, visits
from comparison import Compared, Side, exit_code, table

WARM_UP = 5  # after three times a statement is prepared, and caches are full
COUNTED = 4  # visits: half for calls, half for statements
AGAIN = 2  # times a page that seems worse is counted and measured once more
NEWER = "{folder} 有这一份不认识的数据库迁移（{names}）。请在较新的一份里运行，--against 给较旧的一份。"


@dataclass(frozen=True)
class Sizes:
    opportunities: int
    customers: int
    services: int
    orders: int


@dataclass(frozen=True)
class Wanted:
    sizes: Sizes
    pages: list[str] | None
    rounds: int
    requests: int  # of one page in one alternation


Say = Callable[[str], None]


def compare(own: Path, other: Path, wanted: Wanted, set_up: Callable[[str], object], say: Say) -> int:
    """Print the table; return 1 when a page is worse in `own`. `set_up` sets Django up on a database."""
    url = company.database_url()
    old = Checkout(other, company.beside(url, "old"))
    new = Checkout(own, company.beside(url, "new"))
    for checkout in (old, new):
        checkout.must_be_ready()
    company.reach(url)
    with contextlib.ExitStack() as stack:
        for checkout in (old, new):
            company.drop(checkout.url)
            stack.callback(company.drop, checkout.url)
        say(f"准备数据……（{old.folder} 建库，复制一份由这一份升级）")
        build(old, new, wanted.sizes)
        set_up(new.url)
        shown = pages.chosen(wanted.pages, (*pages.MEASURED, *pages.COMPARED))
        company.disconnect()
        both = stack.enter_context(old.probe()), stack.enter_context(new.probe())
        results = measure(both, shown, wanted, say)
    say(f"\n原：{old.folder}  新：{new.folder}")
    say(f"{wanted.rounds} 轮交替，每轮 {wanted.requests} 次；倍数是各轮之比的中位数")
    for line in table(results):
        say(line)
    return exit_code(results)


def build(old: Checkout, new: Checkout, sizes: Sizes) -> None:
    """Let the other version build its database, and this one migrate a copy: rows and keys are the same in both."""
    company.reach(old.url)
    old.fill({**asdict(sizes), "password": secrets.token_urlsafe(16), "roles": company.ROLES})
    company.copy(old.url, new.url)
    if unknown := migrations(old, "[X]") - migrations(new, "["):
        raise company.NotReady(NEWER.format(folder=old.folder, names="、".join(sorted(unknown))))
    new.manage("migrate", "--verbosity=0")
    for checkout in (old, new):
        checkout.manage("collectstatic", "--no-input", "--verbosity=0")
        company.tidy(checkout.url)


def migrations(checkout: Checkout, mark: str) -> set[str]:
    """Return the migrations that the checkout lists with this mark: [X] for those in its database."""
    lines = checkout.manage("showmigrations", "--plan").splitlines()
    return {line.split()[-1] for line in lines if line.startswith(mark)}


def measure(both: tuple[Probe, Probe], shown: list[pages.Page], wanted: Wanted, say: Say) -> list[Compared]:
    """Count each page, then time the pages in rounds, old and new alternately; once more where new seems dearer."""
    results = {page.key: Compared(page.label, Side(page.status), Side(page.status)) for page in shown}
    say("计数……")
    for page in shown:
        count(both, page, results[page.key])
    measurable = [page for page in shown if results[page.key].is_measurable]
    for number in range(wanted.rounds):
        say(f"第 {number + 1} / {wanted.rounds} 轮")
        alternate(both, measurable, results, wanted.requests)
    for _ in range(AGAIN):
        dearer = [page for page in measurable if results[page.key].is_dearer]
        if dearer:
            say(f"再测 {len(dearer)} 页：{'、'.join(page.label for page in dearer)}")
        for _ in range(wanted.rounds):
            alternate(both, dearer, results, wanted.requests)
    return list(results.values())


def count(both: tuple[Probe, Probe], page: pages.Page, result: Compared) -> None:
    warm_up = visits(page, WARM_UP)
    sides = list(zip(both, (result.old, result.new), strict=True))
    for probe, side in sides:
        side.take_status(probe.ask("status", warm_up))
    for _ in range(1 + AGAIN):
        if result.is_measurable and not result.is_counted:
            counted = visits(page, COUNTED)
            for probe, side in sides:
                side.take_counts(probe.ask("counts", counted))


def alternate(both: tuple[Probe, Probe], shown: list[pages.Page], results: dict[str, Compared], number: int) -> None:
    for page in shown:
        sent, result = visits(page, number), results[page.key]
        for probe, side in zip(both, (result.old, result.new), strict=True):
            side.take_times(probe.ask("times", sent))


def trace(checkout: Checkout, path: str, person: str, say: Say) -> int:
    """Print the project's functions that a page calls, in the order of their first call, each once."""
    page = pages.Page("trace", path, path, person)
    with checkout.probe() as probe:
        answer = probe.ask("trace", visits(page, WARM_UP))
    for function in answer["functions"]:
        say(function)
    parts = Counter(function.split("/")[0] for function in answer["functions"])
    numbers = "，".join(f"{part} {number}" for part, number in parts.most_common())
    say(f"\nHTTP {answer['status']}，{person}，{path}：{len(answer['functions'])} 个函数（{numbers}）")
    return int(answer["status"] != 200)
