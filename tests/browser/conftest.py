"""A real browser in front of a running server; what the browser complains about fails the test."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from django.conf import settings
from django.core.files.base import ContentFile
from django.utils import timezone
from playwright.sync_api import BrowserContext, ConsoleMessage, Locator, Page, WebError
from pytest_django.live_server_helper import LiveServer

from accounts.models import Role, SavedView, User
from basedata.models import SpecialDay, SyncRefusal, SyncRun
from customers.imports.kind import CUSTOMERS
from customers.merging.merge import merge_undoably
from customers.models import BacktestMonth, BacktestRow, HintPause, ImportFile, ParkedOrder
from kit.imports.models import ImportRun
from kit.imports.steps import begin
from kit.imports.tasks import CHECK, VALUES, start
from kit.jobs.models import Job
from reports.pages.monthly_sections import four_reports
from tests import factories

# Playwright keeps an event loop in this thread; the ORM is used between its calls, never inside them.
os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "1"

AXE = Path(os.environ.get("CRM_AXE", settings.BASE_DIR / "node_modules/axe-core/axe.min.js"))
PASSWORD = "a-long-passphrase"
TIMEOUT = 8000
QUIET = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
)
DESK = {
    "viewport": {"width": 1440, "height": 900},
    "locale": "zh-CN",
    "timezone_id": "Asia/Shanghai",
    "reduced_motion": "reduce",
    "color_scheme": "light",
}
REPORT_VIOLATIONS = """
document.addEventListener("securitypolicyviolation", event =>
  console.error(`Content Security Policy: ${event.violatedDirective} ${event.blockedURI} ${event.sample}`));
