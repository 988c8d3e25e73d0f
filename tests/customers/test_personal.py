"""个人信息: everything held about one contact is found, handed out, and erased without a trace; the business stays."""

from __future__ import annotations

import io
import json
from decimal import Decimal
from types import SimpleNamespace

import openpyxl
import pytest
from django.apps import apps
from django.core.files.storage import default_storage
from django.db import models, transaction
from django.urls import reverse
from django.utils import timezone

from accounts.models import notify
from crm import privacy
from crm.privacy import erase_contact
from customers.contacts.models import CONTACT_TEXTS, ERASED_NAME
from customers.models import Contact, Customer, Interaction
from customers.personal import ContactWords
from kit.audit import seals
from kit.audit.models import AuditEntry
from kit.audit.redaction import ERASED_TEXT
from kit.audit.verification import ERASURE_VERB, verify
from kit.domain.modules import modules
from kit.domain.verdict import Refused
from services.models import Draft, ServiceRequest
from tests import factories
from tests.exports import export
from tests.html import find

pytestmark = pytest.mark.django_db

NAME, MOBILE, FORMER, EMAIL, OFFICE = "高峰", "13812341234", "13900000000", "gaofeng@example.com", "024-55556610"
SPACED = "138 1234 1234"
WECHAT, FORMER_WECHAT = "hehai_gf", "gf_2018"
TRACES = (
    NAME, MOBILE, FORMER, EMAIL, OFFICE, "02455556610", SPACED, "设备科长", "爱喝龙井", "gaofeng", WECHAT,
    FORMER_WECHAT,
)  # fmt: skip


@pytest.fixture
def person(company):
    """Somebody who left traces everywhere a text can be written, and a namesake at another customer."""
    manager = company.manager
    customer = factories.CustomerFactory(
        name="海河水务有限公司", manager=manager, by=manager, legal_representative=NAME
    )
    with transaction.atomic():
        contact = Contact.create(
            by=manager, customer=customer, name=NAME, position="设备科长", office_phone=OFFICE, mobile=FORMER,
            email=EMAIL, note="爱喝龙井", gender="male", is_primary=True, wechat=FORMER_WECHAT, role="decider",
        )  # fmt: skip
    contact.edit(by=manager, mobile=MOBILE, wechat=WECHAT)
    talk = factories.interaction(
        customer, manager, summary=f"电话回访{NAME}", note=f"找{NAME}签字", contact=contact,
        details=f"手机 {SPACED}，旧号 {FORMER}，座机 02455556610", follow_up_on=timezone.localdate(),
    )  # fmt: skip
    talk.edit(by=manager, note=f"邮箱 {EMAIL}")
    other_talk = factories.interaction(
        customer, manager, summary=f"会上提到{NAME}", details=f"微信{WECHAT}，原{FORMER_WECHAT}"
    )
    gone = factories.interaction(customer, manager, summary=f"误记{NAME}")
    gone.remove(by=manager)
    file = factories.attachment(talk, manager, name=f"{NAME}名片.pdf")
    case = factories.churn_case(manager, name="海河一分厂")
    case_contact = factories.ContactFactory(customer=case.customer, name=NAME, mobile="13755556666", office_phone="1")
    chance = factories.assigned(
        company.supervisor, company.supervisor, manager, customer_name="海河水务有限公司", contact_name=NAME,
        contact_phone="13511112222", summary=f"{NAME}介绍的改造", description=f"联系{NAME} {MOBILE}",
    )  # fmt: skip
    chance.correct_contact(by=manager, contact_name=NAME, contact_phone=MOBILE)
    factories.plan_item(chance, manager, text=f"拜访{NAME}", result=f"{NAME}同意")
    chance.update_forecast(by=manager, success_rate=70, expected_amount=None, expected_on=None, reason=f"{NAME}已签字")
    chance.win(by=manager, link_to=customer)
    with transaction.atomic():
        request = ServiceRequest.create(
            by=manager, kind=factories.entry("服务类型", "咨询"), customer=customer, contact=contact,
            summary=f"{NAME}咨询量程", content=f"请回电 {MOBILE}",
        )  # fmt: skip
    request.assign(manager, by=company.supervisor)
    request.wait(by=manager, note=f"等{NAME}确认")
    request.resume(by=manager, note=f"{NAME}已确认")
    request.handle(by=manager, handling=f"已答复{NAME}")
    Draft.objects.create(user=manager, request=request, form="feedback", values={"result": [f"{NAME}满意"], "n": 1})
    notify(manager, f"{NAME}来电", customer)
    notify(manager, f"机会：{NAME}", chance)
    order = factories.order(customer, number="DD1", lines=3)
    return SimpleNamespace(
        customer=customer, contact=contact, talk=talk, other_talk=other_talk, file=file, chance=chance, order=order,
        case=case, namesake=case_contact,
    )  # fmt: skip


