"""The clock of service requests: targets, waiting, returns, and who is told of what is due, on fixed working days."""

from __future__ import annotations

from datetime import date, datetime
from importlib import import_module
from unittest import mock
from zoneinfo import ZoneInfo

import pytest
from django.apps import apps
from django.utils import timezone

from accounts.models import Notification, User
from basedata.models import DictionaryEntry, SpecialDay, WorkCalendar
from kit.audit.models import AuditEntry
from kit.domain.verdict import Refused
from services.clock import format_minutes
from services.models import ServiceRequest, ServiceTarget
from services.requests import due_times
from tests import factories
from tests.html import errors, find_all, markup, notices, text, value

pytestmark = pytest.mark.django_db
SHANGHAI = ZoneInfo("Asia/Shanghai")
PAGE = "/services/targets/"
HOUR = 60


def at(text):
    return datetime.strptime(text, "%Y-%m-%d %H:%M").replace(tzinfo=SHANGHAI)


@pytest.fixture
def clock(monkeypatch):
    """clock("2026-09-30 16:00") sets the time of the product."""

    def set_to(text):
        monkeypatch.setattr(timezone, "now", lambda: at(text))

    set_to("2026-09-30 16:00")
    return set_to


@pytest.fixture
def customer(company):
    return factories.CustomerFactory(
        name="海河水务", manager=company.manager, level=factories.entry("客户等级", "大客户")
    )


def request(company, customer, kind="咨询", **values):
    values = {"summary": "流量计读数偏高", "content": "请来看看", "kind": factories.entry("服务类型", kind), **values}
    return ServiceRequest.create(by=company.manager, customer=customer, created_at=timezone.now(), **values)


def assigned(company, customer, **values):
    made = request(company, customer, **values)
    made.assign(company.manager, by=company.supervisor)
    return made


def stored(made):
    return ServiceRequest.objects.get(pk=made.pk)


def test_minutes_are_said_in_words():
    texts = [format_minutes(minutes) for minutes in (None, 0, 59, 60, 61, 1000)]
    assert texts == ["", "0 分", "59 分", "1 小时", "1 小时 1 分", "16 小时 40 分"]


# Time allowed


@pytest.mark.parametrize(
    ("kind", "level", "created", "until"),
    [
        ("咨询", "大客户", "2026-09-30 16:00", "2026-10-08 16:00"),  # 8 hours over 国庆
        ("咨询", "普通客户", "2026-09-30 16:00", "2026-10-09 16:00"),
        ("投诉", "战略合作伙伴", "2026-10-09 17:00", "2026-10-10 17:00"),  # the Saturday after 国庆 is worked
        ("投诉", "普通客户", "2026-02-14 09:00", "2026-02-25 18:00"),  # a worked Saturday, then 春节
        ("建议", "合作伙伴", "2026-11-27 22:00", "2026-12-02 18:00"),  # asked on a Friday night
        ("咨询", "战略合作伙伴", "2026-11-25 10:00", "2026-11-25 15:00"),  # over lunch
    ],
)
def test_a_request_is_due_after_the_working_hours_of_its_type_and_level(
    company, customer, clock, kind, level, created, until
):
    clock(created)
    customer.level = factories.entry("客户等级", level)
    customer.save()
    assert request(company, customer, kind).due_at == at(until)


def test_an_organisation_that_is_no_customer_has_a_target_of_its_own(company, clock):
    made = request(company, None, "投诉", organisation="新单位")
    assert made.due_at == at("2026-10-10 16:00")  # 24 hours


def test_without_a_target_nothing_is_ever_due(company, customer, clock):
    ServiceTarget.objects.all().delete()
    made = request(company, customer)
    assert made.due_at is None
    clock("2027-09-30 16:00")
    assert not stored(made).is_overdue
    assert due_times.watch() == "更正时限 0 个，即将到期 0 个，逾期 0 个"


