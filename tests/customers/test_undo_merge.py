"""撤销 of a merge: every row and field of both is back, or it is refused naming what changed since."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.models import notify
from customers.contacts.search_text import write_contact_texts
from customers.insight.metrics import refresh_metrics
from customers.merging import pages
from customers.merging.leaving import hand_over_customers
from customers.merging.merge import merge_undoably
from customers.merging.merge_undo import merges_to_undo
from customers.models import ChurnCase, Contact, Customer, CustomerMetrics, Order, refresh_revenue
from customers.orders.models import refresh_last_purchases
from customers.orders.rollups import describe_differences
from customers.records.search_text import SearchText, write_customer_texts
from customers.sync import orders as sync
from kit.audit.models import AuditEntry
from kit.domain.verdict import Refused
from kit.undo.models import UndoEntry
from kit.undo.restoring import take_back
from tests import factories
from tests.customers.feeds import ORDER
from tests.customers.pages import page_of
from tests.digest import differences, digest
from tests.html import parse, rows, value

pytestmark = pytest.mark.django_db


def compute(customers):
    """Bring up to date what is derived of customers, as every change of theirs does."""
    keys = [one.pk for one in customers]
    with transaction.atomic():
        refresh_last_purchases(keys)
        refresh_revenue(keys)
        refresh_metrics(keys)
        write_customer_texts(keys)
        write_contact_texts(keys)


@pytest.fixture
def full_pair(pair, company):
    """Two customers of one company, with rows of every kind on both."""
    kept, gone = pair
    for one in pair:
        contact = factories.ContactFactory(customer=one, is_primary=True)
        factories.interaction(one, company.supervisor, contact=contact, follow_up_on=timezone.localdate())
        one.share(company.colleague, by=company.supervisor, kind="view")
        with transaction.atomic():
            factories.order(one, number=f"DD-{one.pk}")
    gone.share(company.stranger, by=company.supervisor, kind="change")
    top = factories.CustomerFactory(name="集团", manager=company.manager, parent=gone)
    Customer.objects.filter(pk=kept.pk).update(parent=top, status="lost")
    confirmed = {"status": "confirmed", "confirmed_at": timezone.now() - timedelta(days=9), "lost_reason": "停产"}
    ChurnCase.objects.create(customer=kept, **confirmed)
    ChurnCase.objects.create(customer=gone, status="warning", opened_at=timezone.now() - timedelta(days=3))
    won = factories.won(company.manager, company.supervisor, company.eastern, customer_name="全新的公司")
    type(won).objects.filter(pk=won.pk).update(customer=gone)
    factories.opportunity(company.manager, customer_name="另一家", introduced_by=gone)
    factories.service_request(company.eastern, customer=gone, summary="漏水", content="请派人")
    notify(company.eastern, "看看这个", gone)
    compute(pair)
    CustomerMetrics.objects.filter(customer=gone).update(score=77, f_class=4)
    return Customer.objects.get(pk=kept.pk), Customer.objects.get(pk=gone.pk)


def merged(pair, company, **choices):
    kept, gone = pair
    return merge_undoably(kept, [gone], by=company.supervisor, reason="同一家公司", choices=choices)


def test_every_row_and_field_of_both_is_back(full_pair, company):
    kept, gone = full_pair
    before = digest()
    entry = merged(full_pair, company, name=gone.pk, fax=gone.pk)
    assert Customer.objects.get(pk=kept.pk).name == gone.name
    take_back(entry, by=company.supervisor)
    assert differences(before, digest()) == []
    assert describe_differences() == []
    assert company.eastern.notifications.get(text="看看这个").record == gone
    urls = gone.timeline.exclude(url="").values_list("url", flat=True)
    assert urls
    assert not any(url.startswith(f"/customers/{kept.pk}/") for url in urls)


def test_rows_made_since_stay_with_the_survivor_and_orders_of_the_number_go_back(full_pair, company):
    kept, gone = full_pair
    entry = merged(full_pair, company)
    new = factories.ContactFactory(customer=kept, name="姜工")
    with transaction.atomic():
        sync.write_orders([{**ORDER, "customer_number": "X-9"}], sync.find_customers(["X-9"]))
        sync.write_orders(
            [{**ORDER, "number": "S-own", "customer_number": kept.number}], sync.find_customers([kept.number])
        )
    assert Order.objects.get(number=ORDER["number"]).customer == kept
    assert "1 张订单一并退回" in take_back(entry, by=company.supervisor)
    assert Contact.objects.get(pk=new.pk).customer == kept
    assert Order.objects.get(number=ORDER["number"]).customer == gone
    assert Order.objects.get(number="S-own").customer == kept
    order = Order.objects.get(number=ORDER["number"])
    assert gone.timeline.filter(url=order.get_absolute_url()).exists()
    assert describe_differences() == []


def test_an_order_that_came_since_answers_the_warning_of_the_customer_it_goes_back_to(full_pair, company):
    _, gone = full_pair
    entry = merged(full_pair, company)
    with transaction.atomic():
        today = {**ORDER, "customer_number": "X-9", "ordered_at": timezone.now()}
        sync.write_orders([today], sync.find_customers(["X-9"]))
    take_back(entry, by=company.supervisor)
    assert ChurnCase.objects.get(customer=gone).status == ChurnCase.Status.RESOLVED


def test_both_histories_say_that_the_merge_was_taken_back(full_pair, company):
    kept, gone = full_pair
    take_back(merged(full_pair, company), by=company.supervisor)
    said = {
        one: list(one.timeline.filter(text__startswith="撤销合并").values_list("text", flat=True)) for one in full_pair
    }
    assert said == {
        kept: [f"撤销合并：「{gone}」（{gone.number}）不再归入本客户"],
        gone: [f"撤销合并：从「{kept}」（{kept.number}）分出"],
    }


def test_a_group_merged_in_one_go_is_taken_back_in_one_go(full_pair, company):
    kept, gone = full_pair
    third = factories.CustomerFactory(name="海河水务总厂", manager=company.manager, external_number="X-3", fax="022-3")
    compute([third])
    before = digest()
    entry = merge_undoably(kept, [gone, third], by=company.supervisor, reason="同一家")
    take_back(entry, by=company.supervisor)
    assert differences(before, digest()) == []


def test_it_is_refused_where_a_moved_or_chosen_value_changed_since(full_pair, company):
    kept, gone = full_pair
    entry = merged(full_pair, company)
    Customer.objects.get(pk=kept.pk).edit(by=company.manager, fax="022-9")
    with pytest.raises(Refused, match=r"客户「海河水务有限公司」\d\d-\d\d \d\d:\d\d 由周经理编辑"):
        take_back(entry, by=company.supervisor)
    Customer.objects.get(pk=kept.pk).edit(by=company.manager, fax="022-2")
    contact = Contact.objects.filter(customer=kept, is_primary=False).get()
    contact.edit(by=company.manager, is_primary=True)
    with pytest.raises(Refused, match=r"联系人「高峰」.* 由周经理编辑"):
        take_back(entry, by=company.supervisor)
    assert Customer.objects.get(pk=gone.pk).merged_into == kept


def test_what_is_edited_otherwise_goes_back_as_it_is_now(full_pair, company):
    _, gone = full_pair
    contact = Contact.objects.get(customer=gone)
    entry = merged(full_pair, company)
    Contact.objects.get(pk=contact.pk).edit(by=company.manager, position="厂长")
    take_back(entry, by=company.supervisor)
    contact.refresh_from_db()
    assert (contact.customer, contact.position, contact.is_primary) == (gone, "厂长", True)


def test_a_contact_deleted_since_comes_back_to_the_customer_it_was_of(full_pair, company):
    _, gone = full_pair
    contact = Contact.objects.get(customer=gone)
    entry = merged(full_pair, company)
    deletion = Contact.objects.get(pk=contact.pk).remove(by=company.manager)
    take_back(entry, by=company.supervisor)
    take_back(deletion, by=company.manager)
    assert Contact.objects.get(pk=contact.pk).customer == gone


def test_what_was_written_since_does_not_name_a_contact_who_went_back(full_pair, company):
    kept, gone = full_pair
    contact = Contact.objects.get(customer=gone)
    entry = merged(full_pair, company)
    contact.refresh_from_db()
    talk, deleted = (factories.interaction(kept, company.manager, contact=contact) for _ in range(2))
    asked = factories.service_request(company.manager, customer=kept, contact=contact, summary="漏水", content="请派人")
    deletion = deleted.remove(by=company.manager)
    assert "2 条记录不再写有分出的联系人" in take_back(entry, by=company.supervisor)
    assert "已不属于这个客户" in take_back(deletion, by=company.manager)
    for row in (talk, asked, kept.interactions.latest("pk")):
        row.refresh_from_db()
        assert (row.customer, row.contact) == (kept, None)
    assert AuditEntry.objects.about(talk).first().verb == "撤销合并"


def test_a_customer_handed_over_while_it_was_merged_comes_back_to_its_successor(full_pair, company):
    _, gone = full_pair
    gone.share(company.manager, by=company.supervisor, kind="view")
    entry = merged(full_pair, company)
    with transaction.atomic():
        hand_over_customers(company.eastern, company.manager, by=company.supervisor, reason="离职交接")
    take_back(entry, by=company.supervisor)
    gone.refresh_from_db()
    assert (gone.manager, gone.merged_into) == (company.manager, None)
    (last, before, *_) = gone.ownerships.order_by("-since")
    assert (last.manager, last.until, before.manager, before.until) == (
        company.manager,
        None,
        company.eastern,
        last.since,
    )
    assert not gone.grants.filter(user=company.manager).exists()
    assert describe_differences() == []


def test_it_is_refused_where_the_survivor_was_merged_again(full_pair, company):
    kept, gone = full_pair
    entry = merged(full_pair, company)
    third = factories.CustomerFactory(name="海河集团", manager=company.manager)
    later = merge_undoably(Customer.objects.get(pk=kept.pk), [third], by=company.supervisor, reason="x")
    with pytest.raises(Refused, match="「海河集团」之后也并入了「海河水务有限公司」"):
        take_back(entry, by=company.supervisor)
    take_back(later, by=company.supervisor)
    up = merge_undoably(
        Customer.objects.get(pk=third.pk), [Customer.objects.get(pk=kept.pk)], by=company.supervisor, reason="x"
    )
    with pytest.raises(Refused, match="客户已并入「海河集团」"):
        take_back(entry, by=company.supervisor)
    take_back(up, by=company.supervisor)
    take_back(entry, by=company.supervisor)
    assert Customer.objects.get(pk=gone.pk).merged_into is None


def test_it_is_refused_where_a_second_open_case_would_arise(pair, company):
    """The survivor's case was answered by an order of the other; since then it is silent again."""
    kept, gone = pair
    case = ChurnCase.objects.create(customer=kept, status="warning", last_purchase_on=date(2020, 1, 1))
    with transaction.atomic():
        factories.order(gone)
    entry = merged(pair, company)
    case.refresh_from_db()
    assert case.status == "resolved"
    ChurnCase.objects.create(customer=kept, status="warning")
    with pytest.raises(Refused, match=r"「海河水务有限公司」现在有 .* 的流失预警"):
        take_back(entry, by=company.supervisor)