def everything():
    """Every stored value of the product's own tables, by table."""
    ours = ("accounts", "audit", "jobs", "basedata", "customers", "marketing", "services", "reports")
    known = [config for config in apps.get_app_configs() if config.label in ours]
    return {model._meta.label: list(model._base_manager.values()) for app in known for model in app.get_models()}


def traces(content):
    """(table, key, field, word) of each of the person's words that is left; the namesake keeps theirs."""
    found = []
    for label, rows in content.items():
        for row in rows:
            for field, value in row.items():
                text = json.dumps(value, ensure_ascii=False) if isinstance(value, dict | list) else str(value)
                found += [(label, row.get("id"), field, word) for word in TRACES if word in text]
    return found


def erase(person, company, **options):
    return erase_contact(
        Contact.objects.get(pk=person.contact.pk), by=company.supervisor, reason=f"{NAME}本人来电要求", **options
    )


# Found and handed out


def sheets(person, company):
    return {sheet.title: sheet for sheet in privacy.collect_sheets(person.contact, company.supervisor)}


def test_everything_held_is_found(person, company):
    found = sheets(person, company)
    counts = {title: len(sheet.rows) for title, sheet in found.items() if sheet.rows}
    assert counts == {
        "联系人": 1,
        "客户": 1,
        "交往记录": 2,
        "附件": 1,
        "客户动态": counts["客户动态"],
        "通知": 1,
        "计划项": 1,
        "预测变更": 1,
        "机会通知": counts["机会通知"],
        "销售机会": 1,
        "服务请求": 1,
        "服务处理": 1,
        "服务备注": 2,
        "服务草稿": 1,
        "服务通知": 1,
        "审计记录": counts["审计记录"],
    }
    assert counts["客户动态"] >= 3
    assert counts["审计记录"] >= 8
    assert {sheet.hidden for sheet in found.values() if sheet.title != "审计记录"} == {0}
    text = json.dumps([sheet.rows for sheet in found.values()], ensure_ascii=False)
    assert [word for word in TRACES if word not in text] == []


def test_rows_outside_the_readers_view_are_counted_not_shown(person, company):
    hidden = factories.opportunity(
        company.stranger, customer_name="海外公司", summary="不可见的机会", contact_name=NAME, contact_phone=MOBILE
    )
    found = sheets(person, company)["销售机会"]
    assert (len(found.rows), found.hidden) == (1, 1)
    assert hidden.summary not in json.dumps(
        [sheet.rows for sheet in sheets(person, company).values()], ensure_ascii=False
    )
    erase(person, company)
    hidden.refresh_from_db()
    assert (hidden.contact_name, hidden.contact_phone) == ("", "")


def test_a_person_is_handed_out_as_workbook_and_as_json(person, company, sign_in):
    client = sign_in(company.supervisor)
    address = reverse("contact_personal", args=[person.customer.pk, person.contact.pk])
    page = client.get(address).content.decode()
    for words in ("爱喝龙井", f"电话回访{NAME}", f"{NAME}名片.pdf", "138"):
        assert words in page
    answer = export(client, address, "json")
    content = json.loads(answer.content)
    assert content["联系人"][0]["手机"] == MOBILE
    assert content["交往记录"][0]["概要"] == f"电话回访{NAME}"
    assert answer["Content-Disposition"].startswith("attachment")
    book = openpyxl.load_workbook(io.BytesIO(export(client, address, "xlsx").content))
    assert book.sheetnames == list(content)
    assert MOBILE in [cell.value for cell in book["联系人"][2]]
    rows = AuditEntry.objects.filter(verb="导出个人信息")
    assert {(row.actor, row.changes["格式"][1]) for row in rows} == {
        (company.supervisor, "json"), (company.supervisor, "xlsx"),
    }  # fmt: skip
    assert export(client, address, "exe").status_code == 400


# Erased


