"""A database that is busy, away or full: answered in words, with what was typed, and no process stuck."""

from __future__ import annotations

import errno
import threading
import time

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.db import OperationalError, connection, connections
from django.test import Client
from django.urls import reverse

from crm.outages import Outage, outage_behind
from crm.request_limits import LimitedRequests, Slots
from marketing.models import Opportunity
from tests import factories
from tests.html import text, texts, urls, values

NEW = {**factories.OPPORTUNITY, "summary": "想买两条生产线"}


def menu_addresses(page) -> list[str]:
    return sorted(set(urls(page, 'nav[aria-label="主导航"] a[href^="/"]')))


def failing(error: Exception):
    def fail(*args, **kwargs):
        raise error

    return fail


@pytest.mark.parametrize(
    ("error", "trouble"),
    [
        (OperationalError("database is locked"), Outage.BUSY),
        (OperationalError("server closed the connection unexpectedly"), Outage.BUSY),
        (OperationalError("database or disk is full"), Outage.FULL),
        (OSError(errno.ENOSPC, "No space left on device"), Outage.FULL),
        (OSError(errno.ENOENT, "No such file"), None),
        (ValueError("a fault of ours"), None),
    ],
)
def test_trouble_of_the_surroundings_is_told_from_faults_of_the_program(error, trouble):
    assert outage_behind(error) is trouble


def test_the_trouble_behind_a_broken_transaction_is_found():
    broken = RuntimeError("the transaction is broken")
    broken.__context__ = OperationalError("database or disk is full")
    assert outage_behind(broken) is Outage.FULL


@pytest.mark.parametrize(
    ("error", "status", "words"),
    [
        (OperationalError("database is locked"), 503, "系统正忙"),
        (OperationalError("database or disk is full"), 507, "磁盘已满"),
        (OSError(errno.ENOSPC, "No space left on device"), 507, "磁盘已满"),
    ],
)
def test_a_save_in_trouble_says_so_and_keeps_what_was_typed(error, status, words, company, sign_in, monkeypatch):
    monkeypatch.setattr(Opportunity, "save", failing(error))
    client = sign_in(company.manager)
    client.raise_request_exception = False
    page = client.post(reverse("marketing:opportunity_create"), NEW)
    assert page.status_code == status
    assert page["Retry-After"]
    assert words in text(page)
    assert values(page, "main form[method=post]")["summary"] == "想买两条生产线"
    assert "再提交一次" in texts(page, "main form[method=post] button")


def test_a_fault_of_the_program_stays_a_plain_500(company, sign_in, monkeypatch):
    monkeypatch.setattr(Opportunity, "save", failing(ValueError("ours")))
    client = sign_in(company.manager)
    client.raise_request_exception = False
    page = client.post(reverse("marketing:opportunity_create"), NEW)
    assert page.status_code == 500


def test_passwords_are_never_shown_again(company, sign_in, monkeypatch):
    client = sign_in(company.manager)
    client.raise_request_exception = False
    monkeypatch.setattr("accounts.models.User.check_password", failing(OperationalError("database is locked")))
    page = client.post(reverse("accounts:password"), {"old_password": "geheim-123", "new_password1": "neu-12345678"})
    assert page.status_code == 503
    assert "geheim-123" not in page.content.decode()


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("due", [("seen",), ("seen", "sign_in_seen")])
def test_every_page_of_the_menu_is_read_where_nothing_can_be_written(due, company, sign_in):
    """due: which notes of the visit a page wants to write, in the session alone or in the list of sessions too."""
    if connection.vendor != "sqlite":
        pytest.skip("a full disk stops PostgreSQL's writers, not its readers")
    client = sign_in(company.manager)
    addresses = menu_addresses(client.get("/"))
    assert len(addresses) > 5
    session = client.session
    session.update({"sign_in_seen": int(time.time()), **dict.fromkeys(due, int(time.time()) - 600)})
    session.save()
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA query_only = ON")
        try:
            found = {address: client.get(address).status_code for address in addresses}
        finally:
            cursor.execute("PRAGMA query_only = OFF")
    assert set(found.values()) == {200}, found


