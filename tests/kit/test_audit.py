"""The audit trail: one row per change, in the words of the screen, only ever added to, and sealed."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from django.core.management import CommandError, call_command
from django.db import DatabaseError, transaction
from django.utils import timezone

from customers.models import Customer
from kit.audit import seals
from kit.audit.log import current_ip_address, format_value, log_event, log_events, save_changes
from kit.audit.models import AppendOnlyError, AuditEntry, AuditSeal
from kit.audit.verification import verify
from kit.domain.verdict import Refused
from tests import factories
from tests.kit.audit_rows import POSTGRES, entry, raw, tamper

pytestmark = pytest.mark.django_db

# What a row says


def test_a_row_says_who_when_what_and_from_where(company):
    customer, started = factories.CustomerFactory(manager=company.manager), timezone.now()
    token = current_ip_address.set("10.0.0.7")
    row = log_event(company.manager, "编辑", customer, 电话=("1", "2"), 地址="北京")
    current_ip_address.reset(token)
    kept = AuditEntry.objects.get(pk=row.pk)
    assert (kept.actor, kept.actor_name, kept.verb) == (company.manager, "周经理", "编辑")
    assert (kept.record, kept.object_text) == (customer, customer.name)
    assert kept.changes == {"电话": ["1", "2"], "地址": ["", "北京"]}
    assert sorted(kept.change_list) == [("地址", "", "北京"), ("电话", "1", "2")]
    assert kept.address == "10.0.0.7"
    assert started <= kept.at <= timezone.now()


def test_the_system_has_no_person():
    row = log_event(None, "导入", text="客户.csv")
    assert (row.actor_id, row.actor_name, row.object_text, row.address) == (None, "系统", "客户.csv", None)


def test_a_row_keeps_the_name_of_who_is_renamed_or_gone(company):
    row = log_event(company.nobody, "登录", company.nobody)
    company.nobody.name = "改名"
    company.nobody.save()
    company.nobody.delete()
    kept = AuditEntry.objects.get(pk=row.pk)
    assert (kept.actor_name, kept.object_text) == ("无角色", "无角色")


def test_bulk_work_leaves_one_row_per_record(company, django_assert_num_queries):
    customers = [factories.CustomerFactory(manager=company.manager) for _ in range(3)]
    before = AuditEntry.objects.count()
    with django_assert_num_queries(1):
        log_events(company.manager, "导入", customers)
    rows = AuditEntry.objects.filter(verb="导入")
    assert AuditEntry.objects.count() == before + 3
    assert {row.record for row in rows} == set(customers)


def test_a_change_and_its_row_stand_or_fall_together(company):
    customer = factories.CustomerFactory(manager=company.manager)
    before = AuditEntry.objects.count()

    def change_and_fail():
        with transaction.atomic():
            customer.edit(by=company.manager, phone="1")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        change_and_fail()
    assert AuditEntry.objects.count() == before
    assert Customer.objects.get().phone != "1"


def test_a_change_names_only_the_fields_that_changed(company):
    customer = factories.CustomerFactory(manager=company.manager, phone="1", address="甲")
    found = save_changes(company.manager, "编辑", customer, phone="2", address="甲")
    assert found == {"电话": ("1", "2")}
    assert AuditEntry.objects.about(customer)[0].changes == {"电话": ["1", "2"]}


def test_a_reason_that_is_no_field_is_kept_with_the_trail(company):
    customer = factories.CustomerFactory(manager=company.manager)
    save_changes(company.manager, "编辑", customer, phone="2", reason="搬迁")
    assert AuditEntry.objects.about(customer)[0].changes["原因"] == ["", "搬迁"]


def test_about_gives_one_records_rows_newest_first(company):
    customer, other = (factories.CustomerFactory(manager=company.manager) for _ in range(2))
    same_key = factories.opportunity(company.manager)
    for phone in "12":
        customer.edit(by=company.manager, phone=phone)
    other.edit(by=company.manager, phone="3")
    log_event(company.manager, "编辑", same_key)
    assert [row.verb for row in AuditEntry.objects.about(customer)] == ["编辑", "编辑", "新建"]
    assert AuditEntry.objects.about(customer)[0].changes == {"电话": ["1", "2"]}


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (None, ""),
        (True, "是"),
        (False, "否"),
        (0, "0"),
        (Decimal("1E+3"), "1000"),
        (Decimal("12.50"), "12.50"),
        (date(2026, 1, 5), "2026-01-05"),
        (datetime(2025, 12, 31, 16, 0, tzinfo=UTC), "2026-01-01 00:00"),
        (datetime(2026, 1, 5, 8, 30), "2026-01-05 08:30"),
        ("文字", "文字"),
    ],
)
def test_values_read_as_on_the_screen(value, words):
    assert format_value(value) == words


# Only ever added to


ATTEMPTS = {
    "save": lambda rows: rows.get().save(),
    "save_one_field": lambda rows: rows.get().save(update_fields=["verb"]),
    "save_a_copy_over_it": lambda rows: type(rows.get())(**rows.values().get()).save(),
    "delete": lambda rows: rows.get().delete(),
    "update": lambda rows: rows.update(at=timezone.now()),
    "delete_all": lambda rows: rows.all().delete(),
    "bulk_update": lambda rows: rows.bulk_update([rows.get()], ["at"]),
    "update_or_create": lambda rows: rows.update_or_create(pk=rows.get().pk, defaults={"at": timezone.now()}),
    "filtered_update": lambda rows: rows.filter(pk=rows.get().pk).update(at=timezone.now()),
}


@pytest.fixture
def sealed():
    entry()
    seals.seal_pending()


@pytest.mark.usefixtures("sealed")
@pytest.mark.parametrize("model", [AuditEntry, AuditSeal])
@pytest.mark.parametrize("attempt", ATTEMPTS)
def test_no_orm_call_changes_or_deletes_a_row(model, attempt):
    before = list(model.objects.values())
    with pytest.raises(AppendOnlyError):
        ATTEMPTS[attempt](model.objects)
    assert list(model.objects.values()) == before


@pytest.mark.usefixtures("sealed")
@pytest.mark.skipif(POSTGRES, reason="PostgreSQL's trigger refuses these")
@pytest.mark.parametrize("model", [AuditEntry, AuditSeal])
def test_the_base_manager_is_no_way_round(model):
    before = list(model.objects.values())
    with pytest.raises(AppendOnlyError):
        model._base_manager.update(at=timezone.now() - timedelta(days=1))
    assert list(model.objects.values()) == before


@pytest.mark.usefixtures("sealed")
@pytest.mark.skipif(POSTGRES, reason="PostgreSQL's trigger refuses these")
def test_an_insert_that_updates_is_refused():
    row = AuditEntry.objects.get()
    row.verb = "别的"
    with pytest.raises(AppendOnlyError):
        AuditEntry.objects.bulk_create([row], update_conflicts=True, update_fields=["verb"], unique_fields=["id"])
    assert AuditEntry.objects.get().verb == "登录失败"


@pytest.mark.usefixtures("sealed")
@pytest.mark.postgres
@pytest.mark.skipif(not POSTGRES, reason="the trigger is PostgreSQL's")
@pytest.mark.parametrize("table", ["audit_auditentry", "audit_auditseal"])
@pytest.mark.parametrize("statement", ["UPDATE {} SET at = now()", "DELETE FROM {}"])
def test_postgresql_itself_refuses_to_change_or_delete_a_row(table, statement):
    with pytest.raises(DatabaseError, match="审计记录只能追加，不能修改或删除"), transaction.atomic():
        raw(statement.format(table))
    assert AuditEntry.objects.count() == AuditSeal.objects.count() == 1


@pytest.mark.usefixtures("sealed")
@pytest.mark.postgres
@pytest.mark.skipif(not POSTGRES, reason="the trigger is PostgreSQL's")
@pytest.mark.parametrize("table", ["audit_auditentry", "audit_auditseal", "audit_auditpruning", "audit_auditredaction"])
@pytest.mark.parametrize("statement", ["TRUNCATE {} CASCADE", "TRUNCATE customers_customer, {} CASCADE"])
def test_postgresql_itself_refuses_to_empty_the_trail(table, statement):
    with pytest.raises(DatabaseError, match="审计记录只能追加，不能修改或删除"), transaction.atomic():
        raw(statement.format(table))
    assert AuditEntry.objects.count() == AuditSeal.objects.count() == 1


# Seals


def test_sealing_takes_every_row_once_and_chains():
    for _ in range(3):
        entry()
    assert seals.seal_pending() == 3
    assert seals.seal_pending() == 0
    entry()
    assert seals.seal_pending() == 1
    first, second = AuditSeal.objects.order_by("pk")
    assert (first.previous_hash, second.previous_hash) == ("", first.hash)
    ids = list(AuditEntry.objects.order_by("pk").values_list("pk", flat=True))
    assert first.row_ids + second.row_ids == ids
    assert (first.last_id, second.last_id) == (ids[2], ids[3])
    assert verify() == []


def test_many_rows_are_sealed_in_batches(monkeypatch):
    monkeypatch.setattr(seals, "BATCH_SIZE", 2)
    for _ in range(5):
        entry()
    assert seals.seal_pending() == 5
    assert [len(seal.row_ids) for seal in AuditSeal.objects.order_by("pk")] == [2, 2, 1]
    assert verify() == []


def insert(pk, **values):
    """A row whose number was drawn earlier than the moment it commits."""
    row = AuditEntry(pk=pk, actor_name="系统", verb="登录失败", **{"at": timezone.now(), **values})
    AuditEntry.objects.bulk_create([row])


def test_a_row_that_commits_behind_the_last_sealed_one_is_sealed_too():
    insert(1000)
    assert seals.seal_pending() == 1
    insert(900)
    assert seals.seal_pending() == 1
    latest = AuditSeal.objects.order_by("pk").last()
    assert (latest.row_ids, latest.last_id) == ([900], 1000)
    assert seals.seal_pending() == 0
    assert verify() == []


def test_a_row_that_commits_too_far_behind_is_named_instead(monkeypatch):
    monkeypatch.setattr(seals, "LOOK_BACK_IDS", 50)
    insert(1000)
    seals.seal_pending()
    insert(900, at=timezone.now() - timedelta(days=1))
    assert seals.seal_pending() == 0
    (finding,) = verify()
    assert finding.startswith("审计记录 900 超过 1 小时未封存")


def test_the_chain_holds_after_rows_of_every_kind(company):
    token = current_ip_address.set("2001:db8::1")
    log_event(company.manager, "编辑", company.manager, 名称=("旧", "新“引号”\n换行 😀"))
    current_ip_address.reset(token)
    log_event(None, "登录失败", text="' OR 1=1 --")
    with pytest.raises(Refused):
        factories.opportunity(company.nobody)
    factories.won(company.colleague, company.supervisor, company.manager)
    assert seals.seal_pending() == AuditEntry.objects.count()
    assert verify() == []


@pytest.fixture
def three_sealed(monkeypatch):
    """Three rows, two in the first seal and one in the second."""
    monkeypatch.setattr(seals, "BATCH_SIZE", 2)
    rows = [entry(verb=verb, changes={"名称": ["旧", "新"]}) for verb in ("甲", "乙", "丙")]
    seals.seal_pending()
    return rows


CHANGES = {
    "verb": "丁",
    "actor_name": "别人",
    "actor_id": 7,
    "object_text": "别的",
    "object_id": 7,
    "content_type_id": 1,
    "changes": '{"名称": ["旧", "旧"]}',
    "address": "10.0.0.9",
    "at": "2020-01-01 00:00:00+00:00",
}


@pytest.mark.parametrize("column", CHANGES)
def test_a_changed_row_is_found_whatever_was_changed(three_sealed, column):
    first, second, _ = three_sealed
    tamper(f"UPDATE audit_auditentry SET {column} = %s WHERE id = %s", CHANGES[column], first.pk)
    seal = AuditSeal.objects.order_by("pk")[0]
    assert verify() == [f"封存 {seal.pk}：编号 {first.pk}–{second.pk} 的审计记录被改动过。"]


def test_a_missing_row_is_named(three_sealed):
    tamper("DELETE FROM audit_auditentry WHERE id = %s", three_sealed[2].pk)
    seal = AuditSeal.objects.order_by("pk")[1]
    assert verify() == [f"封存 {seal.pk}：审计记录 {three_sealed[2].pk} 已不存在。"]


def test_a_removed_seal_breaks_the_chain(three_sealed):
    tamper("DELETE FROM audit_auditseal WHERE id = %s", AuditSeal.objects.order_by("pk")[0].pk)
    (finding,) = verify()
    assert "被改动过" in finding


def test_a_row_taken_out_of_its_seal_is_found(three_sealed):
    seal = AuditSeal.objects.order_by("pk")[0]
    tamper("UPDATE audit_auditseal SET row_ids = %s WHERE id = %s", f"[{three_sealed[0].pk}]", seal.pk)
    assert f"封存 {seal.pk}：编号 {three_sealed[0].pk}–{three_sealed[0].pk} 的审计记录被改动过。" in verify()


def test_rows_unsealed_too_long_are_named_and_fresh_ones_are_not():
    entry()
    old = entry(at=timezone.now() - seals.MAX_UNSEALED - timedelta(seconds=1))
    (finding,) = verify()
    assert finding.startswith(f"审计记录 {old.pk} 超过 1 小时未封存")


def test_many_findings_are_counted_not_listed():
    for _ in range(12):
        entry(at=timezone.now() - timedelta(days=1))
    (finding,) = verify()
    assert "等 12 条" in finding


def test_the_command_says_so_and_fails_when_the_trail_was_touched(three_sealed, capsys):
    call_command("verify_audit")
    assert "审计记录完整" in capsys.readouterr().out
    tamper("UPDATE audit_auditentry SET verb = 'x' WHERE id = %s", three_sealed[0].pk)
    with pytest.raises(CommandError, match="被改动过"):
        call_command("verify_audit")


def test_a_trail_cut_off_at_its_end_is_known_by_a_seal_kept_elsewhere(three_sealed, capsys):
    """With the last seal gone too the rest is whole in itself: only who kept the seal's digest can tell."""
    last = AuditSeal.objects.latest("pk")
    call_command("verify_audit")
    assert f"最新封存的摘要：{last.hash}" in capsys.readouterr().out
    call_command("verify_audit", holds=last.hash)
    for pk in last.row_ids:
        tamper("DELETE FROM audit_auditentry WHERE id = %s", pk)
    tamper("DELETE FROM audit_auditseal WHERE id = %s", last.pk)
    call_command("verify_audit")
    with pytest.raises(CommandError, match="它以后的记录不见了"):
        call_command("verify_audit", holds=last.hash)
