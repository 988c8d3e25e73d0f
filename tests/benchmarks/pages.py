"""Pages of the benchmark, and the number of their SQL statements."""

from __future__ import annotations

import uuid
from typing import Any, NamedTuple
from urllib.parse import quote

from company import ADMINISTRATOR, EXECUTIVE, MANAGER, SUPERVISOR
from visits import Answer, Visitor

REPORTS = {
    "contribution": ("客户贡献分析", "/reports/contribution/"),
    "contribution_all": ("客户贡献分析，全部年份", "/reports/contribution/?year=all"),
    "composition": ("客户构成分析", "/reports/composition/"),
    "services": ("客户服务分析", "/reports/services/"),
    "churn": ("客户流失分析", "/reports/churn/"),
    "pipeline": ("销售漏斗", "/reports/pipeline/"),
}
LIST = "/marketing/opportunities/"
THREE_WORDS = quote("唐山 机械 姜")
MARK = f"测速{uuid.uuid4().hex[:8]}"  # the customer names of opportunities this run creates


class Page(NamedTuple):
    key: str
    label: str
    path: str  # {opportunity}, {customer} and {request} stand for records the user sees
    person: str = SUPERVISOR
    target: str = ""  # of htmx: the page is asked for as a fragment
    is_sent: bool = False  # a filled-in form

    @property
    def headers(self) -> dict[str, str]:
        return {"HX-Request": "true", "HX-Target": self.target} if self.target else {}

    @property
    def status(self) -> int:
        """Return the status of a right answer."""
        return 302 if self.is_sent else 200

    def fields(self) -> dict[str, str] | None:
        """Return what one visit sends; None for a page that is only read."""
        return new_opportunity() if self.is_sent else None

    def visit(self, visitor: Visitor) -> Answer:
        fields = self.fields()
        return visitor.get(self.path, self.headers) if fields is None else visitor.post(self.path, fields)

    def is_right(self, answer: Answer) -> bool:
        if self.is_sent:
            return answer.status == self.status and answer.location.startswith(LIST)
        return answer.status == self.status and (bool(self.target) or b"</html>" in answer.body[-50:])