def test_another_type_while_new_means_another_target(company, customer, clock):
    made = request(company, customer)
    made.edit(by=company.manager, kind=factories.entry("服务类型", "建议"))
    assert stored(made).due_at == at("2026-10-13 16:00")  # 40 hours, of which the Saturday gives eight


# Times


def test_the_three_times_count_working_minutes_without_what_was_waited(company, customer, clock, sign_in):
    made = request(company, customer)  # 30 September, 16:00
    clock("2026-09-30 17:30")
    made.assign(company.manager, by=company.supervisor)
    clock("2026-10-08 10:00")
    made.wait(by=company.manager, note="等图纸")
    assert not stored(made).is_overdue
    clock("2026-10-10 10:00")  # two working days later, the second of them a Saturday
    assert not stored(made).is_overdue, "the clock stands"
    made.resume(by=company.manager, note="图纸来了")
    assert stored(made).due_at == at("2026-10-10 16:00")
    clock("2026-10-10 11:00")
    made.handle(by=company.manager, handling="更换了部件")
    clock("2026-10-12 09:30")
    made.feedback(by=company.manager, result="已解决", satisfaction=5)
    made = stored(made)
    assert (made.minutes_to_assign, made.minutes_to_handle, made.minutes_to_archive) == (90, 4 * HOUR, 10 * HOUR + 30)
    assert made.waiting_minutes == 16 * HOUR
    page = text(sign_in(company.manager).get(made.get_absolute_url()))
    assert all(f"创建后 {words}" in page for words in ("1 小时 30 分", "4 小时", "10 小时 30 分（工作时间）"))


def test_a_return_starts_the_target_anew(company, customer, clock):
    made = assigned(company, customer)
    made.handle(by=company.manager, handling="看过了")
    clock("2026-10-08 09:00")
    made.feedback(by=company.manager, result="不满意", satisfaction=2)
    assert stored(made).due_at == at("2026-10-08 18:00")


# Kept true while the world changes


def test_what_changes_under_an_open_request_moves_its_time_and_nothing_else_does(company, customer, clock):
    made = assigned(company, customer)
    assert due_times.update_due_times() == 0
    customer.edit(by=company.manager, level=factories.entry("客户等级", "战略合作伙伴"), reason="重点扶持")
    assert due_times.update_due_times() == 1
    assert stored(made).due_at == at("2026-10-08 11:00")  # four hours
    target = ServiceTarget.objects.get(kind=made.kind, level=customer.level)
    target.edit(by=company.administrator, hours=6)
    assert due_times.update_due_times() == 1
    assert stored(made).due_at == at("2026-10-08 14:00")
    SpecialDay.create(by=company.administrator, day=date(2026, 10, 8), kind="rest", name="厂庆")
    assert due_times.update_due_times() == 1
    assert stored(made).due_at == at("2026-10-09 14:00")
    assert due_times.update_due_times() == 0
    assert stored(made).version == made.version, "nobody's open form is spoiled"


def test_waiting_and_returns_are_part_of_the_time_that_is_kept_true(company, customer, clock):
    made = assigned(company, customer)
    clock("2026-10-08 09:00")
    made.wait(by=company.manager, note="等图纸")
    clock("2026-10-08 11:00")
    made.resume(by=company.manager, note="来了")
    assert due_times.update_due_times() == 0
    clock("2026-10-08 12:00")
    made.handle(by=company.manager, handling="看过了")
    clock("2026-10-08 14:00")
    made.feedback(by=company.manager, result="不满意", satisfaction=1)
    assert due_times.update_due_times() == 0
    clock("2026-10-08 15:00")
    made.wait(by=company.manager, note="等配件")
    clock("2026-10-08 18:00")
    made.resume(by=company.manager, note="到了")
    assert stored(made).due_at == at("2026-10-09 17:00")  # eight hours from 14:00, three of them waited
    assert due_times.update_due_times() == 0


