"""make bench: cost of the product's pages as multiples of the plain list page, and their number of queries.

With --against the pages of two versions side by side (compare.py), with --trace the functions of one page.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import secrets
import statistics
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import company
import compare
import pages
import scopes
import trade
import work
from checkouts import Checkout
from servers import WORKERS, gunicorn
from visits import Sample, Visitor, closed_loop, merged

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
LIST_PAGES = ("list", "all", "customers", "dispatch", "handling", "archive", "archive_all")
MOST_TIMES, MOST_QUERIES = 2.0, 10  # the goals of list pages
GOALS = {"alerts": 2.5, "customer": 3.0}  # of the plain list page
REPORT_TIMES, REPORT_OF_RAW = 3.0, 0.2  # the goals of reports: of the plain list page, and of the raw aggregate
WARM_UP = 4


@dataclass
class Options:
    opportunities: int
    customers: int
    services: int
    orders: int
    rounds: int
    requests: int
    concurrency: tuple[int, ...]
    pages: list[str] | None
    against: Path | None
    trace: str
    person: str


def options() -> Options:
    parser = argparse.ArgumentParser(description="测速：以同一次运行中的「朴素列表页」为 1，给出各页面的倍数和查询数。")
    parser.add_argument("--quick", action="store_true", help="较小的数据量和较少的请求")
    parser.add_argument("--pages", help="只测这些页面，逗号分隔：" + ",".join(pages.KEYS))
    parser.add_argument("--opportunities", type=int, help="销售机会条数，默认 100000")
    parser.add_argument("--customers", type=int, help="客户条数，默认 100000")
    parser.add_argument("--services", type=int, help="服务请求条数，默认 500000")
    parser.add_argument("--orders", type=int, help="订单张数，默认 1000000")
    parser.add_argument("--rounds", type=int, help="轮数，默认 7")
    parser.add_argument("--against", type=Path, metavar="目录", help="逐页与另一个检出目录（较旧的版本）比较")
    parser.add_argument("--trace", default="", metavar="网址", help="按首次调用的顺序列出这一页经过的项目函数")
    people = (company.SUPERVISOR, company.MANAGER, *company.ROLES)
    parser.add_argument("--person", default=company.SUPERVISOR, choices=people, help="--trace 以谁的身份打开")
    asked = parser.parse_args()
    chosen = asked.pages.split(",") if asked.pages else None
    if unknown := set(chosen or ()) - set(pages.KEYS):
        parser.error(f"没有这样的页面：{'、'.join(sorted(unknown))}")
    return Options(
        opportunities=asked.opportunities or (10_000 if asked.quick else 100_000),
        customers=asked.customers or (2_000 if asked.quick else 100_000),
        services=asked.services or (20_000 if asked.quick else 500_000),
        orders=asked.orders or (20_000 if asked.quick else trade.ORDERS),
        rounds=asked.rounds or (3 if asked.quick else 7),
        requests=20 if asked.quick else 40,
        concurrency=(1, 8),
        pages=chosen,
        against=asked.against.resolve() if asked.against else None,
        trace=asked.trace,
        person=asked.person,
    )


def say(text: str = "") -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


@dataclass
class Measured:
    """One page at one concurrency; a round includes the plain page just before and after it."""

    rounds: list[Sample] = field(default_factory=list)
    beside: list[Sample] = field(default_factory=list)

    def times(self, percent: int) -> float:
        """Return the multiple of the plain page: the median of the rounds, so that drift cancels."""
        pairs = zip(self.rounds, self.beside, strict=True)
        return statistics.median(own.percentile(percent) / plain.percentile(percent) for own, plain in pairs)


Results = dict[tuple[str, int], Measured]


def main() -> int:
    wanted = options()
    try:
        if wanted.against:
            return compared(wanted, wanted.against)
        return traced(wanted) if wanted.trace else measured_beside_plain(wanted)
    except (company.NotReady, RuntimeError, subprocess.CalledProcessError) as error:
        say(str(error))
        return 2


def compared(wanted: Options, other: Path) -> int:
    sizes = compare.Sizes(wanted.opportunities, wanted.customers, wanted.services, wanted.orders)
    chosen = compare.Wanted(sizes, wanted.pages, wanted.rounds, wanted.requests // 4)
    return compare.compare(ROOT, other, chosen, set_up, say)


def traced(wanted: Options) -> int:
    """Print the functions of one page, on the benchmark's database as it is or with the rows it lacks."""
    url = company.database_url()
    company.reach(url)
    set_up(url)
    company.prepare(wanted.opportunities, wanted.customers, wanted.services, secrets.token_urlsafe(16))
    company.disconnect()
    return compare.trace(Checkout(ROOT, url), wanted.trace, wanted.person, say)