MEASURED = (
    Page("list", "销售机会列表（打开在「未分配」）", LIST),
    Page("all", "销售机会列表「全部」", f"{LIST}?status=all"),
    Page("record", "销售机会记录页", LIST + "{opportunity}/"),
    Page("create", "新建销售机会（提交）", f"{LIST}new/", is_sent=True),
    Page("customers", "客户列表", "/customers/"),
    Page("customer", "客户页", "/customers/{customer}/"),
    Page("alerts", "提前预警", "/customers/churn/early/"),
    Page("search", "搜索（两个字）", "/search/?q=%E6%B0%B4%E5%8A%A1"),
    Page("search_words", "搜索（三个词）", f"/search/?q={THREE_WORDS}"),
    Page("palette", "搜索与操作，片段（三个词）", f"/search/palette/?q={THREE_WORDS}", target="palette-list"),
    Page("palette_manager", "同上（客户经理）", f"/search/palette/?q={THREE_WORDS}", MANAGER, "palette-list"),
    Page("dispatch", "服务分配", "/services/dispatch/"),
    Page("handling", "服务处理（客户经理）", "/services/handling/", MANAGER),
    Page("archive", "服务归档（打开在「已归档」）", "/services/archive/"),
    Page("archive_all", "服务归档「全部」", "/services/archive/?status=all"),
    Page("request", "服务请求页", "/services/{request}/"),
    *(Page(key, label, path) for key, (label, path) in REPORTS.items()),
)
# Visited too when two versions are compared, and by name.
COMPARED = (
    Page("home", "工作台（主管）", "/"),
    Page("home_manager", "工作台（客户经理）", "/", MANAGER),
    Page("home_executive", "工作台（高管）", "/", EXECUTIVE),
    Page("home_admin", "工作台（系统管理员）", "/", ADMINISTRATOR),
    Page("list_manager", "销售机会列表「全部」（客户经理）", f"{LIST}?status=all", MANAGER),
    Page("list_executive", "销售机会列表「全部」（高管）", f"{LIST}?status=all", EXECUTIVE),
    Page("list_fragment", "销售机会列表，片段", f"{LIST}?status=all&page=2", target="list"),
    Page("record_manager", "销售机会记录页（客户经理）", LIST + "{opportunity}/", MANAGER),
    Page("record_history", "销售机会的变更记录", LIST + "{opportunity}/history/"),
    Page("create_form", "新建销售机会（表单）", f"{LIST}new/"),
    Page("development", "客户开发计划", "/marketing/development/"),
    Page("customers_manager", "客户列表（客户经理）", "/customers/", MANAGER),
    Page("customers_executive", "客户列表（高管）", "/customers/", EXECUTIVE),
    Page("customers_search", "客户列表，按名称筛选", "/customers/?name=%E6%B0%B4%E5%8A%A1"),
    Page("customers_fragment", "客户列表，片段", "/customers/?page=2", target="list"),
    Page("customer_manager", "客户页（客户经理）", "/customers/{customer}/", MANAGER),
    Page("customer_info", "客户页「基本信息」", "/customers/{customer}/?tab=info"),
    Page("customer_form", "编辑客户（表单）", "/customers/{customer}/edit/"),
    Page("customer_contacts", "客户的联系人", "/customers/{customer}/contacts/"),
    Page("customer_interactions", "客户的交往记录", "/customers/{customer}/interactions/"),
    Page("customer_orders", "客户的订单", "/customers/{customer}/orders/"),
    Page("customer_history", "客户的变更记录", "/customers/{customer}/history/"),
    Page("customer_timeline", "客户动态，片段", "/customers/{customer}/timeline/", target="timeline"),
    Page("contact_form", "新建联系人，片段", "/customers/{customer}/contacts/new/", target="dialog"),
    Page("churn_list", "客户流失管理", "/customers/churn/"),
    Page("orders", "历史订单查询", "/customers/orders/"),
    Page("customers_deleted", "已删除的客户", "/customers/deleted/", ADMINISTRATOR),
    Page("sync", "数据同步", "/customers/sync/", ADMINISTRATOR),
    Page("sync_parked", "待认领的订单", "/customers/sync/parked/", ADMINISTRATOR),
    Page("churn_scan", "流失扫描", "/customers/churn/scan/", ADMINISTRATOR),
    Page("duplicates", "疑似重复客户", "/duplicates/"),
    Page("import", "导入客户", "/import/"),
    Page("request_form", "服务创建（表单）", "/services/new/"),
    Page("request_manager", "服务请求页（客户经理）", "/services/{request}/", MANAGER),
    Page("request_history", "服务请求的变更记录", "/services/{request}/history/"),
    Page("feedback", "服务反馈（客户经理）", "/services/feedback/", MANAGER),
    Page("archive_fragment", "服务归档，片段", "/services/archive/?page=2", target="list"),
    Page("picker", "选择客户，片段", "/services/customers/?q=%E6%B0%B4%E5%8A%A1", target="id_customer_options"),
    Page("targets", "服务时限", "/services/targets/", ADMINISTRATOR),
    Page("monthly", "客户管理报告", "/reports/monthly/"),
    Page("pipeline_manager", "销售漏斗（客户经理）", "/reports/pipeline/", MANAGER),
    Page("notifications", "通知", "/notifications/"),
    Page("jobs", "后台任务", "/jobs/"),
    Page("profile", "个人信息", "/accounts/profile/"),
    Page("help", "帮助", "/help/"),
    Page("products", "产品信息查询", "/basedata/products/"),
    Page("stock", "库存数据查询", "/basedata/stock/"),
    Page("dictionary", "数据字典", "/basedata/dictionary/", ADMINISTRATOR),
    Page("calendar", "工作日历", "/basedata/calendar/"),
    Page("users", "用户", "/accounts/users/", ADMINISTRATOR),
    Page("roles", "角色", "/accounts/roles/", ADMINISTRATOR),
    Page("departments", "部门", "/accounts/departments/", ADMINISTRATOR),
    Page("audit", "审计记录", "/accounts/audit/", ADMINISTRATOR),
)
KEYS = tuple(page.key for page in (*MEASURED, *COMPARED))


def chosen(keys: list[str] | None, unnamed: tuple[Page, ...] = MEASURED) -> list[Page]:
    """Return the selected pages, in their own order; `unnamed` when none is named. Needs Django."""
    pages = unnamed if keys is None else [page for page in (*MEASURED, *COMPARED) if page.key in keys]
    return [page._replace(path=filled(page)) for page in pages]


def filled(page: Page) -> str:
    """Return the page's path with the keys of records in place of their names."""
    path = page.path
    for name, key_of in (("{opportunity}", record_key), ("{customer}", customer_key), ("{request}", request_key)):
        if name in path:
            path = path.replace(name, str(key_of(page.person)))
    return path


