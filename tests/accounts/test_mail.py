"""Notifications by e-mail: who gets them, what they hold, servers that are down or say no, and never two copies."""

from __future__ import annotations

import re
from datetime import timedelta
from smtplib import SMTPConnectError, SMTPDataError, SMTPRecipientsRefused, SMTPServerDisconnected

import pytest
from django.conf import settings as project
from django.core.exceptions import ImproperlyConfigured
from django.db import transaction
from django.utils import timezone

from accounts.models import Notification, User, notify, notify_many
from accounts.notifications import mail
from kit.audit.models import AuditEntry
from kit.domain.verdict import Refused
from tests import factories
from tests.accounts.mail_server import start_server
from tests.html import text

pytestmark = pytest.mark.django_db
Mail = Notification.Mail


@pytest.fixture(autouse=True)
def server(settings):
    return start_server(settings)


@pytest.fixture
def reader(company):
    User.objects.filter(pk=company.manager.pk).update(email="zhou@example.com")
    return factories.fresh(company.manager)


@pytest.fixture
def opportunity(company):
    return factories.assigned(company.manager, company.supervisor, company.manager)


def row(**values):
    return Notification.objects.get(**values)


def later(minutes):
    """As if so many minutes had passed for everything in the queue."""
    for each in Notification.objects.exclude(mail=""):
        Notification.objects.filter(pk=each.pk).update(
            mail_at=each.mail_at - timedelta(minutes=minutes), created_at=each.created_at - timedelta(minutes=minutes)
        )


# Who gets one, and what it holds


def test_a_notification_goes_out_with_its_text_and_a_link_and_nothing_else(reader, opportunity, server):
    Notification.objects.all().delete()
    notify(reader, "林主管 将机会「二期改造」指派给您", opportunity, kind="opportunity")
    assert server.sent == []
    assert mail.send_queued() == "发送 1 封"
    (message,) = server.sent
    assert message.to == ["zhou@example.com"]
    assert message.subject == "【客户关系管理】销售机会"
    assert "周经理，您好" in message.body
    assert "林主管 将机会「二期改造」指派给您" in message.body
    assert f"https://crm.example.com{opportunity.get_absolute_url()}" in message.body
    for secret in (opportunity.customer_name, opportunity.contact_name, opportunity.contact_phone):
        assert secret not in message.body
    assert message.content_subtype == "plain"
    assert message.attachments == []
    sent = row()
    assert (sent.mail, sent.mail_attempts, sent.mail_error, sent.read_at) == (Mail.SENT, 1, "", None)
    assert mail.send_queued() == "没有待发送的邮件"
    assert len(server.sent) == 1


def test_what_is_about_no_record_leads_to_the_notifications(reader, server):
    notify(reader, "流失扫描新增 3 个预警", kind="churn")
    mail.send_queued()
    assert "https://crm.example.com/notifications/" in server.sent[0].body


@pytest.mark.parametrize(
    "who",
    [{"email": ""}, {"email_notifications": False}, {"is_active": False}],
    ids=["no address", "switched off", "gone"],
)
def test_who_wants_none_gets_none_but_reads_it_in_the_product(reader, server, who):
    User.objects.filter(pk=reader.pk).update(**who)
    notify_many([Notification.about(None, reader.pk, "x", "other")])
    assert row().mail == Mail.NONE
    assert mail.send_queued() == "没有待发送的邮件"


def test_a_company_without_a_mail_server_queues_nothing(reader, server, settings):
    settings.CRM_EMAIL_URL = ""
    notify(reader, "x")
    assert row().mail == Mail.NONE
    mail.send_queued()
    assert server.connections == 0


def test_the_mail_is_queued_with_the_change_or_not_at_all(reader):
    with transaction.atomic():
        notify(reader, "x")
        transaction.set_rollback(True)
    assert not Notification.objects.exists()


def test_a_person_switches_their_mails_off_and_on_again(reader, server, sign_in, settings):
    client = sign_in(reader)
    notify(reader, "一")
    page = client.get("/notifications/").content.decode()
    assert "新通知同时发到 zhou@example.com" in page
    answer = client.post("/notifications/mail/", {"on": "0"}, follow=True).content.decode()
    assert "您已关闭邮件" in answer
    assert AuditEntry.objects.latest("pk").changes == {"接收邮件通知": ["是", "否"]}
    notify(reader, "二")
    mail.send_queued()
    assert server.sent == [], "what waited already does not go out either"
    client.post("/notifications/mail/", {"on": "1"})
    notify(reader, "三")
    mail.send_queued()
    assert len(server.sent) == 1
    settings.CRM_EMAIL_URL = ""
    assert "zhou@example.com" not in client.get("/notifications/").content.decode()


