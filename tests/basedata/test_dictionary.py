"""数据字典, at the model: who edits it in each state, what stays fixed, and what is in use."""

from __future__ import annotations

import pytest
from django.db import IntegrityError, transaction

from basedata.dictionary.models import dictionary_relations
from basedata.models import DictionaryEntry
from customers.models import Customer
from kit.audit.models import AuditEntry
from kit.domain.verdict import Kind, Refused
from tests import factories

pytestmark = pytest.mark.django_db

STATES = {"spare": ("", ""), "fixed": ("固定条目", "固定条目"), "used": ("", "正在使用")}


@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("action", ["edit", "remove"])
def test_what_an_administrator_may_do_in_each_state(state, action, administrator, request):
    entry = request.getfixturevalue(state)
    objection = STATES[state][action == "remove"]
    verdict = getattr(entry, f"can_{action}")(administrator)
    assert verdict.kind is (Kind.STATE if objection else Kind.ALLOWED)
    assert objection in verdict.reason
    act = {"edit": lambda: entry.edit(by=administrator, item="改过"), "remove": lambda: entry.remove(by=administrator)}
    if not objection:
        act[action]()
        assert AuditEntry.objects.about(entry).count() == 1 or action == "remove"
        return
    before = list(DictionaryEntry.objects.values())
    with pytest.raises(Refused, match=objection):
        act[action]()
    assert list(DictionaryEntry.objects.values()) == before


@pytest.mark.parametrize("person", ["supervisor", "manager", "executive", "nobody"])
@pytest.mark.parametrize("state", STATES)
def test_nobody_else_may_do_anything(person, state, company, request):
    entry, user = request.getfixturevalue(state), getattr(company, person)
    assert entry.can_edit(user).kind is Kind.NO_PERMISSION
    assert entry.can_remove(user).kind is Kind.NO_PERMISSION
    before = list(DictionaryEntry.objects.values())
    for act in (
        lambda: entry.edit(by=user, item="改过"),
        lambda: entry.remove(by=user),
        lambda: DictionaryEntry.create(by=user, category="行业", item="新能源", value="99"),
    ):
        with pytest.raises(Refused):
            act()
    assert list(DictionaryEntry.objects.values()) == before


def test_a_new_entry_is_in_the_audit_log(administrator):
    with transaction.atomic():
        entry = DictionaryEntry.create(by=administrator, category="行业", item="新能源", value="99")
    row = AuditEntry.objects.about(entry).get()
    assert (row.actor, row.verb, row.object_text) == (administrator, "新建", "新能源")
    assert row.changes == {"类别": ["", "行业"], "值": ["", "99"], "是否可编辑": ["", "是"]}


def test_a_change_is_in_the_audit_log_with_old_and_new_and_raises_the_version(administrator, spare):
    spare.edit(by=administrator, item="食品", value=spare.value)
    spare.refresh_from_db()
    assert (spare.item, spare.version) == ("食品", 1)
    assert AuditEntry.objects.about(spare).get().changes == {"条目": ["食品饮料", "食品"]}
    spare.edit(by=administrator, item="食品")
    assert AuditEntry.objects.about(spare).count() == 1  # nothing changed, nothing written


def test_a_deleted_entry_is_in_the_audit_log(administrator, spare):
    spare.remove(by=administrator)
    assert not DictionaryEntry.objects.filter(item="食品饮料").exists()
    row = AuditEntry.objects.latest("pk")
    assert (row.verb, row.object_text, row.changes) == ("删除", "食品饮料", {"类别": ["", "行业"], "值": ["", "5"]})


def test_every_relation_to_the_dictionary_is_looked_at():
    """Walked from the models, so that a new one cannot be forgotten."""
    known = {(relation.related_model._meta.label, relation.field.name) for relation in dictionary_relations()}
    assert {
        ("customers.Customer", "region"),
        ("customers.Customer", "level"),
        ("customers.Interaction", "kind"),
        ("customers.ChurnCase", "lost_kind"),
        ("marketing.Opportunity", "competitor"),
        ("accounts.User", "regions"),
        ("accounts.User", "industries"),
    } <= known
    assert not [label for label, _ in known if label.startswith("accounts.User_")]  # tables between are no place


def test_uses_name_every_place_and_how_often(used, spare):
    assert dict(used.uses()) == {"客户（地区）": "2", "销售机会（地区）": "1", "用户（负责分区）": "1"}
    assert spare.uses() == []


def test_a_deleted_customer_still_uses_its_entry(used, administrator):
    """It may be restored, and then needs its region."""
    Customer.objects.filter(region=used).update(deleted_at="2026-01-01T00:00Z")
    assert dict(used.uses())["客户（地区）"] == "2"
    assert DictionaryEntry.objects.with_in_use().get(pk=used.pk).in_use
    assert not used.can_remove(administrator)


def test_uses_are_counted_in_one_statement(used, django_assert_num_queries):
    with django_assert_num_queries(1):
        used.uses()


def test_in_use_says_the_same_as_counting(used, spare, fixed):
    factories.CustomerFactory(level=fixed)
    rows = DictionaryEntry.objects.with_in_use()
    assert {row.pk for row in rows if row.in_use} == {
        entry.pk for entry in DictionaryEntry.objects.all() if entry.uses()
    }
    assert rows.get(pk=used.pk).in_use
    assert not rows.get(pk=spare.pk).in_use


def test_a_used_entry_stays_in_its_category(administrator, used, spare):
    with pytest.raises(Refused, match=r"正在使用：.*客户（地区）2 条.*不能换到别的类别"):
        used.edit(by=administrator, category="行业", value="88")
    used.refresh_from_db()
    assert used.category == "地区"
    spare.edit(by=administrator, category="市场")
    assert spare.category == "市场"


def test_the_database_refuses_doubles_whoever_writes(administrator):
    with pytest.raises(IntegrityError), transaction.atomic():
        DictionaryEntry.create(by=administrator, category="行业", item="化工", value="99")