@pytest.mark.parametrize("name", ["manager", "eastern", "outsider", "executive", "administrator"])
def test_only_who_may_merge_both_takes_it_back(name, pair, company):
    entry = merged(pair, company)
    with pytest.raises(Refused):
        take_back(entry, by=factories.fresh(getattr(company, name)))
    assert Customer.objects.get(pk=pair[1].pk).merged_into == pair[0]


@pytest.mark.parametrize("name", ["manager", "eastern", "outsider", "executive", "administrator"])
def test_it_is_offered_to_nobody_else(name, pair, company):
    entry = merged(pair, company)
    person = factories.fresh(getattr(company, name))
    assert list(UndoEntry.objects.visible_to(person)) == list(merges_to_undo(person)) == []
    assert list(merges_to_undo(factories.fresh(company.supervisor))) == [entry]


def test_it_is_not_offered_where_a_merged_customer_is_out_of_reach(pair, company, sign_in):
    """The answer would be 403: who supervises the survivor alone takes nothing apart that is not theirs."""
    kept, gone = pair
    entry = merged(pair, company)
    Customer.objects.filter(pk=gone.pk).update(manager=company.stranger)
    client = sign_in(company.supervisor)
    for url in ("/recent/", "/duplicates/", f"/customers/{kept.pk}/?tab=info", f"/customers/{kept.pk}/history/"):
        assert f"/recent/{entry.pk}/undo/" not in page_of(client.get(url)), url
    assert client.post(f"/recent/{entry.pk}/undo/").status_code == 404
    Customer.objects.filter(pk=gone.pk).update(manager=company.eastern)
    assert f"/recent/{entry.pk}/undo/" in page_of(client.get("/duplicates/"))  # control
    take_back(entry, by=company.supervisor)