def test_a_request_that_moves_meanwhile_is_left_to_itself(company, customer, clock):
    made = assigned(company, customer)
    ServiceTarget.objects.update(hours=1)
    real = due_times.compute_due_at

    def moving(row, *args):
        ServiceRequest.objects.filter(pk=row.pk).update(version=row.version + 1)
        return real(row, *args)

    with mock.patch.object(due_times, "compute_due_at", moving):
        assert due_times.update_due_times() == 0
    assert stored(made).due_at == at("2026-10-08 16:00")


# Notices


def notice_count(person, kind):
    return Notification.objects.filter(recipient=person, kind=kind).count()


def test_due_soon_is_told_to_the_assignee_and_overdue_to_the_supervisor_too_once(company, customer, clock):
    made = assigned(company, customer)  # due on 8 October, 16:00
    clock("2026-10-08 13:59")
    due_times.watch()
    assert notice_count(company.manager, "due_soon") == 0
    clock("2026-10-08 14:00")
    assert due_times.watch() == "更正时限 0 个，即将到期 1 个，逾期 0 个"
    due_times.watch()
    people = (company.manager, company.supervisor, company.colleague, company.outsider, company.executive)
    assert [notice_count(person, "due_soon") for person in people] == [1, 0, 0, 0, 0]
    text = Notification.objects.get(kind="due_soon").text
    assert f"服务请求 {made.number}「流量计读数偏高」即将到期：应在 2026-10-08 16:00 前处理完成" in text
    clock("2026-10-08 16:01")
    assert due_times.watch() == "更正时限 0 个，即将到期 0 个，逾期 1 个"
    due_times.watch()
    assert [notice_count(person, "overdue") for person in people] == [1, 1, 0, 0, 0]
    assert all(row.record == made for row in Notification.objects.exclude(kind__in=("assigned", "other")))


def test_what_nobody_was_given_is_told_to_those_who_may_give_it(company, customer, clock):
    request(company, customer)
    clock("2026-10-08 15:00")
    due_times.watch()
    people = (company.supervisor, company.manager, company.outsider)
    assert [notice_count(person, "due_soon") for person in people] == [1, 0, 0]
    assert "还没有分配" in Notification.objects.get(kind="due_soon").text


def test_a_returned_request_is_told_of_again_in_its_new_round(company, customer, clock):
    made = assigned(company, customer)
    clock("2026-10-08 17:00")
    due_times.watch()
    made.handle(by=company.manager, handling="看过了")
    made.feedback(by=company.manager, result="不满意", satisfaction=1)
    assert notice_count(company.supervisor, "returned") == 1
    due_times.watch()
    assert notice_count(company.manager, "overdue") == 1
    clock("2026-10-09 17:01")
    due_times.watch()
    assert notice_count(company.manager, "overdue") == 2


def test_whoever_takes_a_late_request_over_is_told_of_it_and_nobody_twice_of_the_same(company, customer, clock):
    made = assigned(company, customer)  # due on 8 October, 16:00
    clock("2026-10-08 16:01")
    due_times.watch()
    stored(made).reassign(company.colleague, by=company.supervisor, reason="换人")
    assert due_times.watch() == "更正时限 0 个，即将到期 0 个，逾期 1 个"
    due_times.watch()
    people = (company.manager, company.colleague, company.supervisor)
    assert [notice_count(person, "overdue") for person in people] == [1, 1, 2]
    stored(made).reassign(company.manager, by=company.supervisor, reason="换回")
    due_times.watch()
    assert [notice_count(person, "overdue") for person in people] == [1, 1, 2], "they know already"


def test_what_waiting_moved_is_told_of_again_when_the_new_target_comes_near_and_passes(company, customer, clock):
    made = assigned(company, customer)  # due on 8 October, 16:00
    clock("2026-10-08 14:00")
    due_times.watch()
    stored(made).wait(by=company.manager, note="等图纸")
    clock("2026-10-08 17:00")
    stored(made).resume(by=company.manager, note="图纸到了")
    assert (notice_count(company.manager, "due_soon"), stored(made).due_at) == (1, at("2026-10-09 10:00"))
    due_times.watch()
    due_times.watch()
    assert (notice_count(company.manager, "due_soon"), notice_count(company.manager, "overdue")) == (2, 0)
    clock("2026-10-09 10:01")
    due_times.watch()
    due_times.watch()
    assert (notice_count(company.manager, "due_soon"), notice_count(company.manager, "overdue")) == (2, 1)