def test_no_trace_is_left_anywhere_and_the_business_stays(person, company):
    seals.seal_pending()
    assert {word for *_, word in traces(everything())} == set(TRACES)  # control: each word is there before
    total, number = person.order.total, person.chance.pk
    result = erase(person, company, with_files=True)
    content = everything()
    mine = {
        ("customers.Contact", person.namesake.pk),
        ("customers.SearchText", None),  # the namesake's customer is found by the namesake; see test_search.py
        *((("customers.TimelineEntry"), row.pk) for row in person.case.customer.timeline.all()),
    }
    audited = set(AuditEntry.objects.about(person.namesake).values_list("pk", flat=True))
    left = [
        trace for trace in traces(content)
        if trace[:2] not in mine and not (trace[0] == "audit.AuditEntry" and trace[1] in audited)
    ]  # fmt: skip
    assert left == []
    person.order.refresh_from_db()
    assert person.order.total == total == Decimal("38401.5")
    person.chance.refresh_from_db()
    assert (person.chance.pk, person.chance.status, person.chance.success_rate) == (number, "won", 70)
    assert person.chance.customer == person.customer
    person.talk.refresh_from_db()
    assert (person.talk.summary, person.talk.contact) == (f"电话回访{ERASED_TEXT}", person.contact)
    person.other_talk.refresh_from_db()
    assert (person.other_talk.summary, person.other_talk.details) == (
        f"会上提到{ERASED_TEXT}",
        f"微信{ERASED_TEXT}，原{ERASED_TEXT}",
    )
    contact = Contact.objects.get(pk=person.contact.pk)
    assert {getattr(contact, name) for name in CONTACT_TEXTS} == {ERASED_NAME, ""}
    assert Contact.objects.get(pk=person.namesake.pk).name == NAME
    assert Customer.objects.get(pk=person.customer.pk).phone == person.customer.phone
    assert result.counts["审计记录"] >= 8


def test_the_trail_says_who_erased_why_and_how_much_and_its_seals_hold(person, company):
    seals.seal_pending()
    before = list(AuditEntry.objects.order_by("pk").values("pk", "at", "actor_name", "verb", "object_id"))
    event = erase(person, company).event
    kept = AuditEntry.objects.filter(pk__lt=event.pk).order_by("pk")
    assert list(kept.values("pk", "at", "actor_name", "verb", "object_id")) == before
    event = AuditEntry.objects.get(verb=ERASURE_VERB)
    assert (event.actor, event.record, event.object_text) == (company.supervisor, person.contact, "已抹去的联系人")
    assert event.changes["依据"] == ["", f"{ERASED_TEXT}本人来电要求"]
    assert int(event.changes["审计记录"][1]) == AuditEntry.objects.filter(salt__startswith="redaction:").count()
    seals.seal_pending()
    assert verify() == []


def test_open_edit_forms_cannot_bring_the_words_back(person, company):
    versions = [one.version for one in (person.contact, person.talk)]
    erase(person, company)
    for one, version in zip((person.contact, person.talk), versions, strict=True):
        one.refresh_from_db()
        assert one.version > version
    with pytest.raises(Refused, match="已抹去"):
        person.contact.edit(by=company.manager, mobile=MOBILE)


def test_files_go_only_when_asked_for(person, company, django_capture_on_commit_callbacks):
    path = person.file.file.name
    erase(person, company)
    person.file.refresh_from_db()
    assert person.file.name == f"{ERASED_TEXT}名片.pdf"
    assert default_storage.exists(path)


def test_files_go_from_the_disk_too(person, company, django_capture_on_commit_callbacks):
    path = person.file.file.name
    with django_capture_on_commit_callbacks(execute=True):
        erase(person, company, with_files=True)
    assert not default_storage.exists(path)
    assert not Interaction.objects.get(pk=person.talk.pk).attachments.exists()