# Asked again at the last moment


def gone(reader, opportunity):
    User.objects.filter(pk=reader.pk).update(is_active=False)


def no_more(reader, opportunity):
    User.objects.filter(pk=reader.pk).update(email_notifications=False)


def read(reader, opportunity):
    row().mark_read()


def moved(reader, opportunity):
    """The record is in nobody's view that the reader shares."""
    reader.groups.clear()


def deleted(reader, opportunity):
    type(opportunity).objects.filter(pk=opportunity.pk).delete()


@pytest.mark.parametrize("change", [gone, no_more, read, moved, deleted])
def test_nothing_is_sent_that_the_reader_may_not_see_or_does_not_want_any_more(reader, opportunity, server, change):
    Notification.objects.all().delete()
    notify(reader, f"机会「{opportunity.summary}」", opportunity)
    change(reader, opportunity)
    assert mail.send_queued() == "发送 0 封"
    assert server.sent == []
    assert row().mail == Mail.DROPPED


def test_a_record_out_of_view_is_not_told_of_though_it_was_queued(company, reader, server):
    other = factories.assigned(company.stranger, company.outsider, company.stranger)
    notify(reader, f"机会「{other.summary}」", other)
    mail.send_queued()
    assert [(message.to, message.body) for message in server.sent] == []
    assert row(recipient=reader).mail == Mail.DROPPED


# The server is down


def test_while_the_server_is_down_everything_waits_longer_and_longer_and_then_goes_out_once(reader, server):
    notify(reader, "一")
    notify(reader, "二")
    server.down = ConnectionRefusedError("refused")
    waits = []
    for _ in range(8):
        assert mail.send_queued() == "邮件服务器无法连接，推迟 2 封"
        first = Notification.objects.order_by("pk").first()
        waits.append(round((first.mail_at - timezone.now()).total_seconds() / 60))
        assert (first.mail, "refused" in first.mail_error) == (Mail.QUEUED, True)
        assert mail.send_queued() == "没有待发送的邮件", "nothing is due before its time"
        later(waits[-1])
    assert waits == [1, 2, 4, 8, 16, 32, 60, 60]
    server.down = None
    assert mail.send_queued() == "发送 2 封"
    assert [re.search("[一二]", message.body)[0] for message in server.sent] == ["一", "二"]
    assert {each.mail for each in Notification.objects.all()} == {Mail.SENT}


def test_after_a_day_it_is_given_up_and_an_administrator_sees_it(company, reader, server, sign_in):
    notify(reader, "机会「机密」")
    server.down = SMTPConnectError(421, b"busy")
    mail.send_queued()
    later(24 * 60 + 1)
    mail.send_queued()
    assert row().mail == Mail.FAILED
    page = text(sign_in(company.administrator).get("/jobs/"))
    assert "发送失败 1 封" in page
    assert "一天内没有发出：邮件服务器无法连接" in page
    assert "周经理" in page
    assert "机密" not in page, "an administrator reads whom and why, not what"
    assert "邮件通知" not in sign_in(company.supervisor).get("/jobs/").content.decode()


@pytest.mark.parametrize(
    ("answer", "state", "words"),
    [
        (SMTPRecipientsRefused({"zhou@example.com": (550, b"no such user")}), Mail.FAILED, "550 no such user"),
        (SMTPRecipientsRefused({"zhou@example.com": (450, b"try later")}), Mail.QUEUED, "450 try later"),
        (SMTPDataError(554, b"spam"), Mail.FAILED, "554 spam"),
        (SMTPDataError(451, b"greylisted"), Mail.QUEUED, "451 greylisted"),
        (SMTPServerDisconnected("gone"), Mail.FAILED, "为避免重复"),
        (TimeoutError("slow"), Mail.FAILED, "为避免重复"),
    ],
)
def test_what_the_server_answers_decides(reader, server, answer, state, words):
    notify(reader, "一")
    server.answers = [answer]
    mail.send_queued()
    first = row()
    assert (first.mail, words in first.mail_error) == (state, True)
    later(1)
    mail.send_queued()
    assert len(server.sent) == (state == Mail.QUEUED)