def test_a_file_that_could_not_be_written_to_its_end_leaves_nothing(settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path

    class Torn(ContentFile):
        def chunks(self, chunk_size=None):
            yield b"half"
            raise OSError(errno.ENOSPC, "No space left on device")

    with pytest.raises(OSError, match="No space"):
        default_storage.save("talks/half.txt", Torn(b"half and half"))
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


# One process


def asked(application, path: str) -> tuple[str, bytes]:
    """The status line and body that a path gets."""
    said = []
    answer = application({"PATH_INFO": path, "REQUEST_METHOD": "GET"}, lambda status, headers: said.append(status))
    body = b"".join(answer)
    getattr(answer, "close", lambda: None)()
    return said[0], body


def serving(inner, *, threads: int = 4, seconds: float = 0) -> LimitedRequests:
    return LimitedRequests(inner, threads=threads, seconds=seconds, busy_page=lambda: b"busy")


def test_when_all_threads_are_stuck_the_next_is_refused_and_healthz_answers(monkeypatch):
    monkeypatch.setattr("crm.request_limits.STUCK_SECONDS", 0.1)
    go_on = threading.Event()

    def stuck(environ, start_response):
        go_on.wait(10)
        start_response("200 OK", [])
        return [b"late"]

    application = serving(stuck)
    waiting = [threading.Thread(target=asked, args=(application, "/")) for _ in range(2)]
    for thread in waiting:
        thread.start()
    time.sleep(0.3)
    assert asked(application, "/customers/") == ("503 Service Unavailable", b"busy")
    assert asked(application, "/healthz") == ("200 OK", b"ok")
    go_on.set()
    for thread in waiting:
        thread.join()
    assert asked(application, "/") == ("200 OK", b"late")


def test_a_crowd_is_served_in_turn_however_old_one_request_of_it_is(monkeypatch):
    monkeypatch.setattr("crm.request_limits.STUCK_SECONDS", 0.4)
    monkeypatch.setattr("crm.request_limits.QUEUE_SECONDS", 0.2)
    go_on = threading.Event()

    def slow(environ, start_response):
        go_on.wait(10) if environ["PATH_INFO"] == "/slow/" else time.sleep(0.05)
        start_response("200 OK", [])
        return [b"done"]

    application, answers = serving(slow), []  # of its four threads two wait for the database
    first = threading.Thread(target=asked, args=(application, "/slow/"))
    crowd = [threading.Thread(target=lambda: answers.append(asked(application, "/")[0])) for _ in range(20)]
    for thread in (first, *crowd):
        thread.start()
    for thread in crowd:
        thread.join()
    go_on.set()
    first.join()
    assert answers == ["200 OK"] * 20


def test_a_slot_goes_to_who_waited_longest_and_not_to_a_newcomer():
    slots, order = Slots(1), []
    assert slots.take()

    def wait(name):
        assert slots.take()
        order.append(name)
        slots.give()

    threads = []
    for name in "abc":
        threads.append(threading.Thread(target=wait, args=(name,)))
        threads[-1].start()
        while len(slots.waiting) < len(threads):
            time.sleep(0.01)
    slots.give()
    for thread in threads:
        thread.join()
    assert (order, slots.free) == (["a", "b", "c"], 1)


def test_who_waits_for_a_slot_gives_up_when_nothing_moves(monkeypatch):
    monkeypatch.setattr("crm.request_limits.QUEUE_SECONDS", 0.2)
    slots = Slots(1)
    assert slots.take()
    assert not slots.take()
    slots.give()
    assert slots.take()


@pytest.mark.django_db
def test_a_crowd_on_slow_pages_moves_as_long_as_the_database_answers_them(monkeypatch):
    monkeypatch.setattr("crm.request_limits.STUCK_SECONDS", 0.4)
    monkeypatch.setattr("crm.request_limits.QUEUE_SECONDS", 0.2)

    def slow(environ, start_response):
        """A page of many statements: none of them is answered on /stuck/."""
        for _ in range(10):
            time.sleep(0.1)
            if environ["PATH_INFO"] != "/stuck/":
                with connection.cursor() as cursor:
                    cursor.execute("SELECT 1")
        connection.close() if threading.current_thread() is not threading.main_thread() else None
        start_response("200 OK", [])
        return [b"done"]

    for path, status in (("/", "200 OK"), ("/stuck/", "503 Service Unavailable")):
        application = serving(slow, threads=3)  # of its three threads one waits for the database
        first = threading.Thread(target=asked, args=(application, path))
        first.start()
        time.sleep(0.05)
        assert asked(application, path)[0] == status
        first.join()


def test_a_failing_application_gives_its_slot_back():
    application = serving(failing(ValueError("ours")), threads=3)
    for _ in range(5):
        with pytest.raises(ValueError, match="ours"):
            asked(application, "/")
    assert application.running.requests == {}


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_a_request_that_the_database_never_answers_is_cut_off():
    def sleeping(environ, start_response):
        try:
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_sleep(3)")
        except OperationalError:
            start_response("503 Service Unavailable", [])
            return [b"cut"]
        finally:
            connection.close()
        start_response("200 OK", [])
        return [b"slept"]

    started = time.monotonic()
    assert asked(serving(sleeping, seconds=0.5), "/") == ("503 Service Unavailable", b"cut")
    assert time.monotonic() - started < 2.5
    with connections["default"].cursor() as cursor:
        cursor.execute("SELECT 1")


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_control_without_a_limit_it_waits():
    def sleeping(environ, start_response):
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_sleep(2)")
        start_response("200 OK", [])
        return [b"slept"]

    assert asked(serving(sleeping, seconds=0), "/")[1] == b"slept"


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_a_row_held_elsewhere_is_answered_and_the_text_kept(company, monkeypatch):
    """The page's own limit, set on the connection as crm/settings.py does for web processes."""
    opportunity = factories.opportunity(company.manager)
    client = Client(raise_request_exception=False)
    client.force_login(company.manager)
    held, go_on = threading.Event(), threading.Event()

    def hold():
        from django.db import transaction

        with transaction.atomic():
            Opportunity.objects.select_for_update().get(pk=opportunity.pk)
            held.set()
            go_on.wait(20)
        connection.close()

    holder = threading.Thread(target=hold)
    holder.start()
    try:
        assert held.wait(10)
        with connection.cursor() as cursor:
            cursor.execute("SET lock_timeout = '200ms'")
        address = reverse("marketing:opportunity_update", args=[opportunity.pk])
        page = client.post(address, {**NEW, "summary": "改过的概要"})
    finally:
        go_on.set()
        holder.join()
        with connection.cursor() as cursor:
            cursor.execute("RESET lock_timeout")
    assert page.status_code == 503
    assert values(page, "main form[method=post]")["summary"] == "改过的概要"