def test_all_or_nothing(person, company, monkeypatch):
    before = everything()
    monkeypatch.setattr(privacy, "redact", lambda *args, **kwargs: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        erase(person, company)
    assert everything() == before


def test_erasing_is_once_and_for_supervisors_in_reach(person, company):
    contact = Contact.objects.get(pk=person.contact.pk)
    for who in ("manager", "colleague", "executive", "outsider", "administrator", "nobody"):
        with pytest.raises(Refused):
            erase_contact(contact, by=getattr(company, who), reason="x")
    erase(person, company)
    with pytest.raises(Refused, match="已经抹去"):
        erase(person, company)


def test_a_namesake_at_the_same_customer_keeps_their_rows(person, company):
    twin = factories.ContactFactory(
        customer=person.customer, name=NAME, mobile="13733334444", office_phone="010-12345678"
    )
    theirs = factories.interaction(person.customer, company.manager, summary=f"另一位{NAME}", contact=twin)
    erase(person, company)
    theirs.refresh_from_db()
    assert theirs.summary == f"另一位{NAME}"
    person.talk.refresh_from_db()
    assert NAME not in person.talk.summary


def test_the_page_asks_twice_and_wants_the_name(person, company, sign_in):
    client = sign_in(company.supervisor)
    address = reverse("contact_erase", args=[person.customer.pk, person.contact.pk])
    assert "抹去个人信息" in client.get(address).content.decode()
    wrong = client.post(address, {"reason": "来电", "name": "高锋", "confirmed": "yes"})
    assert "与这位联系人的姓名不一致" in wrong.content.decode()
    first = client.post(address, {"reason": "来电", "name": NAME})
    assert "请再确认一次" in first.content.decode()
    assert find(first, "input[name=confirmed]").get("value") == "yes"
    assert Contact.objects.get(pk=person.contact.pk).name == NAME
    second = client.post(address, {"reason": "来电", "name": NAME, "confirmed": "yes"})
    assert second["Location"] == reverse("customers:contact_list", args=[person.customer.pk])
    assert Contact.objects.get(pk=person.contact.pk).erased_at is not None
    page = client.get(reverse("contact_personal", args=[person.customer.pk, person.contact.pk]))
    assert "不能恢复" in page.content.decode()
    assert NAME not in page.content.decode()
    assert client.post(address, {"reason": "来电", "name": "已抹去的联系人", "confirmed": "yes"}).status_code == 409


def test_after_the_erasure_the_page_still_opens_with_permission(person, company, sign_in):
    erase(person, company)
    address = reverse("contact_personal", args=[person.customer.pk, person.contact.pk])
    for who, status in (
        ("supervisor", 200),
        ("manager", 403),
        ("executive", 403),
        ("stranger", 404),
        ("administrator", 404),
    ):
        assert sign_in(getattr(company, who)).get(address).status_code == status


# Words


def test_numbers_are_found_however_they_are_grouped():
    words = ContactWords(["高峰"], ["138-1234-1234", "a.b@c.cn"])
    for text in ("13812341234", "138 1234 1234", "138-12341234", "A.B@C.CN", "找高峰"):
        assert words.found_in(text), text
        assert words.erase(f"前{text}后") in (f"前{ERASED_TEXT}后", f"前找{ERASED_TEXT}后")
    for text in ("1381234123", "axb@c.cn", "高工"):
        assert not words.found_in(text), text


def test_a_wechat_id_is_found_whole_and_is_not_searched_outside_its_customer():
    words = ContactWords(["高峰"], [], ["hh_gf1"])
    assert words.erase("加微信hh_gf1。HH_GF1") == f"加微信{ERASED_TEXT}。{ERASED_TEXT}"
    for text in ("hh_gf12", "xhh_gf1", "hhgf1"):
        assert not words.found_in(text), text
    assert words.only_numbers().pattern is None


def test_a_wechat_id_that_is_a_mobile_number_is_one(company):
    customer = factories.CustomerFactory(manager=company.manager)
    contact = factories.ContactFactory(customer=customer, office_phone="", wechat=MOBILE)
    hidden = factories.opportunity(company.stranger, contact_name=contact.name, contact_phone=SPACED)
    erase_contact(contact, by=company.supervisor, reason="来电")
    hidden.refresh_from_db()
    assert hidden.contact_phone == ""


def test_short_words_stand_for_anything_and_are_not_searched():
    words = ContactWords(["高", ""], ["1", "010-1", ""])
    assert words.pattern is None
    assert words.erase("高 1 010-1") == "高 1 010-1"


def test_the_organisations_own_number_stays_its_own(company):
    customer = factories.CustomerFactory(manager=company.manager, phone="022-66661000")
    contact = factories.ContactFactory(customer=customer, office_phone="022-6666 1000", mobile=MOBILE)
    assert ContactWords.of(contact).numbers == {MOBILE}
    customer.phone = MOBILE
    customer.save()
    erase_contact(contact, by=company.supervisor, reason="来电")
    customer.refresh_from_db()
    assert customer.phone == ERASED_TEXT


# Nothing forgotten

BUSINESS = ("customers", "marketing", "services", "reports", "jobs", "audit")
TEXTS = (models.CharField, models.TextField, models.JSONField, models.FileField)


def text_fields():
    """(model, field) of everything in the business, its jobs and its audit log that can hold words nobody chose."""
    for label in BUSINESS:
        for model in apps.get_app_config(label).get_models():
            for field in model._meta.concrete_fields:
                if isinstance(field, TEXTS) and (not field.choices or model is Contact):
                    yield model, field.name


def declared():
    found = [(part.model, name) for part in privacy.parts() for name in part.texts]
    for module in (module.personal for module in modules() if module.personal):
        apart = getattr(module, "ERASED_HERE", {})  # by the module's own means
        for fields in (module.IMPERSONAL, apart):
            found += [(model, name) for model, names in fields.items() for name in names]
    return found


def test_every_text_is_declared_possibly_personal_or_not():
    """A new field fails here until its module's personal.py says which it is."""
    business = {(model, name) for model, name in declared() if model._meta.app_label in BUSINESS}
    assert business == set(text_fields())


def test_no_text_is_declared_both_ways_and_every_part_fits_its_model(person):
    found = declared()
    assert len(set(found)) == len([pair for pair in found if pair[0]._meta.app_label in BUSINESS]) + 1
    for part in privacy.parts():
        assert set(part.blanked) <= set(part.texts)
        assert part.rows(person.contact).model is part.model
        for name in (*part.texts, *part.columns):
            assert name == "pk" or part.model._meta.get_field(name)