def measured_beside_plain(wanted: Options) -> int:
    url = company.database_url()
    company.reach(url)
    environment = set_up(url)
    password = secrets.token_urlsafe(16)
    say("准备数据……")
    sizes = company.prepare(wanted.opportunities, wanted.customers, wanted.services, password)
    orders = trade.prepare(wanted.orders) if reports_of(wanted) else 0
    with taken_back(), served(environment) as (product_port, plain_port):
        say("{:,} 条销售机会，{:,} 个客户，{:,} 个服务请求，{:,} 张订单；".format(*sizes, orders))
        say(f"gunicorn {WORKERS} 个 sync 进程。")
        queries = pages.counts(keys(wanted), (company.SUPERVISOR, company.MANAGER))
        results = measure(wanted, visitors(product_port, plain_port, password))
    status = report(wanted, results, queries)
    if reports_of(wanted):
        report_raw(reports_of(wanted), results)
    if wanted.pages is None:
        for title, measured in (("后台工作", work.measure), ("一百万客户中看得到的行", scopes.measure)):
            say(f"\n{title}")
            for measured_line in measured():
                say(measured_line)
    return status


def keys(wanted: Options) -> set[str]:
    return {page.key for page in pages.chosen(wanted.pages)}


def reports_of(wanted: Options) -> dict[str, str]:
    """Return the reports among the selected pages, with their URLs."""
    return {key: path for key, (_, path) in pages.REPORTS.items() if wanted.pages is None or key in wanted.pages}


def report_raw(paths: dict[str, str], results: Results) -> None:
    """Print the reports as multiples of the raw aggregate: opened again, and for the first time after a change."""
    raw, first = trade.raw_seconds(), trade.first_seconds(paths, company.SUPERVISOR)
    say(f"\n报表与数据库直接汇总全部订单（按客户和年份，{raw * 1000:,.0f} 毫秒 = 1）；数据变动后第一次打开要重新计算")
    say(f"{'再次打开':>8}{'倍数':>8}{'第一次':>8}{'倍数':>8}  页面")
    for key in paths:
        again = merged(results[key, 1].rounds).percentile(50)
        part = again / 1000 / raw
        goal = "达到目标" if part <= REPORT_OF_RAW else "未达目标"
        measured = f"{again:>10.1f}{part:>10.3f}{first[key] * 1000:>10.1f}{first[key] / raw:>10.3f}"
        say(f"{measured}  {pages.REPORTS[key][0]}  {goal}（≤ {REPORT_OF_RAW:g}）")


def set_up(url: str) -> dict[str, str]:
    """Set Django up on the database and collect the static files; return the environment of the servers."""
    own = ROOT / "var" / "bench"
    own.mkdir(parents=True, exist_ok=True)
    changes = {"DATABASE_URL": url, "CRM_VAR_DIR": str(own), "CRM_ENV": "development", "CRM_DEBUG": "0"}
    os.environ.update(changes, DJANGO_SETTINGS_MODULE="crm.settings", CRM_HTTPS="0")
    sys.path.insert(0, str(ROOT))
    import django

    django.setup()
    from django.core.management import call_command

    call_command("collectstatic", interactive=False, verbosity=0)
    return {**os.environ, "BENCH_SECRET_KEY": secrets.token_urlsafe(40)}


@contextlib.contextmanager
def taken_back() -> Iterator[None]:
    """Remove afterwards what the run created."""
    try:
        yield
    finally:
        company.remove_created(pages.MARK)


@contextlib.contextmanager
def served(environment: dict[str, str]) -> Iterator[tuple[int, int]]:
    """Return the ports of product and plain page, both under the same gunicorn settings."""
    plain_environment = {name: value for name, value in environment.items() if name != "DJANGO_SETTINGS_MODULE"}
    subprocess.run([sys.executable, str(HERE / "plain.py"), "fill"], env=plain_environment, check=True)
    with (
        gunicorn("crm.wsgi:application", ROOT, "/healthz", environment) as product,
        gunicorn("plain:application", HERE, "/list", plain_environment) as plain,
    ):
        yield product, plain