def test_a_broken_connection_leaves_the_rest_in_the_queue(reader, server):
    for word in "一二三":
        notify(reader, word)
    server.answers = [None, SMTPServerDisconnected("gone")]
    assert mail.send_queued() == "发送 1 封"
    assert [each.mail for each in Notification.objects.order_by("pk")] == [Mail.SENT, Mail.FAILED, Mail.QUEUED]
    assert mail.send_queued() == "发送 1 封"
    assert len(server.sent) == 2


# Never twice


def test_a_second_sender_at_the_same_time_sends_nothing(reader, server):
    notify(reader, "一")
    notify(reader, "二")

    def second():
        server.meanwhile = None
        mail.send_queued()

    server.meanwhile = second  # while the first is being sent another process comes along
    mail.send_queued()
    bodies = [re.search("[一二]", message.body)[0] for message in server.sent]
    assert sorted(bodies) == ["一", "二"]


def test_a_process_that_died_while_sending_sends_no_second_copy(company, reader, server, sign_in):
    notify(reader, "一")

    def die():
        raise KeyboardInterrupt

    server.meanwhile = die
    with pytest.raises(KeyboardInterrupt):
        mail.send_queued()
    assert row().mail == Mail.SENDING
    server.meanwhile = None
    assert mail.send_queued() == "没有待发送的邮件"
    later(11)
    mail.send_queued()
    assert (row().mail, row().mail_error) == (Mail.FAILED, mail.UNKNOWN)
    assert server.sent == []


def test_an_administrator_sends_failed_ones_again_and_nobody_else_does(company, reader, server, sign_in):
    notify(reader, "一")
    server.answers = [SMTPDataError(554, b"spam")]
    mail.send_queued()
    with pytest.raises(Refused):
        mail.send_again(by=company.supervisor)
    answer = sign_in(company.administrator).post("/jobs/mail/again/", follow=True)
    assert "1 封邮件重新排队" in answer.content.decode()
    assert AuditEntry.objects.get(verb="重新发送邮件").changes == {"封数": ["", "1"]}
    mail.send_queued()
    assert len(server.sent) == 1
    answer = sign_in(company.administrator).post("/jobs/mail/again/", follow=True)
    assert "没有发送失败的邮件" in answer.content.decode()


# Told once


def test_what_carries_an_occasion_is_told_once_per_person(company, reader):
    def tell():
        people = (reader.pk, company.supervisor.pk)
        notify_many(Notification.about(None, pk, "逾期", "overdue", "overdue:1:0") for pk in people)

    tell()
    tell()
    assert Notification.objects.count() == 2
    notify_many([Notification.about(None, reader.pk, "逾期", "overdue", "overdue:1:1")])
    notify(reader, "一")
    notify(reader, "一")
    assert Notification.objects.count() == 5


def test_telling_many_is_set_based(reader, django_assert_max_num_queries):
    with django_assert_max_num_queries(6):  # SQLite takes 300 rows in four portions
        notify_many([Notification.about(None, reader.pk, f"{n}", "other") for n in range(300)])
    assert mail.queued().count() == 300


# Settings


def test_mail_needs_an_address_for_its_links(monkeypatch):
    source = (project.BASE_DIR / "crm" / "settings.py").read_text()
    names = {"__file__": str(project.BASE_DIR / "crm" / "settings.py"), "__name__": "settings_of_the_test"}
    monkeypatch.setenv("CRM_EMAIL_URL", "smtp+tls://user:secret@mail.example.com:587")
    with pytest.raises(ImproperlyConfigured, match="CRM_BASE_URL"):
        exec(source, dict(names))
    monkeypatch.setenv("CRM_BASE_URL", "https://crm.example.com/")
    read: dict = dict(names)
    exec(source, read)
    assert (read["EMAIL_HOST"], read["EMAIL_PORT"], read["EMAIL_USE_TLS"]) == ("mail.example.com", 587, True)
    assert read["CRM_BASE_URL"] == "https://crm.example.com"
    assert "mail.send" in [name for name, _, _ in read["CRM_PERIODIC_TASKS"]]