"""


def find_chromium() -> str:
    """CRM_CHROMIUM, or what the machine has; empty when it has none."""
    named = os.environ.get("CRM_CHROMIUM", "")
    if named:
        return named if Path(named).exists() else ""
    found = (shutil.which(name) for name in ("chromium", "chromium-browser", "google-chrome"))
    return next((path for path in found if path), "")


@pytest.fixture(scope="session")
def browser_type_launch_args(browser_type_launch_args: dict[str, Any]) -> dict[str, Any]:
    path = find_chromium()
    if not path:
        pytest.skip("no chromium on PATH; install Debian's chromium or set CRM_CHROMIUM to one")
    return {**browser_type_launch_args, "executable_path": path, "args": list(QUIET)}


@pytest.fixture(scope="session")
def base_url(django_db_setup: None) -> Iterator[str]:
    """A running server; started after the test database is there, so that it uses no other."""
    server = LiveServer("localhost")
    yield server.url
    server.stop()


@pytest.fixture(autouse=True)
def _own_database(transactional_db: None, django_db_serialized_rollback: None) -> None:
    """Server and test are two threads, so nothing is rolled back: each test starts from the shipped rows."""


@pytest.fixture
def axe() -> str:
    assert AXE.exists(), "axe-core is not in node_modules: make setup installs it"
    return AXE.read_text()


class Complaints:
    """Console errors, page errors and violations of the content security policy, of all pages of a test."""

    def __init__(self) -> None:
        self.heard: list[str] = []
        self.allowed: list[str] = []

    def listen(self, context: BrowserContext) -> None:
        context.add_init_script(REPORT_VIOLATIONS)
        context.on("console", self.on_console)
        context.on("weberror", self.on_error)

    def on_console(self, message: ConsoleMessage) -> None:
        if message.type == "error" or "Content Security Policy" in message.text:
            self.heard.append(f"{message.text} ({message.location.get('url', '')})")

    def on_error(self, error: WebError) -> None:
        self.heard.append(f"{error.error}")

    def allow(self, *statuses: int) -> None:
        """Answers the test asks for on purpose; the browser logs each as an error."""
        self.allowed += [f"status of {status}" for status in statuses]

    def unexpected(self) -> list[str]:
        return [text for text in self.heard if not any(word in text for word in self.allowed)]


@pytest.fixture
def complaints() -> Iterator[Complaints]:
    heard = Complaints()
    yield heard
    assert heard.unexpected() == []


@pytest.fixture
def new_context(new_context: Callable[..., BrowserContext], complaints: Complaints) -> Callable[..., BrowserContext]:
    def make(**options: Any) -> BrowserContext:
        context = new_context(**{**DESK, **options})
        context.set_default_timeout(TIMEOUT)
        complaints.listen(context)
        return context

    return make


@pytest.fixture
def sign_in_form(new_context: Callable[..., BrowserContext]) -> Callable[..., Page]:
    """sign_in_form(user) signs a person in as people do and gives the page."""

    def enter(user: Any, **options: Any) -> Page:
        page = new_context(**options).new_page()
        page.goto("/login/")
        page.get_by_label("用户名").fill(user.username)
        page.get_by_label("密码").fill(PASSWORD)
        page.get_by_role("button", name="登录").click()
        page.wait_for_url("/")
        return page

    return enter


@pytest.fixture
def browse(new_context: Callable[..., BrowserContext], sign_in: Callable[..., Any], base_url: str) -> Callable:
    """browse(user) gives a page that already carries the person's session; browse(None) a visitor's."""

    def enter(user: Any, **options: Any) -> Page:
        context = new_context(**options)
        if user is not None:
            session = sign_in(user).cookies["sessionid"].value
            context.add_cookies([{"name": "sessionid", "value": session, "url": base_url}])
        return context.new_page()

    return enter


def make_late_customers(manager: User, name: str) -> dict[str, Any]:
    """One with an alert and a product that is no longer suggested, and those of a month of the back-test."""
    goods = factories.stocked(
        "P-2025-000001", name="压力变送器（带现场显示与 HART 通讯）", model="3051CD2A02A1AH2B3L4M5Q4"
    )
    outdated = factories.stocked("P-2025-000002", name="电磁流量计", batch="A" * 60, is_discontinued=True)
    silent = factories.late_customer(manager, name=name, silent=120)
    month_end = date(2026, 8, 31)
    BacktestMonth.objects.create(month_end=month_end, manager=manager, eligible=7)
    for number in range(6):  # five and more say how often they were right
        customer = factories.CustomerFactory(name=f"长春第{number}机床附件厂", manager=manager)
        alert = {"light": "red", "gone": number > 1} if number else {"light": "", "gone": True}
        BacktestRow.objects.create(month_end=month_end, customer=customer, manager=manager, six=False, **alert)
    pause = HintPause.create(by=manager, customer=silent, product=outdated)
    return {"goods": goods, "hint_pause": pause, "silent": silent}


def preview_sheet(manager: User) -> ImportRun:
    """A sheet as far as its preview, with a value to repair and a row that is refused."""
    rows = [
        "2026 台账",
        "公司名称,省份,业务员,电话",
        "唐山暄和玻璃,火星,小王,0315-55551274",
        "沈阳北辰五厂,河北,周经理,",
    ]
    run = begin(CUSTOMERS, manager, ContentFile("\n".join(rows).encode(), name="台账.csv"), "客户台账.csv")
    for step in (VALUES, CHECK):
        start(run, step, manager)
    return run


@pytest.fixture
def world(company: Any) -> SimpleNamespace:
    """One record in each state, with texts as long as people write them."""
    supervisor, manager = company.supervisor, company.manager
    manager.regions.add(factories.entry("地区", "华北"))
    long_name = "内蒙古呼伦贝尔海拉尔工业自动化控制设备制造（集团）股份有限公司第二分公司"
    waiting = factories.opportunity(
        manager,
        customer_name=long_name,
        summary="一期 60 个测点由其他供应商供货，冬季漂移严重，计划在明年大修前完成二期招标，预算约 90 万元",
        description="第一行\n" + "设备科关注低温性能与到货周期，" * 20 + "https://example.com/" + "a" * 120,
        region=factories.entry("地区", "华北"),
        source="老客户介绍",
        expected_amount="1234567.89",
    )
    developed = factories.assigned(manager, supervisor, manager, customer_name="苏州恒越精密制造有限公司")
    done = factories.plan_item(developed, manager, days=-9, text="电话确认需求范围与决策人", result="决策人为副总李巍")
    late = factories.plan_item(developed, manager, days=-3, text="拜访设备科，确认二期测点清单")
    coming = factories.plan_item(developed, manager, days=4, text="提交正式报价与供货周期" * 12)
    unplanned = factories.assigned(manager, supervisor, manager, customer_name="成都蜀源乳业股份有限公司")
    won = factories.won(manager, supervisor, manager, customer_name="大连远洋石化储运有限公司")
    lost = factories.lost(manager, supervisor, manager, customer_name="南昌赣江纸业有限公司")
    known = factories.CustomerFactory(name="济南泉城水务有限公司", manager=manager, by=manager)
    factories.ContactFactory(customer=known)
    talk = factories.interaction(
        known,
        manager,
        kind="拜访",
        place="济南市历下区泺源大街 8 号二期泵房控制室",
        summary="现场查看二期仪表运行情况，对方反映三号线读数偏低" * 5,
        details="核对量程后确认是导压管积液，" * 30,
        follow_up_on=timezone.localdate(),
    )
    file = factories.attachment(
        talk, manager, name="一个名字相当长的现场勘察报告与测点清单（第二版，含照片）" * 2 + ".pdf"
    )
    order = factories.order(known, product="EJA110E 差压变送器", lines=3)
    run = SyncRun.objects.create(
        source="/data/sales-system",
        status="done",
        finished_at=timezone.now(),
        counts={"orders": {"read": 3, "refused": 1}},
    )
    SyncRefusal.objects.create(run=run, table="orders", line=7, key="DD2601050009", reason="日期写错：应为 2025-11-24")
    ParkedOrder.objects.create(
        number="DD2601050002", customer_key="C99999", ordered_at=timezone.now(), status="paid", content={"lines": []}
    )
    twin = factories.assigned(manager, supervisor, manager, customer_name="济南泉城水务有限公司")
    deleted = factories.CustomerFactory(name="误录的客户", manager=manager, by=manager)
    deleted.remove(by=manager)
    for shared in (won.customer, developed):
        shared.share(company.stranger, by=manager, kind="change")
    warned = factories.churn_case(manager, name="武汉楚天食品有限公司")
    warned.defer(by=manager, kind=factories.entry("暂缓措施", "拜访"), text="与设备部面谈，约定样机试用。" * 20)
    gone = factories.churn_case(manager, name="合肥庐阳家电配件有限公司")
    gone.confirm(by=manager, reason="改由集团指定供应商", kind=factories.entry("流失原因", "其他"))
    people = (manager, supervisor, manager)
    same = [factories.CustomerFactory(name=f"{long_name}二分厂", manager=manager, fax=str(n)) for n in range(2)]
    merge_entry = merge_undoably(same[0], same[1:], by=supervisor, reason="重复录入")
    asknew = factories.service_request(manager, customer=known, content="停泵后仍显示 3.2 m³/h，影响结算。" * 40)
    asked = factories.dispatched(*people, organisation=long_name, summary="一期仪表冬季漂移严重，要求到现场复核" * 8)
    asked.involve(company.eastern, by=manager)
    asked.note(by=company.eastern, text="先看接地和屏蔽层。" * 20)
    held = factories.dispatched(*people, customer=known, kind="建议")
    held.wait(by=manager, note="等客户寄回样品")
    returned = factories.dispatched(*people, customer=known, kind="投诉")
    for _ in range(2):
        returned.handle(by=manager, handling="到场检查，重新接地。" * 10)
        returned.feedback(by=manager, result="当天又出现一次", satisfaction=2)
    answered = factories.handled(*people, customer=known)
    invited = answered.invite(by=manager, result="已归零")
    complained = factories.handled(*people, customer=known, kind="投诉")
    closedask = factories.archived(*people, customer=known, kind="投诉")
    upload = ImportFile(owner=manager, name="名单.csv", manager=manager)
    upload.file.save("a.csv", ContentFile("名称,邮政编码\n沈阳北辰四厂,110000\n沈阳北辰五厂,没有\n".encode()))
    job = Job.objects.create(
        kind="导出客户信息管理", function="", owner=manager, status=Job.Status.DONE, done=1, total=1
    )
    written = factories.monthly_report(supervisor, remarks="大客户续签，其余按计划。" * 40)
    handed = factories.monthly_report(
        supervisor, "submitted", period=date(2026, 9, 1), figures=four_reports(supervisor, date(2026, 9, 1))
    )
    return SimpleNamespace(
        **vars(company),
        **make_late_customers(manager, f"{long_name}三分厂"),
        view=SavedView.create(
            by=company.administrator, page="accounts:user_list", name="停用的", query="state=disabled"
        ),
        merge_entry=merge_entry,
        retired_role=Role.objects.create(name="外勤", retired_at=timezone.now()),
        spare=factories.entry("竞争对手", "客户自制"),
        gone_person=factories.person("account_manager", name="离职者", department=company.north, is_active=False),
        special_day=SpecialDay.objects.get(day="2026-10-10"),
        waiting=waiting,
        developed=developed,
        done=done,
        late=late,
        coming=coming,
        unplanned=unplanned,
        won=won,
        lost=lost,
        customer=won.customer,
        known=known,
        contact=known.contacts.get(),
        twin=twin,
        deleted=deleted,
        talk=talk,
        order=order,
        run=run,
        file=file,
        job=job,
        upload=upload,
        sheet=preview_sheet(manager),
        asknew=asknew,
        asked=asked,
        held=held,
        returned=returned,
        answered=answered,
        invited=invited,
        complained=complained,
        closedask=closedask,
        written=written,
        handed=handed,
        warned=warned,
        gone=gone,
    )


def field(page: Page | Locator, label: str) -> Locator:
    """The field of exactly this label, never a column's tick; the star of a required one is drawn, not written."""
    return page.get_by_label(label, exact=True).and_(page.locator(":not([name=column])"))


def fill(page: Page | Locator, **values: str) -> None:
    """Types into fields by their labels."""
    for label, value in values.items():
        field(page, label).fill(value)


def press(page: Page | Locator, name: str) -> None:
    page.get_by_role("button", name=name, exact=True).click()


def follow(page: Page | Locator, name: str) -> None:
    page.get_by_role("link", name=name, exact=True).first.click()
