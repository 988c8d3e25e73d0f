"""make screenshots: the pictures of README.md and the manuals, taken of a fresh demo company into docs/images/.

The demo company lives in a temporary folder and thinks that it is always the same Tuesday (CLOCK), so that pictures
change when screens do and not from day to day. Needs chromium (CRM_CHROMIUM, as the browser tests do) and CJK fonts.
ARGS="home phone-home" takes those alone; ARGS=--check takes none and looks at the files that are there.
"""

from __future__ import annotations

import os
import secrets
import shutil
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta, timezone
from math import prod
from pathlib import Path
from socketserver import ThreadingMixIn
from typing import TYPE_CHECKING, Any, NamedTuple
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

if TYPE_CHECKING:
    from django.db.models import QuerySet
    from playwright.sync_api import Browser, StorageState

ROOT = Path(__file__).resolve().parent.parent
IMAGES = ROOT / "docs" / "images"
LIMIT = 300_000  # bytes of one picture
CLOCK = datetime(2026, 11, 24, 10, 20, tzinfo=timezone(timedelta(hours=8)))
PASSWORD = secrets.token_urlsafe(16)
DESK, PHONE = (1440, 900), (375, 812)
FLAGS = ("--no-sandbox", "--disable-gpu")
CHROMIUM = ("chromium", "chromium-browser", "google-chrome")


class Picture(NamedTuple):
    """One picture: its file, who signed in, which page, and how it is looked at."""

    name: str
    username: str
    page: str  # a path, or a name of show_cases()
    size: tuple[int, int] = DESK
    dark: bool = False


PICTURES = (
    Picture("home", "xiaoming", "/"),
    Picture("home-dark", "xiaoming", "/", dark=True),
    Picture("home-supervisor", "zhuguan", "/"),
    Picture("home-executive", "gaoguan", "/"),
    Picture("customer", "xiaoming", "customer"),
    Picture("customer-dark", "xiaoming", "customer", dark=True),
    Picture("customers", "zhuguan", "/customers/"),
    Picture("contribution", "gaoguan", "/reports/contribution/"),
    Picture("contribution-dark", "gaoguan", "/reports/contribution/", dark=True),
    Picture("opportunity", "xiaoming", "opportunity"),
    Picture("assign", "zhuguan", "assign"),
    Picture("churn", "xiaohong", "churn"),
    Picture("service", "zhuguan", "service"),
    Picture("pipeline", "gaoguan", "/reports/pipeline/"),
    Picture("monthly-report", "gaoguan", "monthly"),
    Picture("role", "admin", "role"),
    Picture("audit-log", "admin", "/accounts/audit/"),
    Picture("phone-home", "xiaoming", "/", PHONE),
    Picture("phone-customer", "xiaoming", "customer", PHONE),
    Picture("phone-home-dark", "xiaoming", "/", PHONE, dark=True),
)


def stop_the_clock() -> None:
    """Let Python and the database read CLOCK; before any model is imported, since fields hold on to the function."""
    from django.db.models.functions import Now
    from django.utils import timezone as django_timezone

    words = CLOCK.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S.000000")
    django_timezone.now = lambda: CLOCK.astimezone(UTC)
    Now.as_sqlite = lambda self, compiler, connection, **context: ("%s", [words])


def prepare(folder: str) -> None:
    """Build the demo company in a folder of its own; nobody's .env or database has a part in it."""
    own = {
        "CRM_ENV": "development",
        "CRM_VAR_DIR": folder,
        "DATABASE_URL": f"sqlite:///{folder}/crm.sqlite3",
        "CRM_DEMO_PASSWORD": PASSWORD,
        "CRM_HTTPS": "0",
        "CRM_DEBUG": "0",
        "DJANGO_SETTINGS_MODULE": "crm.settings",
    }
    os.environ.update(own)
    sys.path.insert(0, str(ROOT))
    stop_the_clock()
    import django
    from django.core.management import call_command

    django.setup()
    call_command("migrate", verbosity=0)
    call_command("collectstatic", interactive=False, verbosity=0)
    with open(os.devnull, "w") as nowhere:  # it prints the password
        call_command("load_demo", stdout=nowhere)


def show_cases() -> dict[str, str]:
    """Return the paths of the records with most to see, by the names that PICTURES use."""
    from accounts.models import Role
    from customers.models import ChurnCase, Customer
    from marketing.models import Opportunity
    from reports.models import MonthlyReport
    from services.models import ServiceRequest

    mine = Opportunity.objects.filter(assignee__username="xiaoming", status="assigned")
    unassigned = Opportunity.objects.filter(status="unassigned").order_by("-expected_amount", "pk").first()
    returned = ServiceRequest.objects.filter(status="assigned", customer__isnull=False)
    cases = ChurnCase.objects.filter(customer__manager__username="xiaohong", last_purchase_on__isnull=False)
    customers = Customer.objects.current().filter(manager__username="xiaoming", churn_cases=None)
    shown = {
        "customer": richest(customers, "orders", "interactions", "contacts", "service_requests"),
        "opportunity": richest(mine, "items", "forecast_changes"),
        "churn": richest(cases, "measures"),
        "service": richest(returned, "rounds"),
        "monthly": MonthlyReport.objects.filter(status="reviewed").latest("period"),
        "role": Role.objects.get(code="account_manager"),
    }
    return {name: row.get_absolute_url() for name, row in shown.items()} | {
        "assign": f"{unassigned.get_absolute_url()}assign/"
    }


