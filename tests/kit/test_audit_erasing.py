"""What may leave the trail, and how: whole seals whose time is over, and personal texts with a record of it."""

from __future__ import annotations

import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta

import pytest
from django.core.management import call_command
from django.db import DatabaseError, models, transaction
from django.utils import timezone

from kit.audit import redaction, retention, seals
from kit.audit.log import log_event
from kit.audit.models import AuditEntry, AuditPruning, AuditRedaction, AuditSeal
from kit.audit.retention import cut_off, prune_expired
from kit.audit.verification import ERASURE_VERB, IdRanges, describe_removals, verify
from kit.domain.verdict import Refused
from tests import factories
from tests.kit.audit_rows import GONE, POSTGRES, entry, erase, named, raw, tamper

pytestmark = pytest.mark.django_db


def old_seal(*entries):
    """A seal of the old form, over whole rows."""
    last = AuditSeal.objects.order_by("-id").first()
    previous = last.hash if last else ""
    rows = list(AuditEntry.objects.filter(pk__in=[one.pk for one in entries]).order_by("pk").values())
    ids = [row["id"] for row in rows]
    return AuditSeal.objects.create(
        at=timezone.now(),
        previous_hash=previous,
        row_ids=ids,
        last_id=ids[-1],
        form=seals.WHOLE_ROWS,
        hash=seals.hash_batch(previous, rows, seals.WHOLE_ROWS),
    )


# Erasing


def test_erased_words_are_gone_everything_else_stays_and_the_chain_holds():
    row, other = named(), named()
    seals.seal_pending()
    hashes = list(AuditSeal.objects.values_list("hash", flat=True))
    before = AuditEntry.objects.filter(pk=row.pk).values().get()
    erase(row)
    after = AuditEntry.objects.filter(pk=row.pk).values().get()
    assert (after["object_text"], after["changes"]) == (GONE, {"手机": [GONE, GONE], "客户": ["", "海河"]})
    assert {name for name in after if after[name] != before[name]} == {"object_text", "changes", "salt"}
    assert AuditEntry.objects.get(pk=row.pk).is_redacted
    assert not AuditEntry.objects.get(pk=other.pk).is_redacted
    seals.seal_pending()
    assert list(AuditSeal.objects.order_by("pk").values_list("hash", flat=True))[: len(hashes)] == hashes
    assert verify() == []
    assert describe_removals() == ["1 条的个人信息已按要求抹去，每条都有依据。"]


def test_nothing_that_is_kept_lets_the_old_words_be_guessed():
    """The digest is over a salt that is gone: hashing every possible number finds nothing."""
    row = named()
    seals.seal_pending()
    erase(row)
    kept = AuditRedaction.objects.get()
    words = {"object_text": "高峰", "changes": row.changes}
    assert kept.digest != seals.hash_personal_texts(words, "")
    assert row.salt not in str(list(AuditEntry.objects.values())) + str(list(AuditRedaction.objects.values()))
    assert kept.digest == seals.hash_personal_texts(words, row.salt)  # control: with the salt it would


def test_a_row_erased_before_it_was_sealed_and_one_erased_twice_hold_too():
    row = named()
    erase(row)
    assert seals.seal_pending() == 3  # with the event and its registration
    erase(AuditEntry.objects.get(pk=row.pk))
    seals.seal_pending()
    assert AuditRedaction.objects.filter(entry_id=row.pk).count() == 2
    assert verify() == []


def test_words_put_in_after_the_erasure_are_found():
    row = named()
    seals.seal_pending()
    erase(row)
    tamper("UPDATE audit_auditentry SET object_text = %s WHERE id = %s", "别的话", row.pk)
    assert any("被改动过" in finding for finding in verify())


def test_another_column_of_an_erased_row_is_still_watched():
    row = named()
    seals.seal_pending()
    erase(row)
    tamper("UPDATE audit_auditentry SET actor_name = %s WHERE id = %s", "别人", row.pk)
    assert any("被改动过" in finding for finding in verify())


def test_an_erasure_without_its_deed_is_named():
    row = named()
    seals.seal_pending()
    tamper("SELECT 1")  # PostgreSQL would refuse it
    erase(row, verb="编辑")
    (finding,) = verify()
    assert finding == f"审计记录 {row.pk} 的内容被抹去，却没有说明依据的审计记录。"


def test_a_seal_of_the_old_form_is_proved_and_sealed_again_before_its_words_go():
    rows = [named() for _ in range(3)]
    seal = old_seal(*rows)
    assert verify() == []
    erase(rows[1])
    erase(rows[2])
    again = AuditSeal.objects.get(form=seals.SPLIT_ROWS)
    assert again.row_ids == seal.row_ids
    seals.seal_pending()
    assert verify() == []
    tamper("UPDATE audit_auditentry SET verb = %s WHERE id = %s", "别的", rows[0].pk)
    assert len(verify()) >= 1


