"""客户服务分析."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable
from copy import copy
from dataclasses import dataclass
from functools import cached_property
from typing import Any, TypeVar
from urllib.parse import urlencode

from django import forms
from django.db.models import F
from django.db.models.expressions import Combinable
from django.db.models.functions import TruncMonth
from django.utils import timezone

from accounts.departments import department_user_ids
from accounts.models import User
from basedata.models import DictionaryEntry
from customers.models import Customer
from kit.domain.days import format_day
from kit.domain.urls import page_url
from kit.pages.lists import Column
from reports.figure_cells import DASH, format_figure, shares
from reports.report_parts import Chart, Figure, Kpi, Report, ReportTable, Series
from reports.versioned_cache import cached, sql_key
from services.models import COMPLAINT, ServiceChange, ServiceRequest
from services.models.rows import ServiceRequestQuerySet

from ..filters import ScopeForm, chosen_period
from ..pages import ReportPage
from ..periods import Period, month_period, until_this_month
from ..queries import service
from ..queries.service import Complainer, Group


@dataclass(frozen=True)
class Basis:
    label: str
    head: str
    expression: Combinable


T = TypeVar("T")
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

    def default_values(self) -> dict[str, str]:
        return {**super().default_values(), "by": "kind"}

    def years(self) -> list[int]:
        rows = ServiceRequest.objects.visible_to(self.user)
        return cached_result(self.user, rows, ("years", timezone.localdate()), lambda: service.years_of(rows))


def cached_result(user: User, rows: ServiceRequestQuerySet, what: Hashable, compute: Callable[[], T]) -> T:
    """Return compute(), cached for these rows until a request, a customer or a dictionary entry is written."""
    return cached(user, (what, sql_key(rows)), compute, ServiceChange.stamp)


class ServicesReport(ReportPage):
    title, help = "客户服务分析", "report-services"
    form_class = ServicesForm
    tab_field = "by"
    empty_text = "这段时间没有服务请求。"

    # Rows

    def rows(self, values: dict[str, Any], period: Period) -> ServiceRequestQuerySet:
        rows = ServiceRequest.objects.visible_to(self.request.user)
        if values["department"]:
            rows = rows.filter(keeper__in=department_user_ids(values["department"]))
        return service.created_in(rows, period)

    @cached_property
    def period(self) -> Period:
        return chosen_period(self.form.cleaned_data, [int(key) for key, _ in self.form.fields["year"].choices[1:]])

    def behind(self, **conditions: Any) -> str:
        department = self.form.cleaned_data["department"]
        list_filters = {"department": department} if department else {}
        days = {"created_from": self.period.first, "created_to": self.period.last}
        query = urlencode({"status": "all", **days, **list_filters, **conditions})
        return f"{page_url('services:archive')}?{query}"

    # The report

    def report(self, values: dict[str, Any]) -> Report:
        rows, by = self.rows(values, self.period), values["by"] or "kind"
        user = self.request.user
        cached_groups = cached_result(user, rows, ("groups", by), lambda: service.groups(rows, BASES[by].expression))
        # labelled, numbered and added to below
        group_by_value = {key: copy(group) for key, group in cached_groups.items()}
        total = service.total(group_by_value.values())
        if not total.requests:
            return Report(empty=True)
        ordered = getattr(self, f"by_{by}")(group_by_value)
        for place, (group, share) in enumerate(
            zip(ordered, shares([group.requests for group in ordered]), strict=True), start=1
        ):
            group.place, group.share = place, share
        total.share = sum(group.share for group in ordered)
        repeated = cached_result(user, rows, "repeated", lambda: service.repeat_complaints(rows))
        last = min(self.period.last, timezone.localdate())
        return Report(
            facts=[
                f"{format_day(self.period.first, 'long')}至{format_day(last, 'long')}",
                "按创建日期计入，部门按今天的归属",
                "时长为工作时间，不含等待客户回复",
            ],
            kpis=self.tiles(total, repeated),
            charts=[chart(BASES[by], ordered)],
            tables=[self.table(by, ordered, total), self.repeated_table(repeated)],
        )

    def tiles(self, total: Group, repeated: list[Complainer]) -> list[Kpi]:
        rating_note = f"{total.answers} 条评价：客户 {total.by_customer}，客户经理代录 {total.by_manager}"
        most = f"最多 {repeated[0].name} {repeated[0].times} 次" if repeated else "没有投诉两次以上的客户"
        return [
            Kpi("服务数量", f"{total.requests:,}", "件", f"退回重新处理 {total.returns} 次", self.behind()),
            Kpi(
                "平均满意度",
                format_figure("decimal", total.mean),
                "星" * (total.mean is not None),
                rating_note,
                self.behind(rated=1),
                of="有评价的请求",
            ),
            Kpi(
                "满意度 4–5 星",
                DASH if total.content_share is None else str(total.content_share),
                "%" * (total.content_share is not None),
                f"{total.content} / {total.answers} 条评价",
                self.behind(stars_from=service.CONTENT),
                of="4–5 星的请求",
            ),
            self.handling(total),
            Kpi("重复投诉", f"{len(repeated)}", "家", most, "#table-1"),
        ]

    def handling(self, total: Group) -> Kpi:
        name = "处理时长中位数"
        if not total.minutes:
            return Kpi(name, DASH, note="还没有处理完的")
        slow = f"九成在 {format_figure('decimal', total.slow_hours)} 小时内"
        return Kpi(name, format_figure("decimal", total.median_hours), "小时", slow, self.behind(handled=1), of=HANDLED)

    # Groups

    def by_kind(self, group_by_value: dict[Any, Group]) -> list[Group]:
        """Return the groups of all types of the dictionary, also without a request."""
        entries = list(DictionaryEntry.objects.of("服务类型"))
        for entry in entries:
            group_by_value.setdefault(entry.pk, Group(entry.pk)).label = entry.item
        keys = [entry.pk for entry in entries]
        return [group_by_value[key] for key in (*keys, *(key for key in group_by_value if key not in keys))]

    def by_month(self, group_by_value: dict[Any, Group]) -> list[Group]:
        group_by_month = {timezone.localtime(key).date(): group for key, group in group_by_value.items()}
        months = until_this_month(self.period, timezone.localdate()).months()
        ordered = []
        for month in months:
            group = group_by_month.get(month, Group())
            group.key, group.label = month, format_day(month, "month")
            ordered.append(group)
        return ordered

    def by_person(self, group_by_value: dict[Any, Group]) -> list[Group]:
        names = dict(User.objects.filter(pk__in=[key for key in group_by_value if key]).values_list("pk", "name"))
        for key, group in group_by_value.items():
            group.label = names.get(key, "尚未分配")
        return sorted(group_by_value.values(), key=lambda group: (group.key is None, -group.requests, group.label))

    def conditions_of(self, by: str, group: Group) -> dict[str, Any]:
        """Return the archive's filters for this group's rows."""
        if by == "month":
            month = month_period(group.key)
            return {"created_from": month.first, "created_to": month.last}
        if by == "person":
            return {"assignee": group.key} if group.key else {"unassigned": 1}
        return {"kind": group.key}

    # Tables

    def table(self, by: str, ordered: list[Group], total: Group) -> ReportTable:
        def rows_with(**more: Any) -> Callable[[Group], str]:
            def url(group: Group) -> str:
                return self.behind(**({} if group is total else self.conditions_of(by, group)), **more)

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
        return ReportTable(basis.label, columns, ordered, total=total, note=note)

    def repeated_table(self, repeated: list[Complainer]) -> ReportTable:
        numbers: dict[int, str] = {}
        kind = DictionaryEntry.objects.of("服务类型").filter(value=COMPLAINT).first()

        def behind(complainer: Complainer) -> str:
            if complainer.customer is None:
                return self.behind(kind=kind.pk, organisation=complainer.name) if kind else ""
            number = numbers.get(complainer.customer)
            return self.behind(kind=kind.pk, of_customer_number=number) if kind and number else ""

        def load_numbers(rows: list[Complainer]) -> None:
            visible = Customer.objects.visible_to(self.request.user).filter(pk__in=customers_of(rows))
            numbers.update(visible.values_list("pk", "number"))

        columns = (
            Column("客户", "name", sort="name", css="m-t"),
            Figure("投诉次数", "times", sort="times", url=behind),
            Column("第一次", "first", sort="first", css="nw"),
            Column("最近一次", "last", sort="last", css="nw"),
        )
        return ReportTable(
            "重复投诉", columns, repeated, note="这段时间里投诉两次以上", paged=True,
            load_details=load_numbers, default_sort="-times", empty_text="没有投诉两次以上的客户。",
        )  # fmt: skip


def customers_of(repeated: Iterable[Complainer]) -> list[int]:
    return [complainer.customer for complainer in repeated if complainer.customer is not None]


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
