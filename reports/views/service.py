"""客户服务分析."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable
from copy import copy
from dataclasses import dataclass
from functools import cached_property
from typing import Any
from urllib.parse import urlencode

from django import forms
from django.db.models import F
from django.db.models.functions import TruncMonth
from django.utils import timezone

from accounts.departments import department_user_ids
from accounts.models import User
from basedata.models import DictionaryEntry
from customers.models import Customer
from kit.domain.days import format_day
from kit.domain.urls import page_url
from kit.pages.lists import Column
from reports.figure_cells import DASH, said, shares
from reports.report_parts import Chart, Figure, Kpi, Report, ReportTable, Series
from reports.versioned_cache import remembered, statement
from services.models import ServiceChange, ServiceRequest
from services.models.record import COMPLAINT

from ..filters import ScopeForm, period_of
from ..pages import ReportPage
from ..periods import Period, month_period, until_this_month
from ..queries import service
from ..queries.service import Complainer, Group


@dataclass(frozen=True)
class Basis:
    label: str
    head: str
    expression: Any


HANDLED = "处理完的请求"
BASES = {
    "kind": Basis("按服务类型", "服务类型", F("kind")),
    "month": Basis("按月份", "月份", TruncMonth("created_at")),
    "person": Basis("按处理人", "分配给", F("assignee")),
}


class ServicesForm(ScopeForm):
    scope = "services.view_servicerequest"
    manager = None
    by = forms.ChoiceField(label="报表方式", choices=[(key, basis.label) for key, basis in BASES.items()])
    field_order = ["by", "year", "department"]

    def standing(self) -> dict[str, str]:
        return {**super().standing(), "by": "kind"}

    def years(self) -> list[int]:
        rows = ServiceRequest.objects.visible_to(self.user)
        return kept(self.user, rows, ("years", timezone.localdate()), lambda: service.years_of(rows))


def kept(user: User, rows: Any, what: Hashable, compute: Callable[[], Any]) -> Any:
    """What these rows say, until a request, a customer or a dictionary entry is written."""
    return remembered(user, (what, statement(rows)), compute, ServiceChange.stamp)


class ServicesReport(ReportPage):
    title, help = "客户服务分析", "report-services"
    form_class = ServicesForm
    tab_field = "by"
    empty_text = "这段时间没有服务请求。"

    # Rows

    def rows(self, values: dict[str, Any], period: Period) -> Any:
        rows = ServiceRequest.objects.visible_to(self.request.user)
        if values["department"]:
            rows = rows.filter(keeper__in=department_user_ids(values["department"]))
        return service.created(rows, period)

    @cached_property
    def period(self) -> Period:
        return period_of(self.form.cleaned_data, [int(key) for key, _ in self.form.fields["year"].choices[1:]])

    def behind(self, **conditions: Any) -> str:
        department = self.form.cleaned_data["department"]
        kept = {"department": department} if department else {}
        days = {"created_from": self.period.first, "created_to": self.period.last}
        query = urlencode({"status": "all", **days, **kept, **conditions})
        return f"{page_url('services:archive')}?{query}"

    # The report

    def report(self, values: dict[str, Any]) -> Report:
        rows, by = self.rows(values, self.period), values["by"] or "kind"
        user = self.request.user
        known = kept(user, rows, ("groups", by), lambda: service.groups(rows, BASES[by].expression))
        found = {key: copy(group) for key, group in known.items()}  # named, numbered and added to below
        whole = service.total(found.values())
        if not whole.requests:
            return Report(empty=True)
        ordered = getattr(self, f"by_{by}")(found)
        for place, (group, share) in enumerate(
            zip(ordered, shares([group.requests for group in ordered]), strict=True), start=1
        ):
            group.place, group.share = place, share
        whole.share = sum(group.share for group in ordered)
        repeated = kept(user, rows, "repeated", lambda: service.repeat_complaints(rows))
        last = min(self.period.last, timezone.localdate())
        return Report(
            facts=[
                f"{format_day(self.period.first, 'long')}至{format_day(last, 'long')}",
                "按创建日期计入，部门按今天的归属",
                "时长为工作时间，不含等待客户回复",
            ],
            kpis=self.tiles(whole, repeated),
            charts=[chart(BASES[by], ordered)],
            tables=[self.table(by, ordered, whole), self.repeated_table(repeated)],
        )

    def tiles(self, whole: Group, repeated: list[Complainer]) -> list[Kpi]:
        answered = f"{whole.answers} 条评价：客户 {whole.by_customer}，客户经理代录 {whole.by_manager}"
        most = f"最多 {repeated[0].name} {repeated[0].times} 次" if repeated else "没有投诉两次以上的客户"
        return [
            Kpi("服务数量", f"{whole.requests:,}", "件", f"退回重新处理 {whole.returns} 次", self.behind()),
            Kpi(
                "平均满意度",
                said("decimal", whole.mean),
                "星" * (whole.mean is not None),
                answered,
                self.behind(rated=1),
                of="有评价的请求",
            ),
            Kpi(
                "满意度 4–5 星",
                DASH if whole.content_share is None else str(whole.content_share),
                "%" * (whole.content_share is not None),
                f"{whole.content} / {whole.answers} 条评价",
                self.behind(stars_from=service.CONTENT),
                of="4–5 星的请求",
            ),
            self.handling(whole),
            Kpi("重复投诉", f"{len(repeated)}", "家", most, "#table-1"),
        ]

    def handling(self, whole: Group) -> Kpi:
        name = "处理时长中位数"
        if not whole.minutes:
            return Kpi(name, DASH, note="还没有处理完的")
        slow = f"九成在 {said('decimal', whole.slow_hours)} 小时内"
        return Kpi(name, said("decimal", whole.median_hours), "小时", slow, self.behind(handled=1), of=HANDLED)

    # Groups

    def by_kind(self, found: dict[Any, Group]) -> list[Group]:
        """Every type of the dictionary, also without a request."""
        entries = list(DictionaryEntry.objects.of("服务类型"))
        for entry in entries:
            found.setdefault(entry.pk, Group(entry.pk)).label = entry.item
        known = [entry.pk for entry in entries]
        return [found[key] for key in (*known, *(key for key in found if key not in known))]

    def by_month(self, found: dict[Any, Group]) -> list[Group]:
        dated = {timezone.localtime(key).date(): group for key, group in found.items()}
        months = until_this_month(self.period, timezone.localdate()).months()
        ordered = []
        for month in months:
            group = dated.get(month, Group())
            group.key, group.label = month, format_day(month, "month")
            ordered.append(group)
        return ordered

    def by_person(self, found: dict[Any, Group]) -> list[Group]:
        names = dict(User.objects.filter(pk__in=[key for key in found if key]).values_list("pk", "name"))
        for key, group in found.items():
            group.label = names.get(key, "尚未分配")
        return sorted(found.values(), key=lambda group: (group.key is None, -group.requests, group.label))

    def conditions_of(self, by: str, group: Group) -> dict[str, Any]:
        """What leads the archive to this group's rows."""
        if by == "month":
            month = month_period(group.key)
            return {"created_from": month.first, "created_to": month.last}
        if by == "person":
            return {"assignee": group.key} if group.key else {"unassigned": 1}
        return {"kind": group.key}

    # Tables

    def table(self, by: str, ordered: list[Group], whole: Group) -> ReportTable:
        def rows_with(**more: Any) -> Any:
            def url(group: Group) -> str:
                return self.behind(**({} if group is whole else self.conditions_of(by, group)), **more)

            return url

        basis, content, handled = BASES[by], rows_with(stars_from=service.CONTENT), rows_with(handled=1)
        columns = (
            Column("序号", lambda group: group.place, css="num m-h"),
            Column(basis.head, "label", css="m-t"),
            Figure("服务数量", "requests", url=rows_with()),
            Figure("占比", "share", kind="percent", of="服务数量"),
            Figure("平均满意度", "mean", kind="decimal", of="评价数"),
            Figure("4–5 星占比", "content_share", kind="percent", url=content, of="4–5 星的请求"),
            Figure("评价数", "answers", url=rows_with(rated=1)),
            Figure("其中客户评价", "by_customer", url=rows_with(rated_by="customer")),
            Figure("处理时长中位数（小时）", "median_hours", kind="decimal", url=handled, of=HANDLED),
            Figure("九成不超过（小时）", "slow_hours", kind="decimal", url=handled, of=HANDLED),
            Figure("退回", "returns", url=rows_with(returns_from=1)),
        )
        note = "满意度为最后一次评价；九成不超过：第 90 百分位（最近秩）"
        return ReportTable(basis.label, columns, ordered, total=whole, note=note)

    def repeated_table(self, repeated: list[Complainer]) -> ReportTable:
        numbers: dict[int, str] = {}
        kind = DictionaryEntry.objects.of("服务类型").filter(value=COMPLAINT).first()

        def behind(one: Complainer) -> str:
            if one.customer is None:
                return self.behind(kind=kind.pk, organisation=one.name) if kind else ""
            number = numbers.get(one.customer)
            return self.behind(kind=kind.pk, of_customer_number=number) if kind and number else ""

        def fill(shown: list[Complainer]) -> None:
            seen = Customer.objects.visible_to(self.request.user).filter(pk__in=customers_of(shown))
            numbers.update(seen.values_list("pk", "number"))

        columns = (
            Column("客户", "name", sort="name", css="m-t"),
            Figure("投诉次数", "times", sort="times", url=behind),
            Column("第一次", "first", sort="first", css="nw"),
            Column("最近一次", "last", sort="last", css="nw"),
        )
        note, nobody = "这段时间里投诉两次以上", "没有投诉两次以上的客户。"
        return ReportTable(
            "重复投诉", columns, repeated, None, note, True, fill=fill, default_sort="-times", empty_text=nobody
        )


def customers_of(repeated: Iterable[Complainer]) -> list[int]:
    return [one.customer for one in repeated if one.customer is not None]


def chart(basis: Basis, ordered: list[Group]) -> Chart:
    return Chart(
        title=f"服务数量{basis.label}",
        categories=[group.label for group in ordered],
        series=[
            Series("服务数量", [group.requests for group in ordered]),
            Series("4–5 星占比", [group.content_share for group in ordered], line=True, percent=True),
        ],
        unit="件",
        caption="柱：服务请求的数量。线：满意度 4–5 星占评价的比例。",
    )
