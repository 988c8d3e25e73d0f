"""The trail cannot be argued with: rewriting it under the pretext of an erasure is refused, or told."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import DatabaseError, connection, transaction
from django.utils import timezone

from kit.audit import seals
from kit.audit.erasure_events import REGISTERED
from kit.audit.log import log_event
from kit.audit.models import AuditEntry, AuditRedaction
from kit.audit.retention import prune_expired
from kit.audit.verification import ERASURE_VERB, verify
from tests.kit.audit_rows import GONE, erase, named, raw, tamper

pytestmark = pytest.mark.django_db


def pretext(entry, object_text, changes) -> AuditRedaction:
    """What an erasure writes beside the trail, made up by hand; nothing registers it."""
    event = log_event(None, ERASURE_VERB, text="联系人 7")
    words = {"object_text": entry.object_text, "changes": entry.changes}
    after = {"object_text": object_text, "changes": changes}
    return AuditRedaction.objects.create(
        entry_id=entry.pk,
        digest=seals.hash_personal_texts(words, entry.salt),
        after=seals.hash_personal_texts(after, ""),
        at=event.at,
        deed_id=event.pk,
    )


def test_an_erasure_registers_itself_in_the_chain():
    row = named()
    seals.seal_pending()
    erase(row)
    seals.seal_pending()
    event = AuditEntry.objects.get(verb=REGISTERED)
    assert event.changes["首条"] == ["", str(AuditRedaction.objects.get().pk)]
    assert verify() == []


def test_words_rewritten_under_the_pretext_of_an_erasure_are_told():
    """Control: without the register the chain would hold, for every digest fits."""
    row = named()
    seals.seal_pending()
    made_up = pretext(row, "别人", {"手机": ["13800000000", "13900000000"]})
    statement = "UPDATE audit_auditentry SET object_text = %s, changes = %s, salt = %s WHERE id = %s"
    tamper(statement, "别人", '{"手机": ["13800000000", "13900000000"]}', f"redaction:{made_up.pk}", row.pk)
    seals.seal_pending()
    assert verify() == [f"审计记录 {row.pk} 的内容被抹去，却没有登记。"]


def test_a_redaction_changed_or_slipped_in_later_no_longer_fits_its_registration():
    row, other = named(), named()
    erase(row, other)
    seals.seal_pending()
    tamper("DELETE FROM audit_auditredaction WHERE entry_id = %s", other.pk)
    assert any("登记的抹去与现有的不符" in finding for finding in verify())


def test_an_erasure_whose_registration_expired_is_no_finding(monkeypatch, settings):
    long_ago = timezone.now() - timedelta(days=730)
    monkeypatch.setattr("kit.audit.log.timezone.now", lambda: long_ago)
    row = named(at=long_ago)
    tamper("SELECT 1")  # PostgreSQL takes an erasure only within the hour
    erase(row)
    monkeypatch.undo()
    seals.seal_pending()
    settings.CRM_AUDIT_KEEP_MONTHS = 12
    prune_expired()
    seals.seal_pending()
    assert not AuditEntry.objects.filter(verb=REGISTERED).exists()
    assert verify() == []


@pytest.mark.postgres
@pytest.mark.parametrize(
    ("object_text", "changes"),
    [
        ("别人", {"手机": ["13812341234", "13900000000"], "客户": ["", "海河"]}),
        ("高峰", {"手机": ["13812341234", "1"], "客户": ["", "海河"]}),
        ("高峰", {"手机": [GONE, GONE]}),
        ("高峰", {"手机": [GONE, GONE], "客户": ["", "海河"], "新的": ["", "x"]}),
        (f"{GONE}与别人", {"手机": [GONE, GONE], "客户": ["", "海河"]}),
        ("高峰", {"手机": [GONE], "客户": ["", "海河"]}),
    ],
)
def test_postgresql_refuses_words_that_no_erasure_leaves(object_text, changes):
    row = named()
    made_up = pretext(row, object_text, changes)
    with pytest.raises(DatabaseError, match="只能追加"), transaction.atomic():
        raw(
            "UPDATE audit_auditentry SET object_text = %s, changes = %s, salt = %s WHERE id = %s",
            object_text, connection.ops.adapt_json_value(changes, None), f"redaction:{made_up.pk}", row.pk,
        )  # fmt: skip


@pytest.mark.postgres
def test_postgresql_refuses_an_erasure_whose_deed_is_old_or_none():
    row = named()
    made_up = pretext(row, GONE, row.changes)
    other = named()
    with pytest.raises(DatabaseError, match="只能追加"), transaction.atomic():
        raw("UPDATE audit_auditentry SET object_text = %s, salt = %s WHERE id = %s", GONE, f"redaction:{made_up.pk}",
            other.pk)  # fmt: skip


@pytest.mark.postgres
def test_control_postgresql_takes_the_words_an_erasure_leaves():
    row = named()
    made_up = pretext(row, GONE, row.changes)
    raw(
        "UPDATE audit_auditentry SET object_text = %s, salt = %s WHERE id = %s", GONE, f"redaction:{made_up.pk}", row.pk
    )
    assert AuditEntry.objects.get(pk=row.pk).object_text == GONE
