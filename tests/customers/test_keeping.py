"""New customers with the duplicate check, deleting and restoring, 移交 of one and of many."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import transaction
from django.utils import timezone

from customers.models import Customer, Order, Ownership, transfer_customers
from kit.audit.models import AuditEntry
from kit.domain.verdict import Refused
from tests import factories
from tests.customers.pages import page_of
from tests.html import find_all, rows, text, texts, urls
from tests.html import values as form_values

pytestmark = pytest.mark.django_db
NEW = "/customers/new/"
CODE = "91110000600037341L"


@pytest.fixture
def customer(company):
    return factories.CustomerFactory(
        name="海河水务有限公司", manager=company.manager, by=company.manager, license_number=CODE
    )


@pytest.fixture
def values(company):
    return {
        "name": "渤海泵业",
        "region": factories.entry("地区", "华北").pk,
        "level": factories.entry("客户等级", "普通客户").pk,
        "satisfaction": "4",
        "credit": "3",
        "address": "天津市某路 9 号",
        "phone": "022-6666 0001",
    }


# 新建


def test_a_manager_makes_a_customer_of_their_own(company, sign_in, values):
    client = sign_in(company.manager)
    assert find_all(page_of(client.get(NEW)), "[name=manager]") == []
    response = client.post(NEW, {**values, "manager": company.stranger.pk})
    made = Customer.objects.get()
    assert response["Location"] == made.get_absolute_url()
    assert (made.manager, made.created_by, made.status) == (company.manager, company.manager, "normal")
    assert made.number.startswith("KH")
    assert Ownership.objects.get(until=None).manager == company.manager


def test_a_supervisor_names_a_manager_of_their_people(company, sign_in, values):
    client = sign_in(company.supervisor)
    assert "请选择。" in page_of(client.post(NEW, values))
    assert "选择一个有效的选项" in page_of(client.post(NEW, {**values, "manager": company.stranger.pk}))
    assert not Customer.objects.exists()
    client.post(NEW, {**values, "manager": company.eastern.pk})
    assert Customer.objects.get().manager == company.eastern


@pytest.mark.parametrize(
    "name", ["海河水务有限公司", "海河水务", "海河水务 有限责任公司", "（海河）水务", "海河水务(有限公司)"]
)
def test_the_same_company_is_noticed_and_taken_with_a_reason(name, company, customer, sign_in, values):
    client = sign_in(company.manager)
    html = page_of(client.post(NEW, {**values, "name": name}))
    assert customer.get_absolute_url() in urls(html)
    assert "请先核对" in html
    assert form_values(html)["address"] == "天津市某路 9 号"
    assert Customer.objects.count() == 1
    client.post(NEW, {**values, "name": name, "duplicate_reason": "外地分公司"})
    made = Customer.objects.latest("pk")
    assert made.name == name
    assert AuditEntry.objects.about(made)[0].changes["仍要新建的理由"] == ["", "外地分公司"]
    assert "外地分公司" in company.supervisor.notifications.get().text


def test_the_same_license_number_is_noticed(company, customer, sign_in, values):
    html = page_of(sign_in(company.manager).post(NEW, {**values, "license_number": CODE}))
    assert "海河水务有限公司" in html
    assert Customer.objects.count() == 1


def test_of_a_hidden_duplicate_only_name_manager_and_since_when_are_shown(company, customer, sign_in, values):
    html = page_of(sign_in(company.stranger).post(NEW, {**values, "name": "海河水务"}))
    assert "海河水务有限公司，客户经理 周经理" in html
    assert customer.number not in html
    assert f"/customers/{customer.pk}/" not in html


def test_since_when_is_since_its_owner_took_it_over(company, customer, sign_in, values):
    Customer.objects.filter(pk=customer.pk).update(created_at=timezone.now() - timedelta(days=500))
    customer.refresh_from_db()
    customer.transfer(company.eastern, by=company.supervisor, reason="调整")
    today = timezone.localdate()
    html = page_of(sign_in(company.stranger).post(NEW, {**values, "name": "海河水务"}))
    assert f"客户经理 王华东，{today.year}年{today.month}月{today.day}日起" in html


def test_an_edit_that_leaves_the_name_is_not_asked_about_duplicates(company, customer, sign_in):
    factories.CustomerFactory(name="海河水务", manager=company.manager)
    client = sign_in(company.manager)
    html = page_of(client.get(f"/customers/{customer.pk}/edit/"))
    assert "请先核对" not in html


def test_sent_twice_makes_one(company, sign_in, values):
    client = sign_in(company.manager)
    token = "6f1ed002-ab5a-4d6c-9c8f-0c6b2d6f0d52"
    first, second = (client.post(NEW, {**values, "submission": token}) for _ in range(2))
    assert first["Location"] == second["Location"]
    assert Customer.objects.count() == 1


# 删除与恢复


def test_a_deleted_customer_is_gone_everywhere_and_comes_back_by_an_administrator(company, customer, sign_in):
    client, admin = sign_in(company.manager), sign_in(company.administrator)
    at = f"/customers/{customer.pk}/"
    assert "客户：海河水务有限公司" in page_of(client.get(f"{at}delete/"))
    assert Customer.objects.current().exists()
    client.post(f"{at}delete/")
    assert client.get(at).status_code == 404
    assert "海河水务" not in page_of(client.get("/customers/"))
    assert customer.number not in page_of(client.get("/search/?q=海河水务"))
    listed = page_of(admin.get("/customers/deleted/"))
    assert customer.number in listed
    assert customer.phone not in listed
    assert client.get("/customers/deleted/").status_code == 403
    admin.post(f"{at}restore/")
    assert client.get(at).status_code == 200
    assert [entry.verb for entry in AuditEntry.objects.about(customer)[:2]] == ["恢复", "删除"]


def test_orders_keep_a_customer_from_being_deleted(company, customer, sign_in):
    Order.objects.create(number="S1", customer=customer, ordered_at="2026-01-05T02:00:00Z", status="paid")
    response = sign_in(company.manager).post(f"/customers/{customer.pk}/delete/")
    assert response.status_code == 409
    assert "还有 1 条订单" in response.content.decode()
    assert Customer.objects.current().exists()


@pytest.mark.parametrize(
    ("who", "advice"),
    [("manager", "重复的客户请主管合并。"), ("supervisor", "重复的客户请在列表里勾选后合并。")],
)
def test_what_keeps_a_customer_is_said_before_the_question_is_answered(company, customer, sign_in, who, advice):
    Order.objects.create(number="S1", customer=customer, ordered_at="2026-01-05T02:00:00Z", status="paid")
    factories.service_request(company.manager, customer=customer)
    reason = f"还有 1 条订单、1 条服务请求，不能删除。{advice}"
    client, at = sign_in(getattr(company, who)), f"/customers/{customer.pk}/"
    assert f"{at}delete/" in urls(page_of(client.get(at)))  # opened often, the page counts nothing
    question = page_of(client.get(f"{at}delete/"), 409)
    assert reason in text(question)
    assert texts(question, "form.dlg button[disabled]") == ["确定"]
    assert reason in text(page_of(client.post(f"{at}delete/"), 409))
    assert Customer.objects.current().contains(customer)
    assert customer.can_remove(getattr(company, who)).reason == reason


def test_rows_of_the_list_count_nothing_that_hangs_on_them(company, customer, django_assert_num_queries):
    user = factories.fresh(company.manager)
    customer.removable_by(user)  # reads the person's rights once
    with django_assert_num_queries(0):
        assert customer.removable_by(user)


def test_nothing_is_done_to_a_deleted_customer(company, customer):
    customer.remove(by=company.manager)
    with pytest.raises(Refused, match="客户已删除"):
        customer.remove(by=company.manager)
    for refused in (customer.can_edit(company.manager), customer.can_transfer(company.supervisor)):
        assert not refused
    with pytest.raises(Refused):
        customer.restore(by=company.supervisor)
    customer.restore(by=company.administrator)
    with pytest.raises(Refused, match="没有被删除"):
        customer.restore(by=company.administrator)


# 移交


def test_a_transfer_moves_the_customer_keeps_the_past_and_tells_both(company, customer, sign_in):
    customer.share(company.eastern, by=company.manager, kind="view")
    client = sign_in(company.supervisor)
    response = client.post(f"/customers/{customer.pk}/transfer/", {"to": company.eastern.pk, "reason": "调整分区"})
    assert response["Location"] == customer.get_absolute_url()
    customer.refresh_from_db()
    assert customer.manager == company.eastern
    past = [(owner.manager.name, owner.until is None, owner.reason) for owner in customer.ownerships.all()]
    assert past == [("王华东", True, "调整分区"), ("周经理", False, "")]
    assert AuditEntry.objects.about(customer)[0].changes == {"客户经理": ["周经理", "王华东"], "原因": ["", "调整分区"]}
    assert "移交给您：调整分区" in company.eastern.notifications.latest("pk").text
    assert "移交给 王华东" in company.manager.notifications.latest("pk").text
    assert not customer.grants.exists()
    assert customer.timeline.latest("at").text == "移交：周经理 → 王华东（调整分区）"


@pytest.mark.parametrize(
    ("to", "reason", "message"),
    [
        ("eastern", " ", "请填写移交原因"),
        ("stranger", "调整", "不是您范围内在职的客户经理"),
        ("supervisor", "调整", "不是您范围内在职的客户经理"),
        ("manager", "调整", "现在就由周经理负责"),
    ],
)
def test_a_transfer_that_cannot_be_is_refused(to, reason, message, company, customer):
    with pytest.raises(Refused, match=message):
        customer.transfer(getattr(company, to), by=company.supervisor, reason=reason)
    customer.refresh_from_db()
    assert (customer.manager, customer.ownerships.count()) == (company.manager, 1)


@pytest.mark.parametrize("name", ["manager", "colleague", "outsider", "executive", "administrator"])
def test_only_a_supervisor_of_the_manager_transfers(name, company, customer):
    with pytest.raises(Refused):
        customer.transfer(company.eastern, by=factories.fresh(getattr(company, name)), reason="调整")


def test_many_move_together_without_those_that_are_not_theirs(company, customer, sign_in):
    second = factories.CustomerFactory(name="二厂", manager=company.colleague)
    foreign = factories.CustomerFactory(name="外部", manager=company.stranger)
    foreign.share(
        company.supervisor, by=factories.fresh(company.stranger), kind="view"
    )  # seen, but not theirs to transfer
    client = sign_in(company.supervisor)
    ids = [customer.pk, second.pk, foreign.pk, 999_999, "x"]
    html = page_of(client.get("/customers/transfer/", {"ids": ids}))
    assert "共 2 家客户" in html
    assert "选中的另外 2 条不会移交" in html
    assert "「外部」：只有客户经理（外人甲）的主管可以移交这个客户。" in html
    assert "另外 1 条不在您的查看范围内。" in html
    assert len(rows(html)) == 2
    sent = {"ids": ids, "to": company.eastern.pk, "reason": "调整分区", "opened": form_values(html)["opened"]}
    response = client.post("/customers/transfer/", sent)
    assert response["Location"] == "/customers/"
    assert "已移交 2 家客户" in page_of(client.get("/customers/"))
    assert set(company.eastern.customers.values_list("name", flat=True)) == {customer.name, "二厂"}
    foreign.refresh_from_db()
    assert foreign.manager == company.stranger


def test_nothing_chosen_leads_back_with_a_word(company, customer, sign_in):
    client = sign_in(company.supervisor)
    response = client.get("/customers/transfer/", {"ids": ["999999"]}, follow=True)
    assert "没有选中您可以移交的客户" in response.content.decode()


def test_a_thousand_move_in_a_fixed_number_of_queries(company, django_assert_max_num_queries):
    counted = []
    for wanted in (1, 3, 40):  # the first also reads the content types
        customers = [factories.CustomerFactory(manager=company.manager) for _ in range(wanted)]
        with transaction.atomic(), django_assert_max_num_queries(15) as queries:
            assert transfer_customers(customers, company.eastern, by=company.supervisor, reason="调整") == wanted
        counted.append(len(queries))
    assert counted[1] == counted[2]


def test_a_failure_half_way_moves_nobody(company, customer, monkeypatch):
    second = factories.CustomerFactory(name="二厂", manager=company.manager)

    def broken(*args, **kwargs):
        raise RuntimeError

    monkeypatch.setattr("customers.merging.bulk.log_events", broken)
    with pytest.raises(RuntimeError), transaction.atomic():
        transfer_customers([customer, second], company.eastern, by=company.supervisor, reason="调整")
    assert set(Customer.objects.values_list("manager", flat=True)) == {company.manager.pk}
    assert Ownership.objects.filter(until=None, manager=company.manager).count() == 2