def richest(rows: QuerySet[Any], *parts: str) -> Any:
    """Return the row with most of each part; a kind that is missing weighs more than many of another."""
    return max(rows.order_by("pk"), key=lambda row: prod(1 + min(getattr(row, part).count(), 9) for part in parts))


class Server(ThreadingMixIn, WSGIServer):
    daemon_threads = True


class SilentHandler(WSGIRequestHandler):
    def log_message(self, format: str, *arguments: Any) -> None:
        """Say nothing of pages that were asked for."""


@contextmanager
def serve() -> Iterator[str]:
    """Serve the product from this process, whose clock stands still; give the address."""
    from crm.wsgi import application

    with make_server("127.0.0.1", 0, application, Server, SilentHandler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def sign_in(username: str, browser: Browser, address: str) -> StorageState:
    """Sign in as people do, once for all pictures of a person; return the cookies."""
    page = browser.new_page(base_url=address)
    page.goto("/login/")
    page.get_by_label("用户名").fill(username)
    page.get_by_label("密码").fill(PASSWORD)
    page.get_by_role("button", name="登录").click()
    page.wait_for_url("/")
    cookies = page.context.storage_state()
    page.close()
    return cookies


def take(picture: Picture, browser: Browser, path: str, **context: Any) -> None:
    """Open the page and write what the window shows."""
    width, height = picture.size
    page = browser.new_page(
        **context,
        viewport={"width": width, "height": height},
        device_scale_factor=2 if picture.size == PHONE else 1,
        is_mobile=picture.size == PHONE,
        locale="zh-CN",
        timezone_id="Asia/Shanghai",
        reduced_motion="reduce",
        color_scheme="dark" if picture.dark else "light",
    )
    answer = page.goto(path, wait_until="networkidle")
    if answer is None or answer.status != 200:
        raise SystemExit(f"✗ {picture.name}：{path} 回答 {answer and answer.status}")
    file = IMAGES / f"{picture.name}.png"
    page.screenshot(path=file, caret="hide", animations="disabled")
    file.chmod(0o644)  # the product's own files are closed to others
    page.close()


def complaints() -> list[str]:
    """Return what is wrong with the files that are there: missing, too large, or of no picture."""
    named, files = {picture.name for picture in PICTURES}, {path.stem: path for path in IMAGES.glob("*.png")}
    missing = [f"缺少 docs/images/{name}.png" for name in sorted(named - set(files))]
    unknown = [f"docs/images/{name}.png 不是这里拍的" for name in sorted(set(files) - named)]
    sizes = [(path.name, path.stat().st_size) for _, path in sorted(files.items())]
    return [*missing, *unknown, *(f"{name} 有 {size:,} 字节，上限 {LIMIT:,}" for name, size in sizes if size > LIMIT)]


def take_all(pictures: list[Picture]) -> None:
    """Take these pictures of a demo company made for them."""
    chromium = os.environ.get("CRM_CHROMIUM") or next(filter(None, map(shutil.which, CHROMIUM)), None)
    if not chromium:
        raise SystemExit("✗ 没有找到 chromium；Debian 上运行 apt-get install chromium，或用 CRM_CHROMIUM 指定它的位置")
    IMAGES.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        prepare(folder)
        paths, cookies = show_cases(), {}
        from playwright.sync_api import sync_playwright

        with serve() as address, sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=chromium, args=FLAGS)
            for picture in pictures:
                if picture.username not in cookies:
                    cookies[picture.username] = sign_in(picture.username, browser, address)
                path = paths.get(picture.page, picture.page)
                take(picture, browser, path, base_url=address, storage_state=cookies[picture.username])
                print(f"✓ docs/images/{picture.name}.png", flush=True)
            browser.close()


def main() -> int:
    names = [argument for argument in sys.argv[1:] if argument != "--check"]
    if unknown := set(names) - {picture.name for picture in PICTURES}:
        raise SystemExit(f"✗ 没有这样的图片：{'、'.join(sorted(unknown))}")
    if "--check" not in sys.argv:
        take_all([picture for picture in PICTURES if not names or picture.name in names])
    wrong = complaints()
    for words in wrong:
        print(f"✗ {words}")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
