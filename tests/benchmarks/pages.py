"""Pages of the benchmark, and the number of their SQL statements."""

from __future__ import annotations

import itertools
import uuid
from collections.abc import Callable
from typing import Any, NamedTuple

from company import MANAGER, SUPERVISOR
from visits import Answer, Visitor

SERVICES = ("dispatch", "handling", "archive", "archive_all", "request")
REPORTS = {
    "contribution": ("客户贡献分析", "/reports/contribution/"),
    "contribution_all": ("客户贡献分析，全部年份", "/reports/contribution/?year=all"),
    "composition": ("客户构成分析", "/reports/composition/"),
    "services": ("客户服务分析", "/reports/services/"),
    "churn": ("客户流失分析", "/reports/churn/"),
    "pipeline": ("销售漏斗", "/reports/pipeline/"),
}
KEYS = ("list", "all", "record", "create", "customers", "customer", "search", *SERVICES, *REPORTS)
LIST = "/marketing/opportunities/"
MARK = f"测速{uuid.uuid4().hex[:8]}"  # the customer names of opportunities this run creates


class Page(NamedTuple):
    key: str
    label: str
    visit: Callable[[Visitor], Answer]
    is_right: Callable[[Answer], bool]
    person: str = SUPERVISOR


def chosen(keys: list[str] | None) -> list[Page]:
    """Return the selected pages, in their own order; all of them when none is named. Needs Django."""
    pages = [
        _shown("list", "销售机会列表（打开在「未分配」）", LIST),
        _shown("all", "销售机会列表「全部」", f"{LIST}?status=all"),
        _shown("record", "销售机会记录页", record_path()),
        Page("create", "新建销售机会（提交）", create, _leads_to_record),
        _shown("customers", "客户列表", "/customers/"),
        _shown("customer", "客户页", customer_path()),
        _shown("search", "搜索（两个字）", "/search/?q=%E6%B0%B4%E5%8A%A1"),
        _shown("dispatch", "服务分配", "/services/dispatch/"),
        _shown("handling", "服务处理（客户经理）", "/services/handling/", MANAGER),
        _shown("archive", "服务归档（打开在「已归档」）", "/services/archive/"),
        _shown("archive_all", "服务归档「全部」", "/services/archive/?status=all"),
        _shown("request", "服务请求页", request_path()),
        *(_shown(key, label, path) for key, (label, path) in REPORTS.items()),
    ]
    return [page for page in pages if keys is None or page.key in keys]


def _shown(key: str, label: str, path: str, person: str = SUPERVISOR) -> Page:
    return Page(key, label, lambda visitor: visitor.get(path), lambda answer: b"</html>" in answer.body[-50:], person)


def _leads_to_record(answer: Answer) -> bool:
    return answer.status == 302 and answer.location.startswith(LIST)


_numbers = itertools.count(1)


def new_opportunity() -> dict[str, str]:
    """Return the fields of a filled-in form, each time another customer and another submission."""
    return {
        "customer_name": f"{MARK}第{next(_numbers)}号有限公司",
        "success_rate": "60",
        "summary": "压力变送器改造，二期",
        "description": "二期 140 个测点，明年一季度招标。",
        "contact_name": "高峰",
        "contact_phone": "024-5555 6610",
        "submission": str(uuid.uuid4()),
    }


def create(visitor: Visitor) -> Answer:
    return visitor.post(f"{LIST}new/", new_opportunity())


def record_path(username: str = SUPERVISOR, *, planned: bool = True) -> str:
    """Return the URL of an assigned opportunity visible to the user: with the longest plan or the shortest."""
    from django.db.models import Count as Number

    from accounts.models import User
    from marketing.models import Opportunity

    visible = Opportunity.objects.visible_to(User.objects.get(username=username))
    rows = visible.filter(status=Opportunity.Status.ASSIGNED).annotate(planned=Number("items"))
    order = "-planned" if planned else "planned"
    return f"{LIST}{rows.order_by(order, 'pk').values_list('pk', flat=True)[0]}/"


def customer_path(username: str = SUPERVISOR) -> str:
    """Return the URL of a customer visible to the user."""
    from accounts.models import User
    from customers.models import Customer

    visible = Customer.objects.visible_to(User.objects.get(username=username)).order_by("pk")
    return f"/customers/{visible.values_list('pk', flat=True)[0]}/"


def request_path(username: str = SUPERVISOR) -> str:
    """Return the URL of a service request visible to the user."""
    from accounts.models import User
    from services.models import ServiceRequest

    visible = ServiceRequest.objects.visible_to(User.objects.get(username=username)).filter(status="archived")
    return f"/services/{visible.order_by('pk').values_list('pk', flat=True)[0]}/"


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
            "record": (record_path(person, planned=False), record_path(person)),
            "create": (f"{LIST}new/", f"{LIST}new/"),
            "customers": ("/customers/?page_size=10", "/customers/?page_size=100"),
            "customer": (customer_path(person), customer_path(person)),
            "search": ("/search/?q=有限", "/search/?q=水务"),
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
    return {**pairs, "request": (request_path(person), request_path(person))}  # type: ignore[dict-item]


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