def test_words_under_an_old_seal_that_does_not_hold_stay():
    rows = [named() for _ in range(2)]
    old_seal(*rows)
    tamper("UPDATE audit_auditentry SET verb = %s WHERE id = %s", "别的", rows[0].pk)
    with pytest.raises(Refused, match="核对不通过"):
        erase(rows[1])
    assert AuditEntry.objects.get(pk=rows[1].pk).object_text == "高峰"


def test_an_old_seal_over_erased_rows_that_nothing_covers_is_found(monkeypatch):
    rows = [named() for _ in range(2)]
    seal = old_seal(*rows)
    monkeypatch.setattr(redaction, "_reseal", lambda seal: None)
    erase(rows[1])
    assert any(f"封存 {seal.pk}" in finding for finding in verify())


def test_rows_made_inside_the_database_have_a_salt_each(company):
    for number in range(3):
        factories.silent_customer(company.manager, name=f"静默客户{number}")
    factories.scan_churn()
    salts = list(AuditEntry.objects.filter(verb="流失预警").values_list("salt", flat=True))
    assert len(set(salts)) == len(salts) == 3
    assert {len(salt) for salt in salts} == {32}


needs_trigger = pytest.mark.skipif(not POSTGRES, reason="the trigger is PostgreSQL's")


@pytest.mark.postgres
@needs_trigger
@pytest.mark.parametrize(
    "change",
    ["object_text = 'x'", "object_text = 'x', salt = 'redaction:0'", "verb = 'x', salt = 'redaction:{}'"],
)
def test_postgresql_lets_words_go_only_with_their_record(change):
    row, statement = named(), "UPDATE audit_auditentry SET {} WHERE id = %s"
    event = log_event(None, ERASURE_VERB, text="联系人 7")
    kept = AuditRedaction.objects.create(entry_id=row.pk, digest="d", after="a", at=timezone.now(), deed_id=event.pk)
    with pytest.raises(DatabaseError, match="只能追加"), transaction.atomic():
        raw(statement.format(change.format(kept.pk)), row.pk)
    raw(statement.format(f"object_text = '{GONE}', salt = 'redaction:{kept.pk}'"), row.pk)  # control


@pytest.mark.postgres
@needs_trigger
@pytest.mark.parametrize("table", ["audit_auditpruning", "audit_auditredaction"])
def test_postgresql_keeps_the_records_of_what_went(table, old_rows, settings):
    settings.CRM_AUDIT_KEEP_MONTHS = 12
    prune_expired()
    erase(named())
    for statement in (f"DELETE FROM {table}", f"UPDATE {table} SET at = now()"):
        with pytest.raises(DatabaseError, match="只能追加"), transaction.atomic():
            raw(statement)


# Expiring


@pytest.fixture
def old_rows(monkeypatch):
    """Five rows of two years ago in three seals, and one of today in a fourth."""
    monkeypatch.setattr(seals, "BATCH_SIZE", 2)
    long_ago = timezone.now() - timedelta(days=730)
    rows = [entry(at=long_ago + timedelta(hours=n)) for n in range(5)]
    seals.seal_pending()
    rows.append(entry())
    seals.seal_pending()
    return rows


def test_rows_past_their_time_go_with_their_seal_and_the_chain_holds(old_rows, settings):
    settings.CRM_AUDIT_KEEP_MONTHS = 12
    assert prune_expired() == "清理了 5 条"
    left = AuditEntry.objects.order_by("pk")
    assert [row.verb for row in left] == ["登录失败", "清理审计记录"]
    assert left.last().changes["条数"] == ["", "5"]
    assert AuditSeal.objects.count() == 4
    assert AuditPruning.objects.count() == 3
    seals.seal_pending()
    assert verify() == []
    assert "5 条已按保存期限清理" in describe_removals()[0]
    assert prune_expired() == "清理了 0 条"


def test_without_the_setting_nothing_goes(old_rows, settings):
    settings.CRM_AUDIT_KEEP_MONTHS = 0
    prune_expired()
    assert AuditEntry.objects.count() == 6


def test_a_seal_with_one_young_row_stays_whole(settings):
    settings.CRM_AUDIT_KEEP_MONTHS = 12
    entry(at=timezone.now() - timedelta(days=730))
    entry(at=timezone.now() - timedelta(days=330))
    seals.seal_pending()
    assert prune_expired() == "清理了 0 条"
    assert AuditEntry.objects.count() == 2