People = dict[str, Visitor]  # by user name; "" visits the plain page


def visitors(product_port: int, plain_port: int, password: str) -> People:
    people = {name: Visitor(product_port) for name in (company.SUPERVISOR, company.MANAGER, *company.ROLES)}
    for name, person in people.items():
        person.sign_in(name, password)
    people[""] = Visitor(plain_port)
    people[""].get("/sign-in")
    return people


def measure(wanted: Options, people: People) -> Results:
    """Measure plain page, page, plain page, page, …: each page between two measures of the plain one."""
    plain = people[""]
    yardstick = pages.Page("plain", "朴素列表页", "/list")
    shown = pages.chosen(wanted.pages)
    results: Results = {(page.key, c): Measured() for page in (yardstick, *shown) for c in wanted.concurrency}
    for page, person in [(yardstick, plain), *((page, people[page.person]) for page in shown)]:
        run(person, page, max(wanted.concurrency), WARM_UP * WORKERS)
    for number in range(wanted.rounds):
        say(f"第 {number + 1} / {wanted.rounds} 轮")
        for concurrency in wanted.concurrency:
            before = run(plain, yardstick, concurrency, wanted.requests)
            results["plain", concurrency].rounds.append(before)
            for page in shown:
                own = run(people[page.person], page, concurrency, wanted.requests)
                after = run(plain, yardstick, concurrency, wanted.requests)
                results[page.key, concurrency].rounds.append(own)
                results[page.key, concurrency].beside.append(merged((before, after)))
                results["plain", concurrency].rounds.append(after)
                before = after
    return results


def run(person: Visitor, page: pages.Page, concurrency: int, count: int) -> Sample:
    return closed_loop(person, page.visit, page.is_right, concurrency=concurrency, count=count)


def report(wanted: Options, results: Results, queries: list[pages.Count]) -> int:
    """Print both tables; return 1 when an answer was wrong or a page's queries grow with its rows."""
    labels = {"plain": "朴素列表页（= 1）", **{page.key: page.label for page in pages.chosen(wanted.pages)}}
    say("\n时间（毫秒；倍数是各轮之比的中位数）")
    say(f"{'并发':<3}{'p50':>8}{'p95':>8}{'p50 倍数':>8}{'p95 倍数':>8}{'请求':>6}{'错误':>5}  页面")
    for (key, concurrency), measured in sorted(results.items(), key=lambda item: item[0][1]):
        say(f"{concurrency:<5}{line(measured)}  {labels[key]}{verdict(key, concurrency, measured)}")
    say("\n每页查询数（行数少 / 行数多）")
    for count in queries:
        over = "" if count.key not in LIST_PAGES or count.many <= MOST_QUERIES else f"  超过目标 {MOST_QUERIES}"
        grows = "" if count.is_steady else "  随行数变化！"
        say(f"{count.few:>4} / {count.many:<4} {count.person:<18}{labels[count.key]}{over}{grows}")
    failed_pages = sum(merged(measured.rounds).errors for measured in results.values())
    return int(failed_pages > 0 or not all(count.is_steady for count in queries))


def line(measured: Measured) -> str:
    pooled = merged(measured.rounds)
    times = [f"{measured.times(percent):>10.2f}" for percent in (50, 95)] if measured.beside else [" " * 10] * 2
    return (
        f"{pooled.percentile(50):>8.1f}{pooled.percentile(95):>8.1f}{''.join(times)}"
        f"{len(pooled.times):>8}{pooled.errors:>6}"
    )


def verdict(key: str, concurrency: int, measured: Measured) -> str:
    """Return how a page compares with its goal at one visitor; "" for pages without."""
    goal = MOST_TIMES if key in LIST_PAGES else REPORT_TIMES if key in pages.REPORTS else GOALS.get(key, 0.0)
    if not goal or concurrency != 1:
        return ""
    return f"  达到目标（≤ {goal:g}）" if measured.times(50) <= goal else f"  未达目标（≤ {goal:g}）"


if __name__ == "__main__":
    sys.exit(main())