# Pages


def test_a_person_chooses_field_by_field_and_takes_it_back_from_the_page(pair, company, sign_in):
    kept, gone = pair
    Customer.objects.filter(pk=gone.pk).update(address="天津市海河路 9 号")
    compute(pair)
    before, client = digest(), sign_in(company.supervisor)
    ids = [kept.pk, gone.pk]
    page = page_of(client.get("/customers/merge/", {"ids": ids}))
    assert f'name="take_address" value="{gone.pk}"' in page
    sent = {"ids": ids, "survivor": kept.pk, "compared": kept.pk, "reason": "同一家", "take_address": gone.pk}
    sent["opened"] = value(page, "opened")
    page = page_of(client.post("/customers/merge/", sent, follow=True))
    assert Customer.objects.get(pk=kept.pk).address == "天津市海河路 9 号"
    assert set(SearchText.objects.values_list("customer", "address")) == {(kept.pk, "|天津市海河路9号|")}
    undo = f"/recent/{UndoEntry.objects.get().pk}/undo/"
    assert f'formaction="{undo}"' in page
    for url in (f"/customers/{kept.pk}/history/", f"/customers/{kept.pk}/?tab=info", "/duplicates/", "/recent/"):
        assert f'btn-warn" form="act" formaction="{undo}"' in page_of(client.get(url)), url
    client.post(undo)
    assert differences(before, digest()) == []
    texts = dict(SearchText.objects.values_list("customer", "address"))
    assert texts == {kept.pk: "|北京市某路1号|", gone.pk: "|天津市海河路9号|"}


