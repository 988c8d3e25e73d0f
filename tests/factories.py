"""Records for tests. Business states are reached through the domain's own methods."""

from __future__ import annotations

import datetime
from decimal import Decimal

import factory
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import transaction
from django.utils import timezone

from accounts.models import Department, Role, User
from basedata.models import DictionaryEntry, Product, StockRecord
from customers.churn.scan import scan_churn
from customers.insight.metrics import refresh_metrics
from customers.interactions.attachments import check_upload
from customers.models import (
    Attachment,
    ChurnCase,
    Contact,
    Customer,
    Interaction,
    Order,
    OrderLine,
    refresh_revenue,
)
from kit.domain.days import add_months, midnight
from marketing.models import Opportunity, PlanItem
from reports.models import MonthlyReport
from services.models import ServiceRequest


class DepartmentFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = Department

    name = factory.Sequence(lambda n: f"部门{n}")


class UserFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = User
        skip_postgeneration_save = True

    username = factory.Sequence(lambda n: f"user{n}")
    name = factory.Sequence(lambda n: f"用户{n}")
    password = factory.django.Password("a-long-passphrase")


def person(role: str, **values) -> User:
    """A user holding a shipped role; read afresh, so that nothing about rights is cached."""
    user = UserFactory(**values)
    user.groups.add(Role.objects.get(code=role))
    return fresh(user)


def fresh(user: User) -> User:
    """The user as the next request loads them."""
    return User.objects.select_related("department").get(pk=user.pk)


def entry(category: str, item: str) -> DictionaryEntry:
    return DictionaryEntry.objects.get(category=category, item=item)


def stocked(number: str, **values) -> Product:
    """A product of the sales system, 12.5 pieces of it in one warehouse."""
    product = Product.objects.create(
        number=number, **{"name": "压力变送器", "unit": "台", "unit_price": "1280.5", **values}
    )
    StockRecord.objects.create(product=product, warehouse="青岛中心仓", location="A-01-03", quantity="12.5")
    return product


class CustomerFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = Customer

    name = factory.Sequence(lambda n: f"测试客户{n}有限公司")
    manager = factory.SubFactory(UserFactory)
    address = "北京市某路 1 号"
    phone = "010-5555 0000"
    satisfaction = 4
    credit = 3

    @classmethod
    def _create(cls, model_class, *args, by=None, **values):
        values.setdefault("region", entry("地区", "华北"))
        values.setdefault("level", entry("客户等级", "普通客户"))
        with transaction.atomic():
            return model_class.create(by=by, **values)


class ContactFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = Contact

    customer = factory.SubFactory(CustomerFactory)
    name = "高峰"
    position = "设备科长"
    office_phone = "024-5555 6610"


def interaction(customer: Customer, by: User, *, kind: str = "电话", **values) -> Interaction:
    with transaction.atomic():
        return Interaction.create(
            by=by, customer=customer, kind=entry("交往方式", kind), **{"summary": "电话回访高峰", **values}
        )


def attachment(record: Interaction, by: User, content: bytes = b"%PDF-1.4 x", name: str = "报告.pdf") -> Attachment:
    record.attach(by=by, files=[check_upload(SimpleUploadedFile(name, content))])
    return record.attachments.latest("pk")


OPPORTUNITY = {
    "customer_name": "沈阳北辰重型机械有限公司",
    "success_rate": 60,
    "summary": "压力变送器改造",
    "description": "二期 140 个测点",
    "contact_name": "高峰",
    "contact_phone": "024-5555 6610",
}


def opportunity(creator: User, **values) -> Opportunity:
    """未分配."""
    with transaction.atomic():
        return Opportunity.create(by=creator, **{**OPPORTUNITY, **values})


def assigned(creator: User, supervisor: User, to: User, **values) -> Opportunity:
    """已指派."""
    record = opportunity(creator, **values)
    record.assign(to, by=supervisor)
    return record


def won(creator: User, supervisor: User, to: User, **values) -> Opportunity:
    record = assigned(creator, supervisor, to, **values)
    record.win(by=to, reason="客户已下单")
    return record


def lost(creator: User, supervisor: User, to: User, **values) -> Opportunity:
    record = assigned(creator, supervisor, to, **values)
    record.lose(by=to, reason="价格")
    return record


def plan_item(record: Opportunity, by: User, *, days: int = 3, text: str = "确认需求", result: str = "") -> PlanItem:
    with transaction.atomic():
        item = PlanItem.create(
            by=by, opportunity=record, on=timezone.localdate() + datetime.timedelta(days=days), text=text
        )
    if result:
        item.record_result(by=by, result=result)
    return item


REQUEST = {"summary": "电磁流量计零点漂移", "content": "停泵后仍显示 3.2 m³/h，要求到现场查明原因。"}


