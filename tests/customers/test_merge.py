"""合并: nothing of the merged customer is lost, its keys lead on, and only supervisors do it."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from django.db import models, transaction
from django.utils import timezone

from accounts.models import notify
from customers.contacts.callers import customers_by_phone
from customers.merging.merge import RELATIONS_MOVED_SEPARATELY, customer_relations
from customers.merging.merge_values import SYSTEM_FIELDS, descriptive_fields, merge_outcome
from customers.models import ChurnCase, Customer, Order, ParkedOrder, merge_customers
from customers.orders.rollups import describe_differences
from customers.search import customers as found
from customers.sync.orders import find_customers, unpark
from kit.audit.models import AuditEntry
from kit.domain.search_words import read_query
from kit.domain.verdict import Refused
from tests import factories
from tests.customers.pages import page_of
from tests.html import rows, text, value, values

pytestmark = pytest.mark.django_db
CODE = "91110000600037341L"  # a valid 统一社会信用代码


def search(person, words):
    return found.find_customers(person, read_query(words), 20)


def merge(pair, company, reason="同一家公司"):
    kept, gone = pair
    merge_customers(kept, [gone], by=company.supervisor, reason=reason)
    for one in pair:
        one.refresh_from_db()


# 合并


def test_everything_that_refers_to_the_one_refers_to_the_other_afterwards(pair, company):
    kept, gone = pair
    contact = factories.ContactFactory(customer=gone, is_primary=True)
    talk = factories.interaction(gone, company.eastern, contact=contact, follow_up_on=timezone.localdate())
    order = factories.order(gone)
    case = factories.churn_case(company.eastern, name="旧分厂")
    ChurnCase.objects.filter(pk=case.pk).update(customer=gone)
    won = factories.won(company.manager, company.supervisor, company.eastern, customer_name="全新的公司")
    type(won).objects.filter(pk=won.pk).update(customer=gone)
    told = factories.opportunity(company.manager, customer_name="另一家", introduced_by=gone)
    asked = factories.service_request(company.eastern, customer=gone, summary="漏水", content="请派人")
    branch = factories.CustomerFactory(name="下属厂", manager=company.eastern, parent=gone)
    notify(company.eastern, "看看这个", gone)
    entries = kept.timeline.count() + gone.timeline.count()
    merge(pair, company)
    moved = (contact, talk, order, case, won, asked)
    assert {type(one).objects.get(pk=one.pk).customer_id for one in moved} == {kept.pk}
    told.refresh_from_db()
    branch.refresh_from_db()
    asked.refresh_from_db()
    assert (told.introduced_by, branch.parent, asked.keeper) == (kept, kept, company.manager)
    assert describe_differences() == []  # the sums by year follow the orders
    assert kept.timeline.count() == entries + 2  # the merge, and the case that the order answers
    assert not gone.timeline.exists()
    talk.refresh_from_db()
    assert kept.timeline.filter(url=talk.get_absolute_url()).count() == 1
    assert company.eastern.notifications.filter(text="看看这个").get().record == kept
    for relation in customer_relations():
        left = relation.related_model._base_manager.filter(**{relation.field.name: gone})
        assert relation.get_accessor_name() == "ownerships" or not left.exists(), relation


def test_no_relation_to_customers_is_moved_blindly_into_a_constraint():
    """Rows that may stand once per customer need a rule of their own in merge.py."""
    for relation in customer_relations():
        meta, name = relation.related_model._meta, relation.field.name
        once = [c for c in meta.constraints if isinstance(c, models.UniqueConstraint) and name in c.fields]
        together = [fields for fields in meta.unique_together if name in fields]
        if once or together or relation.field.unique:
            assert relation.get_accessor_name() in RELATIONS_MOVED_SEPARATELY, relation


def test_the_survivor_takes_what_it_lacks_and_keeps_what_it_has(pair, company):
    kept, gone = pair
    version = kept.version
    merge(pair, company)
    assert (kept.fax, kept.license_number, kept.external_number) == ("022-2", CODE, "X-9")
    assert (kept.name, kept.phone, kept.manager) == ("海河水务有限公司", "010-5555 0000", company.manager)
    assert kept.version > version
    assert (gone.merged_into, gone.external_number) == (kept, "")
    assert not Customer.objects.current().filter(pk=gone.pk).exists()


def test_the_audit_log_says_who_merged_what_on_both_and_the_history_shows_both(pair, company, sign_in):
    kept, gone = pair
    factories.ContactFactory(customer=gone)
    merge(pair, company)
    entry = AuditEntry.objects.about(kept).get(verb="合并")
    assert entry.actor == company.supervisor
    assert entry.changes["并入"][1] == f"海河水务(有限公司)（{gone.number}，客户经理 王华东）"
    assert entry.changes["原因"][1] == "同一家公司"
    assert entry.changes["联系人"][1] == "1 条"
    assert AuditEntry.objects.about(gone).get(verb="合并").changes["已并入"][1].startswith("海河水务有限公司")
    assert "并入「海河水务有限公司」" in company.eastern.notifications.latest("pk").text
    assert "并入「海河水务有限公司」" in company.manager.notifications.latest("pk").text
    assert kept.timeline.latest("at").text.startswith("合并：海河水务(有限公司)")
    html = page_of(sign_in(company.manager).get(f"/customers/{kept.pk}/history/"))
    assert html.count("新建") >= 2
    assert gone.number in page_of(sign_in(company.manager).get(f"/customers/{kept.pk}/?tab=info"))


def test_the_old_url_and_number_lead_to_the_survivor_for_those_who_see_it(pair, company, sign_in):
    kept, gone = pair
    merge(pair, company)
    assert sign_in(company.manager).get(f"/customers/{gone.pk}/")["Location"] == f"/customers/{kept.pk}/"
    assert sign_in(company.stranger).get(f"/customers/{gone.pk}/").status_code == 404
    assert sign_in(company.manager).get(f"/customers/{gone.pk}/edit/").status_code == 404
    assert search(company.manager, gone.number) == [kept]
    assert search(company.stranger, gone.number) == []


def test_the_next_sync_finds_the_survivor_by_every_key_of_both(pair, company):
    kept, gone = pair
    Customer.objects.filter(pk=kept.pk).update(external_number="X-1")
    merge(pair, company)
    assert (kept.external_number, gone.external_number) == ("X-1", "X-9")
    keys = ["X-1", "X-9", kept.number, gone.number, "X-0"]
    assert find_customers(keys) == dict.fromkeys(keys[:4], kept.pk)
    later = factories.CustomerFactory(name="海河集团", manager=company.manager)
    merge_customers(later, [kept], by=company.supervisor, reason="集团")
    assert find_customers(keys) == dict.fromkeys(keys[:4], later.pk)
    content = {
        "number": "S1", "customer_number": "X-9", "ordered_at": "2026-01-05T02:00:00+00:00", "address": "",
        "status": "paid", "changed_at": None, "lines": [],
    }  # fmt: skip
    ParkedOrder.objects.create(number="S1", customer_key="X-9", status="paid", content=content)
    with transaction.atomic():
        assert unpark(["X-9"]) == 1
    assert Order.objects.get(number="S1").customer == later


def test_orders_that_come_along_count_as_purchases_of_the_survivor(pair, company):
    kept, gone = pair
    factories.order(gone)
    Customer.objects.filter(pk=kept.pk).update(last_purchase_on=timezone.localdate() - timedelta(days=300))
    lost = ChurnCase.objects.create(
        customer=kept, status="confirmed", confirmed_at=timezone.now() - timedelta(days=90), lost_reason="停产"
    )
    Customer.objects.filter(pk=kept.pk).update(status="lost")
    merge(pair, company)
    lost.refresh_from_db()
    assert (kept.status, lost.status) == ("normal", "won_back")
    assert kept.last_purchase_on == timezone.localdate()


@pytest.mark.parametrize(
    ("mine", "theirs", "left"),
    [
        (None, "warning", "warning"),
        ("warning", "warning", "merged"),
        ("deferred", "confirmed", "merged"),
        (None, "confirmed", "merged"),
        ("confirmed", "warning", "merged"),
        ("confirmed", "confirmed", "merged"),
    ],
)
def test_at_most_one_case_stays_unfinished(mine, theirs, left, pair, company):
    kept, gone = pair
    cases = {}
    for customer, status in ((kept, mine), (gone, theirs)):
        if status:
            confirmed = {"confirmed_at": timezone.now(), "lost_reason": "停产"} if status == "confirmed" else {}
            cases[customer.pk] = ChurnCase.objects.create(customer=customer, status=status, **confirmed)
            Customer.objects.filter(pk=customer.pk).update(status="lost" if confirmed else "normal")
    merge(pair, company)
    assert ChurnCase.objects.get(pk=cases[gone.pk].pk).status == left
    if mine:
        assert ChurnCase.objects.get(pk=cases[kept.pk].pk).status == mine
    assert (kept.status == "lost") == (mine == "confirmed")
    unfinished = kept.churn_cases.filter(status__in=("warning", "deferred", "confirmed"))
    assert unfinished.count() == (1 if mine or theirs == "warning" else 0)


def test_only_one_contact_is_the_main_one_and_colleagues_keep_their_own_right(pair, company):
    kept, gone = pair
    ours, theirs = (factories.ContactFactory(customer=one, is_primary=True) for one in pair)
    kept.share(company.colleague, by=company.supervisor, kind="view")
    gone.share(company.colleague, by=company.supervisor, kind="change")
    gone.share(company.manager, by=company.supervisor, kind="view")
    gone.share(company.stranger, by=company.supervisor, kind="view")
    merge(pair, company)
    theirs.refresh_from_db()
    assert (ours.is_primary, theirs.is_primary, theirs.customer) == (True, False, kept)
    grants = {grant.user.name: grant.kind_label for grant in kept.grants.select_related("user", "permission")}
    assert grants == {"陈同事": "只看", "外人甲": "只看"}
    assert not gone.grants.exists()


def test_no_company_comes_to_lie_under_itself(pair, company):
    """gone above between above kept: afterwards kept is above neither of its own."""
    kept, gone = pair
    top = factories.CustomerFactory(name="集团", manager=company.manager)
    between = factories.CustomerFactory(name="中间", manager=company.manager, parent=gone)
    Customer.objects.filter(pk=gone.pk).update(parent=top)
    Customer.objects.filter(pk=kept.pk).update(parent=between)
    merge(pair, company)
    between.refresh_from_db()
    assert (kept.parent, between.parent) == (between, top)
    kept.full_clean(exclude=[field.name for field in Customer._meta.fields if field.name != "parent"])


def test_a_direct_branch_of_the_merged_one_moves_up(pair, company):
    kept, gone = pair
    Customer.objects.filter(pk=kept.pk).update(parent=gone)
    merge(pair, company)
    assert kept.parent is None


def test_ownership_of_the_survivor_has_no_overlap(pair, company):
    kept, gone = pair
    merge(pair, company)
    assert [owner.manager for owner in kept.ownerships.all()] == [company.manager]
    assert gone.ownerships.get().until is not None


def test_a_merged_customer_is_not_restored_and_not_listed_for_it(pair, company, sign_in):
    merge(pair, company)
    with pytest.raises(Refused, match="已并入另一个客户"):
        pair[1].restore(by=company.administrator)
    assert pair[1].number not in page_of(sign_in(company.administrator).get("/customers/deleted/"))


@pytest.mark.parametrize("name", ["manager", "colleague", "outsider", "executive", "administrator"])
def test_only_a_supervisor_of_both_managers_merges(name, pair, company):
    before = list(Customer.objects.order_by("pk").values())
    with pytest.raises(Refused):
        merge_customers(pair[0], [pair[1]], by=factories.fresh(getattr(company, name)), reason="同一家")
    assert list(Customer.objects.order_by("pk").values()) == before


def test_a_merge_that_cannot_be_is_refused(pair, company):
    kept, gone = pair
    foreign = factories.CustomerFactory(manager=company.stranger)
    for other, reason, words in (
        (kept, "x", "两个不同的客户"),
        (gone, " ", "请填写合并原因"),
        (foreign, "x", "的主管可以合并"),
    ):
        with pytest.raises(Refused, match=words):
            merge_customers(kept, [other], by=company.supervisor, reason=reason)
    merge(pair, company)
    with pytest.raises(Refused, match="客户已并入「海河水务有限公司」"):
        merge_customers(kept, [gone], by=company.supervisor, reason="x")
    with pytest.raises(Refused, match="客户已并入「海河水务有限公司」"):
        merge_customers(gone, [foreign], by=company.supervisor, reason="x")


def test_a_failure_half_way_leaves_both_as_they_were(pair, company, monkeypatch):
    factories.ContactFactory(customer=pair[1])

    def broken(*args, **kwargs):
        raise RuntimeError

    monkeypatch.setattr("customers.merging.merge.add_timeline_entry", broken)
    with pytest.raises(RuntimeError):
        merge_customers(pair[0], [pair[1]], by=company.supervisor, reason="x")
    assert pair[1].contacts.count() == 1
    assert Customer.objects.current().count() == 2
    assert not AuditEntry.objects.filter(verb="合并").exists()


# Pages


def test_suspects_are_grouped_by_name_and_by_number_within_ones_scope(pair, company, sign_in):
    kept, gone = pair
    third = factories.CustomerFactory(name="完全不同", manager=company.manager, license_number=CODE)
    hidden = factories.CustomerFactory(name="海河水务", manager=company.stranger)
    html = page_of(sign_in(company.supervisor).get("/duplicates/"))
    assert all(one.number in html for one in (kept, gone, third))
    assert hidden.number not in html
    assert "名称相同" in html
    assert "统一社会信用代码相同" in html
    assert "没有名称或统一社会信用代码相同的客户" in page_of(sign_in(company.outsider).get("/duplicates/"))
    assert sign_in(company.manager).get("/duplicates/").status_code == 403


def test_suspects_take_a_fixed_number_of_queries(company, sign_in, django_assert_max_num_queries):
    for n in range(30):
        for _ in range(2):
            factories.CustomerFactory(name=f"重复{n}", manager=company.manager)
    client = sign_in(company.supervisor)
    client.get("/duplicates/")
    with django_assert_max_num_queries(14):
        client.get("/duplicates/")


def cells(page):
    """Return {field: its cells} of the comparison."""
    return {label: texts for label, *texts in rows(page, "#compared tbody tr")}


def test_every_field_is_compared_or_belongs_to_the_row_itself():
    names = {field.name for field in Customer._meta.concrete_fields}
    assert {field.name for field in descriptive_fields()} | set(SYSTEM_FIELDS) == names
    assert not {field.name for field in descriptive_fields()} & set(SYSTEM_FIELDS)


def test_the_page_says_field_by_field_what_the_survivor_will_have(pair, company, sign_in):
    kept, gone = pair
    group = factories.CustomerFactory(name="海河集团", manager=company.manager)
    foreign = factories.CustomerFactory(name="别人的集团", manager=company.stranger)
    Customer.objects.filter(pk=kept.pk).update(cooperation_since=date(2020, 5, 1), bank_account="6222020200112233")
    Customer.objects.filter(pk=gone.pk).update(
        cooperation_since=date(2015, 5, 1), parent=group, phone="022-2345 6789", address="天津市海河路 9 号"
    )
    client = sign_in(company.supervisor)
    found = cells(page_of(client.get("/customers/merge/", {"ids": [kept.pk, gone.pk]})))
    assert found["电话"] == ["010-5555 0000", "022-2345 6789 不带过去", "010-5555 0000"]
    assert found["地址"][1:] == ["天津市海河路 9 号 不带过去", "北京市某路 1 号"]
    assert found["建立合作日期"] == ["2020-05-01 不带过去", "2015-05-01", "2015-05-01"]  # the earlier one stays
    assert found["上级单位"] == ["—", "海河集团", "海河集团"]
    assert found["传真"] == ["—", "022-2", "022-2"]
    assert found["销售系统客户编号"] == ["—", "X-9", "X-9"]
    assert found["客户编号"] == [kept.number, f"{gone.number} 不带过去", kept.number]
    assert found["客户经理"] == ["周经理", "王华东 不带过去", "周经理"]
    Customer.objects.filter(pk=gone.pk).update(parent=foreign)
    found = cells(page_of(client.get("/customers/merge/", {"ids": [kept.pk, gone.pk]})))
    assert found["上级单位"] == ["—", "（不在您的查看范围内）", "（不在您的查看范围内）"]


@pytest.mark.parametrize("chosen", [0, 1, 2])
def test_what_the_page_foretells_is_what_the_merge_does(chosen, pair, company):
    """Three customers, one above the other, each with something of its own."""
    kept, gone = pair
    third = factories.CustomerFactory(
        name="海河水务总厂", manager=company.manager, parent=kept, bank="工商银行", external_number="X-3", fax="022-3"
    )
    top = factories.CustomerFactory(name="集团", manager=company.manager, parent=third)
    Customer.objects.filter(pk=gone.pk).update(parent=top, cooperation_since=date(2015, 5, 1))
    every = list(Customer.objects.filter(pk__in=[kept.pk, gone.pk, third.pk]).order_by("pk"))
    survivor = every.pop(chosen)
    foretold = merge_outcome(Customer.objects.get(pk=survivor.pk), [Customer.objects.get(pk=one.pk) for one in every])
    merge_customers(survivor, every, by=company.supervisor, reason="同一家")
    survivor = Customer.objects.get(pk=survivor.pk)
    for field in descriptive_fields():
        assert getattr(survivor, field.attname) == getattr(foretold, field.attname), field.name


def test_what_was_not_taken_over_stays_readable_masked_for_others(pair, company, sign_in):
    kept, gone = pair
    Customer.objects.filter(pk=gone.pk).update(phone="022-2345 6789", address="天津市海河路 9 号", bank_account="6222")
    gone.refresh_from_db()
    merge(pair, company)
    entry = AuditEntry.objects.about(kept).get(verb="合并")
    assert entry.changes["未保留的电话"][1] == "022-2345 6789"
    assert entry.changes["未保留的地址"][1] == "天津市海河路 9 号"
    assert "未保留的传真" not in entry.changes
    assert "未保留：" in kept.timeline.latest("at").text
    assert "地址、电话" in kept.timeline.latest("at").text
    assert "022-2345" not in kept.timeline.latest("at").text
    kept.share(company.stranger, by=company.supervisor, kind="view")
    for person, shown in ((company.manager, True), (factories.fresh(company.stranger), False)):
        for address in ("history/", "?tab=info"):
            html = page_of(sign_in(person).get(f"/customers/{kept.pk}/{address}"))
            assert ("022-2345 6789" in html) is shown, (person, address)
            assert "天津市海河路 9 号" in html


def test_other_name_numbers_and_code_of_the_merged_one_find_the_survivor(pair, company):
    kept, gone = pair
    Customer.objects.filter(pk=kept.pk).update(external_number="X-1", license_number="91110000600037341X")
    Customer.objects.filter(pk=gone.pk).update(name="津门供水处")
    gone.refresh_from_db()
    kept.refresh_from_db()
    merge(pair, company)
    for words in ("津门供水", "X-9", "x-9", gone.number.lower(), CODE, CODE.lower(), "91110000600037341X"):
        assert search(company.manager, words) == [kept], words
        assert search(company.stranger, words) == [], words


def test_the_number_of_the_merged_one_finds_the_survivor_for_whoever_may_see_numbers(pair, company):
    kept, gone = pair
    Customer.objects.filter(pk=kept.pk).update(phone="022-1111 2222")
    Customer.objects.filter(pk=gone.pk).update(phone="022-3333 4444")
    kept.refresh_from_db()
    gone.refresh_from_db()
    merge(pair, company)
    for number in ("022-3333 4444", "+86 22 33334444"):
        assert search(company.manager, number) == [kept], number
        assert search(company.executive, number) == [], number
        assert list(customers_by_phone(number)) == [kept]
        assert list(customers_by_phone(number, by=company.manager)) == [kept]
        assert list(customers_by_phone(number, by=company.executive)) == []


def test_a_superior_that_lies_below_the_survivor_is_not_taken(pair, company):
    kept, gone = pair
    below = factories.CustomerFactory(name="下属厂", manager=company.manager, parent=kept)
    Customer.objects.filter(pk=gone.pk).update(parent=below)
    gone.refresh_from_db()
    merge(pair, company)
    assert kept.parent is None


def test_a_supervisor_merges_on_the_page(pair, company, sign_in):
    kept, gone = pair
    foreign = factories.CustomerFactory(name="外部", manager=company.stranger)
    client = sign_in(company.supervisor)
    ids = [kept.pk, gone.pk, foreign.pk]
    html = page_of(client.get("/customers/merge/", {"ids": ids}))
    assert "另外 1 条不在您的查看范围内" in html
    assert "外部" not in html.replace("外部主管", "")
    assert values(html)["survivor"] == str(kept.pk)  # the older one is proposed
    assert "请填写。" in page_of(client.post("/customers/merge/", {"ids": ids, "survivor": kept.pk}))
    wrong = {"ids": ids, "survivor": foreign.pk, "reason": "x"}
    assert "选择一个有效的选项" in page_of(client.post("/customers/merge/", wrong))
    sent = {"ids": ids, "survivor": gone.pk, "reason": "同一家", "compared": kept.pk, "opened": value(html, "opened")}
    html = page_of(client.post("/customers/merge/", sent))  # another survivor: another comparison to be read first
    assert "下面改为保留「海河水务(有限公司)」时的对照，请核对后再点「合并」。" in text(html)
    assert value(html, "compared") == str(gone.pk)
    assert Customer.objects.current().count() == 3
    response = client.post("/customers/merge/", {**sent, "compared": gone.pk}, follow=True)
    assert response.redirect_chain[-1][0] == gone.get_absolute_url()
    assert "已把 1 个客户并入" in response.content.decode()
    kept.refresh_from_db()
    assert kept.merged_into == gone
    assert "请选中 2 到 10 个" in client.post("/customers/merge/", {"ids": ids}, follow=True).content.decode()