def test_a_lengthened_target_that_is_missed_too_is_told_of_again(company, customer, clock):
    made = assigned(company, customer)  # due on 8 October, 16:00: eight hours
    clock("2026-10-08 16:01")
    due_times.watch()
    ServiceTarget.objects.get(kind=made.kind, level=customer.level).edit(by=company.administrator, hours=9)
    assert due_times.watch() == "更正时限 1 个，即将到期 1 个，逾期 0 个"
    assert stored(made).due_at == at("2026-10-08 17:00")
    clock("2026-10-08 17:01")
    due_times.watch()
    due_times.watch()
    assert [notice_count(company.manager, kind) for kind in ("due_soon", "overdue")] == [1, 2]


@pytest.mark.parametrize(("since", "again"), [("2026-10-08 09:00", 0), ("2026-10-08 16:03", 1)])
def test_after_the_upgrade_only_who_took_it_over_since_is_told_again(company, customer, clock, since, again):
    made = assigned(company, customer)
    ServiceRequest.objects.filter(pk=made.pk).update(assigned_at=at(since))
    clock("2026-10-08 16:01")
    due_times.watch()
    Notification.objects.update(created_at=at("2026-10-08 16:01"))
    upgrade = import_module("services.migrations.0006_occasions_name_person_and_target")
    now = Notification.objects.get(recipient=company.manager, kind="overdue").occasion
    upgrade.name_round_only(apps, None)
    assert set(Notification.objects.exclude(occasion="").values_list("occasion", flat=True)) == {f"overdue:{made.pk}:0"}
    upgrade.name_person_and_target(apps, None)
    assert Notification.objects.filter(occasion=now).count() == (0 if again else 2)
    due_times.watch()
    assert [notice_count(one, "overdue") for one in (company.manager, company.supervisor)] == [1 + again, 1 + again]


@pytest.mark.parametrize("state", ["waiting", "handled", "archived", "long ago"])
def test_nothing_is_told_of_what_does_not_run(company, customer, clock, state):
    made = assigned(company, customer)
    if state == "waiting":
        made.wait(by=company.manager, note="等图纸")
    if state in ("handled", "archived"):
        made.handle(by=company.manager, handling="看过了")
    if state == "archived":
        made.feedback(by=company.manager, result="好", satisfaction=5)
    clock("2026-10-20 16:01" if state == "long ago" else "2026-10-08 16:01")
    due_times.watch()
    assert notice_count(company.manager, "overdue") == 0


def test_a_request_that_left_ones_view_is_not_shown_among_the_notifications(company, customer, clock, sign_in):
    made = assigned(company, customer)
    clock("2026-10-08 16:01")
    due_times.watch()
    page = "/notifications/"
    assert made.number in text(sign_in(company.supervisor).get(page))
    User.objects.filter(pk=company.supervisor.pk).update(department=company.other)
    assert made.number not in markup(sign_in(company.supervisor).get(page))


def test_watching_is_set_based(company, customer, clock, django_assert_max_num_queries):
    for n in range(12):
        assigned(company, customer, summary=f"请求 {n}")
    clock("2026-10-08 16:01")
    with django_assert_max_num_queries(30):
        assert due_times.watch() == "更正时限 0 个，即将到期 0 个，逾期 12 个"
    assert Notification.objects.filter(kind="overdue").count() == 24


# The table of targets


@pytest.fixture
def admin(company, sign_in):
    return sign_in(company.administrator)


def cell(kind, level):
    return f"hours_{factories.entry('服务类型', kind).pk}_{factories.entry('客户等级', level).pk if level else 0}"


