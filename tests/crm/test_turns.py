"""SQLite has one writer: a page that is read waits for nobody, and long work lets all others write in between."""

from __future__ import annotations

import sqlite3
import threading
import time
from contextlib import closing, contextmanager, suppress
from datetime import date, timedelta

import pytest
from django.db import OperationalError, connection, transaction
from django.utils import timezone

from accounts.models import UserSession
from basedata.models import NumberSequence
from kit.audit import seals
from kit.audit.log import log_event
from kit.audit.models import AuditEntry, AuditSeal
from kit.sql import turns
from kit.sql.turns import in_turn, without_waiting

pytestmark = pytest.mark.skipif(connection.vendor != "sqlite", reason="PostgreSQL has many writers")
SOON = 1.0  # seconds: far below the four for which a page waits for another writer


@contextmanager
def another_writer(name):
    """Somebody else who writes, until the end of the block."""
    with closing(sqlite3.connect(name, isolation_level=None, check_same_thread=False)) as other:
        other.execute("BEGIN IMMEDIATE")
        yield other
        if other.in_transaction:
            other.execute("ROLLBACK")


@pytest.fixture
def database(apart):
    """The name of the file on which the connection stands; opened, so that it is written ahead as always."""
    connection.ensure_connection()
    return apart


@pytest.fixture
def signed_in(database, company, sign_in, settings):
    settings.CRM_LOCK_SECONDS = 4
    turns.set_patience(4)  # as web processes have it
    return sign_in(company.manager)


def write(prefix):
    NumberSequence.objects.create(prefix=prefix, day=date(2026, 1, 5))


def grow_old(client, **seconds):
    """Put the notes of the visit back, so that the next page writes them again."""
    session = client.session
    session.update({name: int(time.time()) - ago for name, ago in seconds.items()})
    session.save()
    UserSession.objects.update(seen_at=timezone.now() - timedelta(hours=1))
    return dict(session.items())


def test_a_page_is_read_at_once_while_somebody_writes_and_its_visit_is_noted_by_the_next(database, signed_in):
    signed_in.get("/help/")
    before = grow_old(signed_in, seen=600, sign_in_seen=600)
    with another_writer(database):
        began = time.monotonic()
        assert signed_in.get("/help/").status_code == 200
        assert time.monotonic() - began < SOON
    assert dict(signed_in.session.items()) == before
    assert signed_in.get("/help/").status_code == 200
    after = dict(signed_in.session.items())
    assert after["seen"] > before["seen"]
    assert after["sign_in_seen"] > before["sign_in_seen"]
    assert timezone.now() - UserSession.objects.get().seen_at < timedelta(minutes=1)


def test_control_what_a_session_has_to_keep_is_waited_for(database, signed_in):
    """A page that changes the session for good: its save comes when the other writer is done."""
    session = signed_in.session
    session["kept"] = "for good"
    with another_writer(database) as other:
        threading.Timer(1.5, other.execute, ["ROLLBACK"]).start()
        began = time.monotonic()
        session.save()
        assert time.monotonic() - began > SOON
    assert signed_in.session["kept"] == "for good"


def test_a_sign_in_ends_in_time_although_no_visit_could_be_noted(database, signed_in, settings):
    idle = settings.CRM_SESSION_IDLE_MINUTES * 60
    grow_old(signed_in, seen=idle - 5)
    with another_writer(database):
        assert signed_in.get("/help/").status_code == 200
    grow_old(signed_in, seen=idle)
    assert signed_in.get("/help/").status_code == 302
    assert not signed_in.session.keys()


def test_what_is_tried_once_fails_at_once_and_the_next_waits_again(database, settings):
    with another_writer(database):
        began = time.monotonic()
        with pytest.raises(OperationalError, match="locked"), without_waiting():
            write("T1")
        assert time.monotonic() - began < SOON
    (patience,) = connection.connection.execute("PRAGMA busy_timeout").fetchone()
    assert patience == settings.CRM_LOCK_SECONDS * 1000


def test_long_work_waits_for_who_writes_and_pauses_as_long_as_it_held_the_database(database, monkeypatch):
    pauses, other = [], sqlite3.connect(database, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")

    def let_in(seconds):
        pauses.append((seconds, connection.in_atomic_block))
        if other.in_transaction:
            other.execute("COMMIT")

    monkeypatch.setattr(turns.time, "sleep", let_in)
    with in_turn():
        write("T2")
        until = time.monotonic() + 0.3
        while time.monotonic() < until:
            pass
    other.close()
    (asked, _), (rested, inside) = pauses
    assert (asked, inside) == (turns.PAUSE, False)
    assert rested >= 0.3
    assert NumberSequence.objects.filter(prefix="T2").exists()


def test_long_work_gives_up_after_its_time_and_what_fails_is_not_there(database, monkeypatch, settings):
    settings.CRM_LOCK_SECONDS = 0
    with another_writer(database), pytest.raises(OperationalError, match="locked"), in_turn():
        pytest.fail("began beside another writer")
    with suppress(ValueError), in_turn():
        write("T3")
        raise ValueError
    assert not NumberSequence.objects.filter(prefix="T3").exists()


def test_inside_a_transaction_nobody_is_waited_for(database, monkeypatch):
    monkeypatch.setattr(turns.time, "sleep", lambda seconds: pytest.fail("paused"))
    with transaction.atomic(), in_turn():
        write("T4")
    assert NumberSequence.objects.filter(prefix="T4").exists()


def test_others_write_between_the_batches_of_a_long_sealing(database, company, monkeypatch):
    monkeypatch.setattr(seals, "BATCH_SIZE", 3)
    for number in range(8):
        log_event(company.manager, "编辑", company.manager, 次数=number)
    pauses = []

    def write_too(seconds):
        with closing(sqlite3.connect(database, timeout=0)) as other, other:
            other.execute("UPDATE basedata_numbersequence SET prefix = prefix")
        pauses.append(seconds)

    monkeypatch.setattr(turns.time, "sleep", write_too)
    count = AuditEntry.objects.count()
    assert seals.seal_pending() == count
    assert len(pauses) == AuditSeal.objects.count() == -(-count // 3)
