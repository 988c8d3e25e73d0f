"""make test: every test this machine can run; what it could not run is listed with the reason.

At the end: how long each part took, and the slowest tests of all parts together.

With CI=true a missing part is a failure.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field

SLOWEST = 20
PYTEST = [sys.executable, "-m", "pytest", f"--durations={SLOWEST}"]
CHROMIUM = ("chromium", "chromium-browser", "google-chrome")
TOTALS = re.compile(r"(\d+) (passed|failed|errors?|skipped|xfailed|xpassed)")
CLOSING = re.compile(TOTALS.pattern + r".* in [\d.]+s")
DURATION = re.compile(r"^(\d+\.\d+)s (?:setup|call|teardown) +(\S.*)$", re.MULTILINE)
NO_POSTGRES = (
    "PostgreSQL：127.0.0.1:5432 没有可以建库的服务；请安装并启动它，或用 CRM_TEST_DATABASE_URL 指定一台"
    "（例如 postgres://用户:密码@主机/postgres）"
)
NO_BROWSER = "浏览器：没有找到 chromium；Debian 上运行 apt-get install chromium，或用 CRM_CHROMIUM 指定它的位置"
MAY_CREATE = "select rolcreatedb or rolsuper from pg_roles where rolname = current_user"


@dataclass
class Summary:
    passed: int = 0
    failed: int = 0
    skipped: int = 0
    missing: list[str] = field(default_factory=list)
    seconds: dict[str, float] = field(default_factory=dict)  # of each part
    tests: dict[tuple[str, str], float] = field(default_factory=dict)  # of the slowest of each part, (part, test)

    def add(self, output: str, code: int, part: str, seconds: float = 0.0) -> None:
        """Counts a pytest run by its closing line; a run that ended badly without counting failures is one."""
        counts = closing_counts(output)
        self.passed += counts.get("passed", 0) + counts.get("xfailed", 0)
        failed = counts.get("failed", 0) + counts.get("error", 0) + counts.get("xpassed", 0)
        self.failed += failed or int(code not in (0, 5))
        self.skipped += counts.get("skipped", 0)
        if code == 5:
            self.missing.append(f"{part}：没有选中任何测试")
        self.seconds[part] = seconds
        for taken, test in DURATION.findall(output):  # a test's setup and call stand in lines of their own
            self.tests[part, test] = self.tests.get((part, test), 0.0) + float(taken)

    def times(self) -> list[str]:
        """The lines about minutes and slowest tests."""
        parts = "，".join(f"{part} {seconds / 60:.1f} 分钟" for part, seconds in self.seconds.items())
        slowest = sorted(self.tests.items(), key=lambda item: -item[1])[:SLOWEST]
        lines = [f"{seconds:8.2f} 秒  {part}  {test}" for (part, test), seconds in slowest]
        head = [f"用时 {sum(self.seconds.values()) / 60:.1f} 分钟：{parts}"] if self.seconds else []
        return [*head, *([f"最慢的 {len(lines)} 个测试：", *lines] if lines else [])]


def closing_counts(output: str) -> dict[str, int]:
    """{"passed": 12, …} from pytest's closing line; {} when it did not come so far."""
    last = next((line for line in reversed(output.splitlines()) if CLOSING.search(line)), "")
    return {word.removesuffix("s") if word == "errors" else word: int(n) for n, word in TOTALS.findall(last)}


def postgres_url() -> str:
    """A PostgreSQL server that lets us create databases, or an empty string."""
    import psycopg

    given = os.environ.get("CRM_TEST_DATABASE_URL", "")
    users = dict.fromkeys([os.environ.get("USER") or "root", "root", "postgres"])  # in this order, each once
    for url in [given] if given else [f"postgres://{user}@127.0.0.1:5432/postgres" for user in users]:
        try:
            with psycopg.connect(url, connect_timeout=3) as connection:
                if connection.execute(MAY_CREATE).fetchone() == (True,):
                    return url
        except psycopg.OperationalError:
            continue
    return ""


def chromium() -> str:
    given = os.environ.get("CRM_CHROMIUM", "")
    return next(filter(None, map(shutil.which, [given] if given else CHROMIUM)), "")


def run(part: str, arguments: list[str], environment: dict[str, str]) -> tuple[str, int, str, float]:
    """What Summary.add() counts: output, exit code, part, seconds."""
    began = time.monotonic()
    print(f"\n── {part}", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        os.mkdir(f"{folder}/static")
        # All named here, so that nobody's .env decides what is tested.
        own = {"CRM_VAR_DIR": folder, "CRM_ENV": "development", "DATABASE_URL": f"sqlite:///{folder}/crm.sqlite3"}
        process = subprocess.Popen(
            [*PYTEST, *arguments, *sys.argv[1:]],
            env={**os.environ, **own, **environment},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        lines = []
        for line in process.stdout or ():
            print(line, end="", flush=True)
            lines.append(line)
        return "".join(lines), process.wait(), part, time.monotonic() - began


def main() -> int:
    summary = Summary()
    two = ["-n", "2", "--dist", "worksteal"]  # an idle worker takes over what the other has left
    units = ["tests", "--ignore=tests/browser", *two]
    summary.add(*run("SQLite", [*units, "-m", "not postgres"], {}))
    if url := postgres_url():
        # Whatever asks for no database has run; what is tested need not survive a power cut.
        quick = f"{url}{'&' if '?' in url else '?'}options=-c%20synchronous_commit%3Doff"
        summary.add(*run("PostgreSQL", [*units, "--with-database-only"], {"DATABASE_URL": quick}))
    else:
        summary.missing.append(NO_POSTGRES)
    if browser := chromium():
        summary.add(*run("浏览器", ["tests/browser", *two], {"CRM_CHROMIUM": browser}))
    else:
        summary.missing.append(NO_BROWSER)
    print("\n" + "\n".join(summary.times()))
    print()
    for part in summary.missing:
        print(f"未运行 {part}")
    if summary.missing and os.environ.get("CI", "").lower() in ("1", "true"):
        summary.failed += len(summary.missing)
    print(f"\n{summary.passed} passed, {summary.failed} failed, {summary.skipped} skipped")
    return 1 if summary.failed else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit("\n已中断。")