def filled(client, **changes):
    page = client.get(PAGE)
    form = page.context["form"]
    values = {name: form[name].value() or "" for name in form.cells()}
    return {**values, "opened": value(page, "opened"), **changes}


def test_everybody_concerned_reads_the_targets_and_an_administrator_changes_them(company, admin, sign_in):
    page = sign_in(company.manager).get(PAGE)
    assert [level.item if level else None for level in page.context["form"].levels] == [
        *("普通客户", "重点开发客户", "大客户", "合作伙伴", "战略合作伙伴"),
        None,
    ]
    assert find_all(page, "input[type=number]") == []
    changes = {cell("咨询", "大客户"): "6", cell("投诉", None): "", cell("建议", "普通客户"): "40"}
    answer = admin.post(PAGE, filled(admin, **changes), follow=True)
    assert [words.startswith("保存成功") for words in notices(answer)] == [True]
    key = {"kind": factories.entry("服务类型", "咨询"), "level": factories.entry("客户等级", "大客户")}
    assert ServiceTarget.objects.get(**key).hours == 6
    assert not ServiceTarget.objects.filter(kind__item="投诉", level=None).exists()
    entries = AuditEntry.objects.filter(object_text__in=("咨询 大客户", "投诉 还不是客户")).order_by("pk")
    assert [(entry.verb, entry.changes) for entry in entries] == [
        ("编辑", {"时限（工作小时）": ["8", "6"]}),
        ("删除", {"时限（工作小时）": ["24", ""]}),
    ]
    again = admin.post(PAGE, filled(admin, **{cell("投诉", None): "30"}), follow=True)
    assert [words.startswith("保存成功") for words in notices(again)] == [True]
    assert ServiceTarget.objects.get(kind__item="投诉", level=None).hours == 30
    assert AuditEntry.objects.filter(verb="新建", object_text="投诉 还不是客户").count() == 1


def test_two_administrators_at_one_cell(company, admin):
    mine = filled(admin, **{cell("咨询", "大客户"): "6", cell("咨询", "合作伙伴"): "5"})
    key = {"kind": factories.entry("服务类型", "咨询"), "level": factories.entry("客户等级", "大客户")}
    ServiceTarget.objects.get(**key).edit(by=company.administrator, hours=12)
    answer = admin.post(PAGE, mine)
    assert answer.status_code == 409
    assert [error.endswith("刚被改为 12 小时，请核对。") for error in errors(answer)] == [True]
    assert ServiceTarget.objects.get(**key).hours == 12
    again = {**mine, "opened": value(answer, "opened")}
    assert admin.post(PAGE, again).status_code == 302, "seen and confirmed"
    assert ServiceTarget.objects.get(**key).hours == 6
    assert admin.post(PAGE, {**mine, "opened": "forged"}).status_code == 409


@pytest.mark.parametrize("value", ["0", "-1", "1000", "一", "1.5", "1e3", "9" * 40])
def test_hours_that_make_no_sense_are_refused_at_their_cell(admin, value):
    name = cell("咨询", "大客户")
    answer = admin.post(PAGE, filled(admin, **{name: value}))
    assert answer.status_code == 200
    assert list(answer.context["form"].errors) == [name]


def test_a_type_of_the_companys_own_gets_a_row(company, admin):
    DictionaryEntry.create(by=company.administrator, category="服务类型", item="巡检", value="4")
    made = filled(admin, **{cell("巡检", "大客户"): "80"})
    assert admin.post(PAGE, made).status_code == 302
    assert ServiceTarget.objects.get(kind__item="巡检").hours == 80


def test_nobody_but_an_administrator_changes_a_target(company):
    target = ServiceTarget.objects.first()
    for attempt in (
        lambda: target.edit(by=company.supervisor, hours=1),
        lambda: target.remove(by=company.supervisor),
        lambda: ServiceTarget.create(by=company.supervisor, kind=target.kind, level=None, hours=1),
    ):
        with pytest.raises(Refused):
            attempt()
    assert WorkCalendar.load().hours_a_day == 8