def test_a_seal_that_does_not_hold_is_evidence_and_stays(old_rows, settings):
    settings.CRM_AUDIT_KEEP_MONTHS = 12
    tamper("UPDATE audit_auditentry SET verb = %s WHERE id = %s", "别的", old_rows[0].pk)
    assert prune_expired() == "清理了 0 条"
    assert AuditEntry.objects.count() == 6


def test_rows_somebody_took_are_not_called_expired(old_rows, settings):
    settings.CRM_AUDIT_KEEP_MONTHS = 12
    for row in old_rows[:2]:
        tamper("DELETE FROM audit_auditentry WHERE id = %s", row.pk)
    assert prune_expired() == "清理了 0 条"
    assert any("已不存在" in finding for finding in verify())


def test_rows_that_went_without_their_time_being_over_are_found(old_rows, settings):
    settings.CRM_AUDIT_KEEP_MONTHS = 12
    prune_expired()
    tamper("DELETE FROM audit_auditentry WHERE id = %s", old_rows[5].pk)
    assert any(f"{old_rows[5].pk} 已不存在" in finding for finding in verify())


def test_a_young_seal_called_expired_is_found(old_rows):
    seal = AuditSeal.objects.order_by("-pk").first()
    AuditPruning.objects.create(seal=seal, at=timezone.now(), count=1, newest=timezone.now())
    assert f"封存 {seal.pk}：记录未满六个月就被清理。" in verify()


def test_the_words_of_pruned_rows_sealed_twice_do_not_disturb(settings):
    settings.CRM_AUDIT_KEEP_MONTHS = 12
    rows = [named(at=timezone.now() - timedelta(days=730)) for _ in range(2)]
    old_seal(*rows)
    erase(rows[0])
    seals.seal_pending()
    assert verify() == []
    prune_expired()
    assert AuditEntry.objects.filter(object_text="高峰").count() == 0
    seals.seal_pending()
    assert verify() == []


def test_pruning_goes_on_with_the_next_run(old_rows, settings, monkeypatch):
    settings.CRM_AUDIT_KEEP_MONTHS = 12
    monkeypatch.setattr(retention, "SEALS_PER_RUN", 1)
    assert [prune_expired() for _ in range(4)] == ["清理了 2 条", "清理了 2 条", "清理了 1 条", "清理了 0 条"]


@pytest.mark.postgres
@needs_trigger
def test_postgresql_refuses_rows_younger_than_six_months_and_rows_of_another_seal(old_rows):
    first, *_, last = AuditSeal.objects.order_by("pk")
    AuditPruning.objects.create(seal=last, at=timezone.now(), count=1, newest=timezone.now())
    for row in (old_rows[5], old_rows[0]):  # young; old, but of a seal that is not being pruned
        plain = models.QuerySet(AuditEntry).filter(pk=row.pk)
        with pytest.raises(DatabaseError, match="只能追加"), transaction.atomic():
            plain._raw_delete(plain.db)
    AuditPruning.objects.create(seal=first, at=timezone.now(), count=2, newest=old_rows[1].at)
    plain = models.QuerySet(AuditEntry).filter(pk=old_rows[0].pk)
    assert plain._raw_delete(plain.db) == 1  # control


@pytest.mark.parametrize(
    ("today", "months", "day"),
    [("2026-08-31", 6, "2026-02-28"), ("2026-01-15", 12, "2025-01-15"), ("2026-03-31", 13, "2025-02-28")],
)
def test_months_are_calendar_months(monkeypatch, today, months, day):
    monkeypatch.setattr(retention.timezone, "localtime", lambda: datetime.fromisoformat(today).replace(tzinfo=UTC))
    assert f"{cut_off(months):%Y-%m-%d}" == day


@pytest.mark.parametrize(("months", "starts"), [("5", False), ("-1", False), ("6", True), ("0", True)])
def test_less_than_six_months_is_no_setting(months, starts):
    code = "from django.conf import settings; settings.DEBUG"
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "DJANGO_SETTINGS_MODULE": "crm.settings", "CRM_AUDIT_KEEP_MONTHS": months},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode == 0) is starts
    assert ("至少为 6" in done.stderr) is not starts


def test_the_command_says_what_is_rightly_gone(old_rows, settings, capsys):
    settings.CRM_AUDIT_KEEP_MONTHS = 12
    prune_expired()
    call_command("verify_audit")
    assert "已按保存期限清理" in capsys.readouterr().out


def test_ids_kept_as_ranges():
    ranges = IdRanges()
    ranges.add([5, 6, 7])
    ranges.add([1, 2])
    assert [pk for pk in range(10) if pk in ranges] == [1, 2, 5, 6, 7]
    ranges.add([3, 4, 9])
    assert [pk for pk in range(11) if pk in ranges] == [1, 2, 3, 4, 5, 6, 7, 9]
    assert len(ranges.pairs) == 2
