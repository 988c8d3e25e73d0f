"""交往记录: the rules of the record, its follow-ups, and its pages with and without htmx."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import transaction
from django.utils import timezone

from customers.models import Contact, Customer, Interaction, TimelineEntry
from kit.audit.models import AuditEntry
from kit.domain.verdict import Kind, Refused
from tests import factories
from tests.html import errors, find, find_all, links, text, value

pytestmark = pytest.mark.django_db
HTMX = {"HX-Request": "true", "HX-Target": "interactions-form"}


def days(number):
    return timezone.localdate() + timedelta(days=number)


@pytest.fixture
def customer(company):
    return factories.CustomerFactory(name="济南泉城水务有限公司", manager=company.manager, by=company.manager)


def verbs(record):
    return [entry.verb for entry in AuditEntry.objects.about(record).order_by("pk")]


def values(**changes):
    kind = factories.entry("交往方式", changes.pop("kind", "电话"))
    return {"on": f"{days(0):%Y-%m-%d}", "kind": kind.pk, "summary": "谈妥交货期", **changes}


def at(customer, step=""):
    return f"/customers/{customer.pk}/interactions/{step}"


# The record


def test_a_new_interaction_leaves_an_audit_row_and_a_timeline_entry(company, customer):
    record = factories.interaction(customer, company.manager, on=days(-3))
    assert (record.created_by, record.version) == (company.manager, 0)
    assert verbs(record) == ["新建"]
    entry = TimelineEntry.objects.get(kind="interaction")
    assert (entry.customer, entry.url) == (customer, record.get_absolute_url())
    assert entry.text == "电话（周经理）：电话回访高峰"
    assert timezone.localdate(entry.at) == days(-3)


@pytest.mark.parametrize(
    ("who", "kind"),
    [
        ("colleague", Kind.NOT_YOURS),
        ("executive", Kind.NO_PERMISSION),
        ("stranger", Kind.NOT_YOURS),
        ("nobody", Kind.NO_PERMISSION),
    ],
)
def test_only_the_manager_and_their_supervisor_write(company, customer, who, kind):
    record, person = factories.interaction(customer, company.manager, follow_up_on=days(1)), getattr(company, who)
    deeds = ("edit", "remove", "finish_follow_up", "attach")
    assert {getattr(record, f"can_{deed}")(person).kind for deed in deeds} == {kind}
    assert all(getattr(record, f"can_{deed}")(company.supervisor) for deed in deeds)
    with pytest.raises(Refused):
        factories.interaction(customer, person)
    with pytest.raises(Refused):
        record.edit(by=person, summary="x")
    with pytest.raises(Refused):
        record.remove(by=person)
    with pytest.raises(Refused):
        record.finish_follow_up(by=person)
    assert Interaction.objects.get().summary == "电话回访高峰"
    assert verbs(record) == ["新建"]


@pytest.mark.parametrize("kind", ["拜访", "会议"])
def test_a_visit_and_a_meeting_need_a_place(company, customer, kind):
    with pytest.raises(Refused, match=f"{kind}需要填写地点"):
        factories.interaction(customer, company.manager, kind=kind, place="  ")
    assert factories.interaction(customer, company.manager, kind=kind, place="泵房").place == "泵房"
    called = factories.interaction(customer, company.manager)
    with pytest.raises(Refused, match="地点"):
        called.edit(by=company.manager, kind=factories.entry("交往方式", kind))
    assert Interaction.objects.get(pk=called.pk).kind.item == "电话"


def test_the_contact_belongs_to_the_customer(company, customer):
    with pytest.raises(Refused, match="不属于这个客户"):
        factories.interaction(customer, company.manager, contact=factories.ContactFactory())
    own = factories.ContactFactory(customer=customer)
    record = factories.interaction(customer, company.manager, contact=own)
    own.remove(by=company.manager)
    record.refresh_from_db()
    assert record.contact is None


def test_the_next_follow_up_is_not_before_the_talk(company, customer):
    with pytest.raises(Refused, match="不能早于"):
        factories.interaction(customer, company.manager, on=days(0), follow_up_on=days(-1))
    assert factories.interaction(customer, company.manager, on=days(0), follow_up_on=days(0)).is_follow_up_open


def test_a_follow_up_is_finished_once(company, customer):
    record = factories.interaction(customer, company.manager, on=days(-9), follow_up_on=days(-2))
    assert (record.days_late, record.is_follow_up_open) == (2, True)
    record.finish_follow_up(by=company.manager)
    assert (record.days_late, record.is_follow_up_open) == (0, False)
    assert verbs(record) == ["新建", "完成跟进"]
    with pytest.raises(Refused, match="已经完成"):
        record.finish_follow_up(by=company.manager)
    with pytest.raises(Refused, match="没有约定"):
        factories.interaction(customer, company.manager).finish_follow_up(by=company.manager)


def test_a_new_talk_answers_what_was_due_and_nothing_else(company, customer):
    due = factories.interaction(customer, company.manager, on=days(-9), follow_up_on=days(0))
    later = factories.interaction(customer, company.manager, on=days(-8), follow_up_on=days(1))
    other = factories.CustomerFactory(manager=company.manager)
    elsewhere = factories.interaction(other, company.manager, on=days(-8), follow_up_on=days(-1))
    new = factories.interaction(customer, company.manager, on=days(0), follow_up_on=days(0))
    open_ones = {row.pk for row in Interaction.objects.all() if row.is_follow_up_open}
    assert open_ones == {later.pk, elsewhere.pk, new.pk}
    assert verbs(due) == ["新建", "完成跟进"]
    assert verbs(later) == ["新建"]


def test_another_follow_up_date_opens_it_again(company, customer):
    record = factories.interaction(customer, company.manager, on=days(-9), follow_up_on=days(-2))
    record.finish_follow_up(by=company.manager)
    record.edit(by=company.manager, summary="改了概要")
    assert not record.is_follow_up_open
    record.edit(by=company.manager, follow_up_on=days(3))
    assert record.is_follow_up_open


def test_an_edit_replaces_the_timeline_entry_and_a_deletion_takes_it_out(company, customer):
    record = factories.interaction(customer, company.manager)
    record.edit(by=company.manager, summary="新的概要", on=days(-5))
    entry = TimelineEntry.objects.get(kind="interaction")
    assert entry.text == "电话（周经理）：新的概要"
    assert timezone.localdate(entry.at) == days(-5)
    record.remove(by=company.manager)
    assert not TimelineEntry.objects.filter(kind="interaction").exists()
    assert not Interaction.objects.exists()
    assert AuditEntry.objects.filter(verb="删除").latest("pk").changes["客户"][1] == customer.name


# The pages


def test_an_interaction_is_written_down_on_its_page(company, customer, manager):
    contact = factories.ContactFactory(customer=customer)
    sent = values(
        kind="拜访", place="泵房", contact=contact.pk, follow_up_on=f"{days(5):%Y-%m-%d}", note="n", details="d"
    )
    response = manager.post(at(customer, "new/"), sent)
    record = Interaction.objects.get()
    assert (response.status_code, response["Location"]) == (302, record.get_absolute_url())
    assert (record.contact, record.place, record.follow_up_on, record.created_by) == (
        contact,
        "泵房",
        days(5),
        company.manager,
    )
    page = manager.get(record.get_absolute_url()).content.decode()
    assert "谈妥交货期" in page
    assert "完成跟进" in page


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"on": ""}, "请填写。"),
        ({"on": "明天"}, "请填写日期，例如 2025-11-24。"),
        ({"on": "0001-01-01"}, "请填写 1900 年以后的日期。"),
        ({"kind": "拜访"}, "拜访需要填写地点。"),
        ({"summary": ""}, "请填写。"),
        ({"summary": "x" * 501}, "最多 500 字，现在 501 字，请删去 1 字。"),
        ({"note": "x" * 301}, "最多 300 字，现在 301 字，请删去 1 字。"),
        ({"details": "x" * 2001}, "最多 2000 字，现在 2001 字，请删去 1 字。"),
        ({"summary": "a\x00b"}, None),
        ({"contact": "999999"}, None),
        ({"follow_up_on": "2001-01-01"}, "下次跟进日期不能早于时间。"),
    ],
)
def test_what_the_rules_refuse_is_said_beside_the_field(customer, manager, changes, said):
    response = manager.post(at(customer, "new/"), values(place_="", **{"details": "键入的内容", **changes}))
    assert response.status_code == 200
    assert len(errors(response)) >= 1
    assert said is None or said in errors(response)
    assert "details" in changes or "键入的内容" in response.content.decode()
    assert not Interaction.objects.exists()


def test_a_kind_of_another_category_and_a_foreign_contact_are_no_choices(customer, manager):
    foreign = factories.ContactFactory()
    sent = values(contact=foreign.pk) | {"kind": factories.entry("地区", "华北").pk}
    assert len(errors(manager.post(at(customer, "new/"), sent))) == 2


def test_a_form_sent_twice_makes_one_record(customer, manager):
    token = value(manager.get(at(customer, "new/")), "submission")
    for _ in range(2):
        assert manager.post(at(customer, "new/"), values(submission=token)).status_code == 302
    assert Interaction.objects.count() == 1


def test_an_edit_on_an_older_version_is_refused(company, customer, manager):
    record = factories.interaction(customer, company.manager)
    page = manager.get(at(customer, f"{record.pk}/edit/"))
    opened = value(page, "opened")
    assert find_all(page, "input[type=file]") == []
    record.edit(by=company.supervisor, summary="主管写的")
    mine = values(summary="我写的", opened=opened)
    plain = manager.post(at(customer, f"{record.pk}/edit/"), mine)
    assert plain.status_code == 409
    inside = manager.post(at(customer, f"{record.pk}/edit/"), mine, headers=HTMX)
    assert (inside.status_code, inside["HX-Retarget"]) == (200, "body")
    assert inside["HX-Push-Url"] == at(customer, f"{record.pk}/edit/")
    assert Interaction.objects.get().summary == "主管写的"


def test_htmx_opens_the_form_in_the_page_and_redraws_the_card(customer, manager):
    fragment = manager.get(at(customer, "new/"), headers=HTMX)
    assert find_all(fragment, "html, body") == []
    assert find(fragment, "form").get("hx-post") == at(customer, "new/")
    wrong = manager.post(at(customer, "new/"), values(summary="", details="还在"), headers=HTMX)
    assert "还在" in wrong.content.decode()
    assert "HX-Retarget" not in wrong
    saved = manager.post(at(customer, "new/"), values(), headers=HTMX)
    assert (saved["HX-Retarget"], saved["HX-Reswap"]) == ("#interactions", "outerHTML")
    assert "谈妥交货期" in text(find(saved, "#interactions"))
    assert "谈妥交货期" in text(find(saved, "#timeline[hx-swap-oob=true]"))
    assert "保存成功" in text(saved)


def test_htmx_adds_and_edits_a_contact_in_the_page(customer, manager):
    sent = {"name": "李工", "position": "科长", "office_phone": "0531-1"}
    address = f"/customers/{customer.pk}/contacts/"
    saved = manager.post(f"{address}new/", sent, headers=HTMX)
    assert saved["HX-Retarget"] == "#contacts"
    assert "新增联系人 李工" in saved.content.decode()
    contact = Contact.objects.get()
    opened = value(manager.get(f"{address}{contact.pk}/edit/", headers=HTMX), "opened")
    saved = manager.post(f"{address}{contact.pk}/edit/", {**sent, "name": "李工程师", "opened": opened}, headers=HTMX)
    assert "李工程师" in saved.content.decode()
    assert "李工程师" in manager.get(address).content.decode()


def told(page):
    """Return the summaries of the list that say which time it was."""
    return [label for label, _ in links(page, "table.tbl td.m-t a") if label.startswith("第")]


def test_the_list_is_newest_first_filtered_and_takes_a_fixed_number_of_queries(
    company, customer, manager, django_assert_max_num_queries
):
    visit = factories.interaction(customer, company.manager, kind="拜访", place="泵房", on=days(-40), summary="看现场")
    contact = factories.ContactFactory(customer=customer)
    for number in range(25):
        factories.interaction(customer, company.manager, on=days(-number), summary=f"第{number}次", contact=contact)
    page = manager.get(at(customer))
    assert told(page) == [f"第{number}次" for number in range(20)]
    assert "看现场" not in page.content.decode()
    assert "看现场" in manager.get(at(customer) + "?page=2").content.decode()
    assert "看现场" in manager.get(at(customer) + f"?kind={visit.kind_id}").content.decode()
    assert told(manager.get(at(customer) + "?text=第7")) == ["第7次"]
    assert manager.get(at(customer) + "?text=%00").status_code == 400
    with django_assert_max_num_queries(11):  # one for the customers whose requests they work on
        manager.get(at(customer))


def test_an_interaction_is_not_found_under_another_customer(company, customer, manager):
    record, other = factories.interaction(customer, company.manager), factories.CustomerFactory(manager=company.manager)
    for step in ("", "edit/", "delete/", "done/", "attachments/"):
        assert manager.get(at(other, f"{record.pk}/{step}")).status_code == 404


def test_deleting_and_finishing_ask_first(company, customer, manager):
    record = factories.interaction(customer, company.manager, follow_up_on=days(1))
    assert "跟进已经完成？" in manager.get(at(customer, f"{record.pk}/done/")).content.decode()
    assert manager.post(at(customer, f"{record.pk}/done/")).status_code == 302
    again = manager.post(at(customer, f"{record.pk}/done/"))
    assert again.status_code == 409
    assert "确认删除？" in manager.get(at(customer, f"{record.pk}/delete/")).content.decode()
    assert manager.post(at(customer, f"{record.pk}/delete/"))["Location"] == at(customer)
    assert not Interaction.objects.exists()


def test_the_workbench_shows_what_is_due_and_coming_to_the_customers_manager(company, customer, manager, sign_in):
    other = factories.CustomerFactory(manager=company.colleague)
    for number, word in ((-2, "过期的"), (0, "今天的"), (7, "七天后"), (8, "八天后")):
        factories.interaction(customer, company.manager, on=days(-9), follow_up_on=days(number), summary=word)
    factories.interaction(other, company.supervisor, on=days(-9), follow_up_on=days(0), summary="同事的")
    page = manager.get("/").content.decode()
    assert "待跟进 2" in page
    assert "未来 7 天跟进 1" in page
    assert [word for word in ("过期的", "今天的", "七天后", "八天后", "同事的") if word in page] == [
        "过期的",
        "今天的",
        "七天后",
    ]
    Customer.objects.filter(pk=customer.pk).update(manager=company.colleague)  # as 移交 leaves it
    assert "过期的" not in manager.get("/").content.decode()
    assert "过期的" in sign_in(company.colleague).get("/").content.decode()


def test_text_is_shown_as_text(company, customer, manager):
    with transaction.atomic():
        record = factories.interaction(customer, company.manager, summary="<script>alert(1)</script>")
    for address in (
        customer.get_absolute_url(),
        at(customer),
        record.get_absolute_url(),
        f"/customers/{customer.pk}/timeline/",
    ):
        page = manager.get(address)
        assert "<script>alert" not in page.content.decode()
        assert "<script>alert(1)</script>" in text(page)