def new_opportunity() -> dict[str, str]:
    """Return the fields of a filled-in form, each time another customer and another submission."""
    return {
        "customer_name": f"{MARK}{uuid.uuid4().hex[:12]}有限公司",
        "success_rate": "60",
        "summary": "压力变送器改造，二期",
        "description": "二期 140 个测点，明年一季度招标。",
        "contact_name": "高峰",
        "contact_phone": f"024-{uuid.uuid4().int % 10**8:08d}",  # the same one again would be asked about
        "submission": str(uuid.uuid4()),
    }


def record_key(username: str, *, planned: bool = True) -> int:
    """Return the key of an assigned opportunity visible to the user: with the longest plan or the shortest."""
    from django.db.models import Count as Number

    from accounts.models import User
    from marketing.models import Opportunity

    visible = Opportunity.objects.visible_to(User.objects.get(username=username))
    rows = visible.filter(status=Opportunity.Status.ASSIGNED).annotate(planned=Number("items"))
    order = "-planned" if planned else "planned"
    return rows.order_by(order, "pk").values_list("pk", flat=True)[0]


def customer_key(username: str) -> int:
    """Return the key of a customer visible to the user."""
    from accounts.models import User
    from customers.models import Customer

    visible = Customer.objects.visible_to(User.objects.get(username=username)).order_by("pk")
    return visible.values_list("pk", flat=True)[0]


def request_key(username: str) -> int:
    """Return the key of an archived service request visible to the user."""
    from accounts.models import User
    from services.models import ServiceRequest

    visible = ServiceRequest.objects.visible_to(User.objects.get(username=username)).filter(status="archived")
    return visible.order_by("pk").values_list("pk", flat=True)[0]


class Count(NamedTuple):
    """SQL statements of a page for one user: with few rows on it and with many."""

    key: str
    person: str
    few: int
    many: int

    @property
    def is_steady(self) -> bool:
        return self.few == self.many


def counts(keys: set[str], people: tuple[str, ...]) -> list[Count]:
    """Count statements in-process, each page with 10 rows and with 100 (a record: without and with a plan)."""
    results = []
    for person in people:
        client = signed_in(person)
        pairs = {
            "list": (f"{LIST}?page_size=10", f"{LIST}?page_size=100"),
            "all": (f"{LIST}?status=all&page_size=10", f"{LIST}?status=all&page_size=100"),
            "record": tuple(f"{LIST}{record_key(person, planned=planned)}/" for planned in (False, True)),
            "create": (f"{LIST}new/", f"{LIST}new/"),
            "customers": ("/customers/?page_size=10", "/customers/?page_size=100"),
            "customer": (f"/customers/{customer_key(person)}/",) * 2,
            "alerts": ("/customers/churn/early/?page_size=10", "/customers/churn/early/?page_size=100"),
            "search": ("/search/?q=有限", "/search/?q=水务"),
            "search_words": ("/search/?q=有限 公司 姜", f"/search/?q={THREE_WORDS}"),
            "palette": ("/search/palette/?q=有限 公司 姜", f"/search/palette/?q={THREE_WORDS}"),
            **service_pairs(person),
        }
        if person == SUPERVISOR:  # who may open reports
            pairs |= {key: (path, path) for key, (_, path) in REPORTS.items()}
            pairs["contribution"] = ("/reports/contribution/?page_size=10", "/reports/contribution/?page_size=100")
        for key in (key for key in pairs if key in keys):
            few, many = (statements(client, path, is_sent=key == "create") for path in pairs[key])
            results.append(Count(key, person, few, many))
    return results


def service_pairs(person: str) -> dict[str, tuple[str, str]]:
    """Return the service pages this user may open."""
    own = {"dispatch": "dispatch/?"} if person == SUPERVISOR else {"handling": "handling/?"}
    lists = {**own, "archive": "archive/?", "archive_all": "archive/?status=all&"}
    pairs = {key: tuple(f"/services/{path}page_size={size}" for size in (10, 100)) for key, path in lists.items()}
    return {**pairs, "request": (f"/services/{request_key(person)}/",) * 2}  # type: ignore[dict-item]


def signed_in(username: str) -> Any:
    from django.test import Client

    from accounts.models import User

    client = Client(SERVER_NAME="127.0.0.1")
    client.force_login(User.objects.get(username=username), backend="accounts.backends.RoleBackend")
    return client


def statements(client: Any, path: str, *, is_sent: bool) -> int:
    """Return the number of SQL statements of one visit, after a first one that fills the process's caches."""
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    def visit() -> Any:
        return client.post(path, new_opportunity()) if is_sent else client.get(path)

    visit()
    with CaptureQueriesContext(connection) as captured:
        answer = visit()
    if answer.status_code != (302 if is_sent else 200):
        raise RuntimeError(f"{path} 返回 HTTP {answer.status_code}")
    return len(captured)