def test_what_was_not_shown_is_not_merged(pair, company, sign_in):
    kept, gone = pair
    client, url, chosen = (
        sign_in(company.supervisor),
        "/customers/merge/",
        {"all": "1", "list": "/customers/?name=水务"},
    )
    page = page_of(client.get(url, chosen))
    sent = {**chosen, "survivor": kept.pk, "compared": kept.pk, "reason": "同一家", "opened": value(page, "opened")}
    late = factories.CustomerFactory(name="后来的水务", manager=company.manager)
    assert "您打开时 2 条，现在 3 条" in page_of(client.post(url, sent), 409)
    assert "页面已过期" in page_of(client.post(url, {**sent, "opened": ""}), 409)
    Customer.objects.filter(pk=late.pk).update(deleted_at=timezone.now())
    gone.edit(by=company.eastern, fax="022-7")
    assert "在您打开后被别人修改过" in page_of(client.post(url, sent), 409)
    assert Customer.objects.current().count() == 2


def test_whoever_is_too_many_for_one_merge_is_named(pair, company, sign_in, monkeypatch):
    monkeypatch.setattr(pages, "MAX_TOGETHER", 2)
    factories.CustomerFactory(name="第三家水务", manager=company.manager)
    page = page_of(sign_in(company.supervisor).get("/customers/merge/", {"all": "1", "list": "/customers/?name=水务"}))
    assert "「第三家水务」：一次最多合并 2 个。" in page


def test_statements_of_the_preview_do_not_grow_with_the_groups(company, sign_in):
    client, numbers = sign_in(company.supervisor), []
    for count in (1, 5):
        for number in range(count):
            code = f"9111000060003{count}{number}41L"
            for name in ("甲", "乙"):
                factories.CustomerFactory(name=f"{name}{count}{number}", manager=company.manager, license_number=code)
        with CaptureQueriesContext(connection) as statements:
            assert f"共 {1 if count == 1 else 6} 组" in page_of(client.get("/customers/merge/groups/"))
        numbers.append(len(statements))
    assert numbers[1] <= numbers[0] + 1


def test_groups_of_one_code_are_merged_in_one_go_after_a_preview(pair, company, sign_in):
    kept, gone = pair
    Customer.objects.filter(pk=kept.pk).update(license_number=gone.license_number)
    client, url = sign_in(company.supervisor), "/customers/merge/groups/"
    assert "合并同代码的 1 组" in page_of(client.get("/duplicates/"))
    page = page_of(client.get(url))
    assert rows(page)[0][4] == "销售系统客户编号、传真"
    key = parse(page).cssselect("input[name=groups]")[0].get("value")
    Customer.objects.get(pk=gone.pk).edit(by=company.eastern, fax="022-7")
    refused = page_of(client.post(url, {"groups": key, "reason": "同一家"}), 409)
    assert "有一组在您打开后变过" in refused
    assert Customer.objects.current().count() == 2
    key = parse(refused).cssselect("input[name=groups]")[0].get("value")
    page = page_of(client.post(url, {"groups": key, "reason": "同一家"}, follow=True))
    assert "已合并 1 组，1 个客户并入 1 个" in page
    assert Customer.objects.current().get() == kept