def service_request(creator: User, *, kind: str = "咨询", **values) -> ServiceRequest:
    """新创建; of an organisation unless a customer is given."""
    party = {} if values.get("customer") else {"organisation": "滨州海悦新材料有限公司"}
    with transaction.atomic():
        return ServiceRequest.create(by=creator, kind=entry("服务类型", kind), **{**REQUEST, **party, **values})


def dispatched(creator: User, supervisor: User, to: User, **values) -> ServiceRequest:
    """已分配."""
    record = service_request(creator, **values)
    record.assign(to, by=supervisor)
    return record


def handled(creator: User, supervisor: User, to: User, **values) -> ServiceRequest:
    """已处理."""
    record = dispatched(creator, supervisor, to, **values)
    record.handle(by=to, handling="重新接地后停泵显示 0.00。")
    return record


OUTCOME = {"result": "客户确认归零"}


def archived(creator: User, supervisor: User, to: User, *, satisfaction: int = 5, **values) -> ServiceRequest:
    """已归档."""
    record = handled(creator, supervisor, to, **values)
    extra = {"投诉": {"cause": entry("投诉原因", "产品质量"), "improvement": "增加接地检查"}}
    extra["建议"] = {"is_adopted": True, "reply": "电话告知明年一季度上线"}
    record.feedback(by=to, satisfaction=satisfaction, **OUTCOME, **extra.get(str(record.kind), {}))
    return record


def silent_customer(manager: User, *, months: int = 7, **values) -> Customer:
    """A customer whose last purchase lies so many months back; last_purchase_on is what the sync keeps."""
    values.setdefault("last_purchase_on", add_months(timezone.localdate(), -months))
    return CustomerFactory(manager=manager, **values)


def churn_case(manager: User, **values) -> ChurnCase:
    """预警, as the scan opens it."""
    customer = silent_customer(manager, **values)
    scan_churn()
    return ChurnCase.objects.select_related("customer__manager").get(customer=customer)


def order(
    customer: Customer, *, number: str = "DD2601050001", product: str = "压力变送器", lines: int = 1, **values
) -> Order:
    """An order as the sales system sends it, with so many equal lines."""
    sold = Product.objects.get_or_create(number="P-100", defaults={"name": product, "model": "EJA", "batch": "A 级"})[0]
    values = {"ordered_at": timezone.now(), "status": "paid", "address": "天津港 3 号库", **values}
    made = Order.objects.create(number=number, customer=customer, total=Decimal("12800.5") * lines, **values)
    for line_number in range(1, lines + 1):
        OrderLine.objects.create(
            order=made,
            line_number=line_number,
            product=sold,
            product_number=sold.number,
            quantity=Decimal(1),
            unit="台",
            unit_price=Decimal("12800.5"),
        )
    with transaction.atomic():
        refresh_revenue([customer.pk])
    return made


def late_customer(manager: User, *, silent: int = 90, on: datetime.date | None = None, **values) -> Customer:
    """A customer who ordered every 30 days until so many days ago: 该下单了 from day 62 on, 晚于惯常 from day 80 on.

    In counted days and with the base of an empty company: a test that is exact takes the holidays away.
    """
    day = on or timezone.localdate()
    customer = CustomerFactory(manager=manager, last_purchase_on=day - datetime.timedelta(days=silent), **values)
    Order.objects.bulk_create(
        Order(
            number=f"{customer.number}-{number}",
            customer=customer,
            ordered_at=midnight(day - datetime.timedelta(days=silent + 30 * number)),
            status="paid",
            total=Decimal(1000),
        )
        for number in range(6)
    )
    with transaction.atomic():
        refresh_revenue([customer.pk])
        refresh_metrics([customer.pk], day)
    return customer


FROZEN = {
    "title": "客户构成分析", "facts": ["截至 2026年10月31日"], "notes": [], "empty": False,
    "kpis": [["客户", "2", "家", "比上月末 +1 家"]],
    "charts": [],
    "tables": [
        {
            "title": "明细", "note": "", "columns": [["客户等级", "", "m-t"], ["客户数量", "count", "num"]],
            "rows": [["大客户", "2"]], "total": ["合计", "2"],
        }
    ],
}  # fmt: skip


def monthly_report(author: User, status: str = "draft", *, by: User | None = None, **values) -> MonthlyReport:
    """A 客户管理报告 brought to a state; by: who answers it."""
    values = {"period": datetime.date(2026, 10, 1), "remarks": "本月新增 1 家客户。", "figures": [FROZEN], **values}
    with transaction.atomic():
        report = MonthlyReport.create(by=author, **values)
    if status != "draft":
        report.submit(by=author)
    if status == "reviewed":
        report.review(by=by, comment="知悉")
    if status == "returned":
        report.send_back(by=by, comment="请补充流失原因")
    return report
