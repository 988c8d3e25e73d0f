"""Phone, e-mail and bank account: in full within the permission, masked outside it, wherever they are shown."""

from __future__ import annotations

import re
from pathlib import Path
from types import SimpleNamespace

import pytest
from django.conf import settings
from django.contrib.auth.models import Permission
from django.core.exceptions import ValidationError
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from accounts.contact_details.masking import OPENED_VERB, HasContactDetails, detail_permissions
from accounts.models import Role, Scope
from customers.contacts.pages import ContactList
from customers.imports.importing import CustomerImport
from customers.models import Contact, Customer
from kit.audit import log
from kit.audit.models import AuditEntry
from kit.domain.masking import mask, mask_in_text, refuse_masked
from kit.lists.list_page import ListPage
from marketing.models import Opportunity
from tests import factories
from tests.exports import export
from tests.html import find_all, texts, urls

pytestmark = pytest.mark.django_db

PHONE, ACCOUNT, MOBILE, EMAIL, OFFICE, WECHAT = (
    "022-66661000", "6222021234567890", "13812341234", "gao@example.com", "024-55556610", "hehai_gf",
)  # fmt: skip
FULL = (PHONE, ACCOUNT, MOBILE, EMAIL, OFFICE, WECHAT)
MASKED = ("022****1000", "622****7890", "138****1234", "g***@example.com", "024****6610", "****gf")


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        *zip(FULL, MASKED, strict=True),
        ("", ""),
        ("12345", "****"),
        ("55550000", "****00"),
        (" 13812341234 ", "138****1234"),
    ],
)
def test_a_masked_number_tells_its_ends_and_no_more(value, shown):
    assert mask(value) == shown


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("q = 13812341234", "q = 138****1234"),
        ("q = 138 1234 1234；since = 2026-11-25", "q = 138****1234；since = 2026-11-25"),
        ("a = 024-55556610；b = 024-5555 6610；c = 5555661", "a = 024****6610；b = 024****6610；c = ****61"),
        ("给gao@example.com，共123456行", "给g***@example.com，共123456行"),
        ("q = 海河；status = all", "q = 海河；status = all"),
    ],
)
def test_numbers_inside_a_text_are_masked_and_dates_stay(text, shown):
    assert mask_in_text(text) == shown


def test_a_number_that_an_export_asked_for_is_masked_in_the_audit_log(held, company, sign_in):
    address = reverse("customers:customer_list")
    export(sign_in(company.manager), address, name=MOBILE)
    entry = AuditEntry.objects.get(verb="导出")
    changes = {"行数": 1, "条件": f"contact_phone={MOBILE}", "原因": f"回访 {EMAIL}"}
    old = log.log_event(company.manager, "导出", text="客户", changes=changes)  # from before: as an address encodes it
    client = sign_in(company.administrator)
    pages = [reverse("accounts:audit_list"), *(row.get_absolute_url() for row in (entry, old))]
    pages.append(reverse("admin:audit_auditentry_change", args=[old.pk]))
    text = "".join(client.get(url).content.decode() for url in pages)
    assert [value for value in (MOBILE, EMAIL) if value in text] == []
    assert "name = 138****1234" in text
    assert "contact_phone = 138****1234" in text
    assert "回访 g***@example.com" in text
    assert AuditEntry.objects.get(pk=entry.pk).changes["条件"] == ["", f"name = {MOBILE}"]


@pytest.fixture
def held(company):
    """A customer of the manager with one contact and one assigned opportunity, and one opportunity nobody has yet."""
    customer = factories.CustomerFactory(
        name="海河水务有限公司", manager=company.manager, by=company.manager, phone=PHONE, bank_account=ACCOUNT
    )
    contact = factories.ContactFactory(
        customer=customer, office_phone=OFFICE, mobile=MOBILE, email=EMAIL, wechat=WECHAT
    )
    values = {"contact_phone": MOBILE}
    chance = factories.assigned(company.manager, company.supervisor, company.manager, **values)
    free = factories.opportunity(company.manager, **values)
    return SimpleNamespace(customer=customer, contact=contact, chance=chance, free=free)


def addresses(held):
    return [
        held.customer.get_absolute_url(),
        held.customer.get_absolute_url() + "?tab=info",
        reverse("customers:contact_list", args=[held.customer.pk]),
        held.chance.get_absolute_url(),
        reverse("marketing:opportunity_list") + "?status=assigned",
        reverse("marketing:development_list"),
    ]


def files(held):
    return [
        reverse("marketing:opportunity_list") + "?status=assigned",
        reverse("customers:contact_list", args=[held.customer.pk]),
    ]


def seen_by(client, held):
    answers = [*map(client.get, addresses(held)), *(export(client, address) for address in files(held))]
    return "".join(answer.content.decode() for answer in answers)


def offers_to_show(page):
    """Does the page offer to show a masked value?"""
    return "显示" in texts(page, "span.masked a")


def share(held, company, kind):
    """Somebody outside, with whom the records are shared."""
    for record in (held.customer, held.chance):
        record.share(company.stranger, by=company.supervisor, kind=kind)
    return factories.fresh(company.stranger)


@pytest.mark.parametrize("who", ["manager", "supervisor", "editing"])
def test_inside_the_right_everything_is_shown_in_full(held, company, sign_in, who):
    person = share(held, company, "change") if who == "editing" else getattr(company, who)
    text = seen_by(sign_in(person), held)
    assert [value for value in FULL if value not in text] == []
    assert [value for value in MASKED if value in text] == []


@pytest.mark.parametrize("who", ["colleague", "executive", "viewing"])
def test_outside_the_right_pages_lists_and_files_hold_masked_values_only(held, company, sign_in, who):
    person = share(held, company, "view") if who == "viewing" else getattr(company, who)
    client = sign_in(person)
    text = seen_by(client, held)
    assert [value for value in FULL if value in text] == []
    assert [value for value in MASKED if value not in text] == []
    offered = [offers_to_show(client.get(address)) for address in addresses(held)]
    assert any(offered) is (who != "executive")  # an executive may not open them either


def test_a_changed_number_is_masked_in_the_history_too(held, company, sign_in):
    held.customer.edit(by=company.manager, phone="13900001111", bank_account="6217000000001111")
    held.chance.correct_contact(by=company.manager, contact_name="高峰", contact_phone="13900002222")
    histories = [
        reverse("customers:customer_history", args=[held.customer.pk]),
        held.customer.get_absolute_url(),
        reverse("marketing:opportunity_history", args=[held.chance.pk]),
        held.chance.get_absolute_url(),
    ]
    numbers = ("13900001111", "6217000000001111", "13900002222", PHONE, ACCOUNT)
    theirs = "".join(sign_in(company.colleague).get(url).content.decode() for url in histories)
    assert [number for number in numbers if number in theirs] == []
    assert "139****1111" in theirs
    own = "".join(sign_in(company.manager).get(url).content.decode() for url in histories)
    assert [number for number in numbers if number not in own] == []
    assert AuditEntry.objects.about(held.customer)[0].changes["电话"] == [PHONE, "13900001111"]  # the row is untouched


PEOPLE = (
    "administrator",
    "supervisor",
    "manager",
    "colleague",
    "eastern",
    "stranger",
    "outsider",
    "executive",
    "nobody",
)


def test_the_rule_for_one_record_and_for_rows_is_the_same(held, company):
    other = factories.CustomerFactory(manager=company.eastern)
    factories.ContactFactory(customer=other)
    factories.assigned(company.eastern, company.supervisor, company.eastern)
    share(held, company, "change")
    shown = {}
    for name in PEOPLE:
        person = factories.fresh(getattr(company, name))
        for model in (Customer, Contact, Opportunity):
            rows = model.objects.visible_to(person)
            by_rule = {row.pk for row in rows if row.shows_details_to(person)}
            assert set(rows.detailed_for(person).values_list("pk", flat=True)) == by_rule, (name, model)
            shown[name, model] = len(by_rule)
    assert shown["supervisor", Customer] == shown["supervisor", Contact] == 2
    assert shown["manager", Customer] == shown["stranger", Customer] == 1
    assert shown["executive", Contact] == shown["colleague", Customer] == 0
    assert (shown["manager", Opportunity], shown["colleague", Opportunity]) == (2, 1)  # who may edit may see


@pytest.mark.parametrize(
    ("who", "found"), [("manager", True), ("supervisor", True), ("colleague", False), ("executive", False)]
)
@pytest.mark.parametrize("number", [PHONE[4:], MOBILE, OFFICE[4:], WECHAT, "Hehai_G"])
def test_a_masked_number_cannot_be_searched(held, company, sign_in, who, found, number):
    held.free.remove(by=company.manager)
    answer = sign_in(getattr(company, who)).get(reverse("search"), {"q": number}).content.decode()
    assert (held.customer.name in answer or held.chance.customer_name in answer) is found
    by_name = sign_in(getattr(company, who)).get(reverse("search"), {"q": "高峰"}).content.decode()
    assert held.customer.name in by_name


@pytest.mark.parametrize("number", [PHONE, MOBILE, OFFICE])
def test_a_masked_number_cannot_be_searched_as_a_callers(held, company, sign_in, number):
    """Only who creates service requests finds any customer of the company by its number, as in their picker."""
    reader = holding("customers.view_customer", department=company.other)
    for person in (company.executive, reader, company.nobody):
        answer = sign_in(factories.fresh(person)).get(reverse("search"), {"phone": number})
        assert answer.status_code == 200, person
        page = answer.content.decode()
        assert [word for word in (held.customer.name, company.manager.name) if word in page] == [], person
    owner_search = sign_in(company.manager).get(reverse("search"), {"phone": number})
    assert owner_search["Location"] == held.customer.get_absolute_url()


def holding(*permissions, department, scope=Scope.SELF):
    """A person of one home-made role with these permissions."""
    role = Role.objects.create(name=f"角色{Role.objects.count()}", view_scope=scope, edit_scope=scope)
    role.permissions.set(Permission.objects.filter(codename__in=[one.partition(".")[2] for one in permissions]))
    user = factories.UserFactory(department=department)
    user.groups.add(role)
    return factories.fresh(user)


def test_a_number_in_full_finds_its_customer_without_the_permission_to_create_requests(held, company, sign_in):
    see = detail_permissions().see
    sees = holding("customers.view_customer", see, department=company.north, scope=Scope.DEPARTMENT)
    answer = sign_in(factories.fresh(sees)).get(reverse("search"), {"phone": PHONE})
    assert answer["Location"] == held.customer.get_absolute_url()


def test_no_list_sorts_or_filters_by_a_detail():
    lists, checked = list(subclasses(ListPage)), 0
    for page in lists:
        names = getattr(getattr(page, "model", None), "detail_fields", ())
        if names and getattr(page, "columns", None):
            checked += 1
            assert not {column.sort for column in page.columns} & set(names)
            filters = page.filterset_class.base_filters.values()
            assert not {part for one in filters for part in (one.field_name, one.label)} & set(names)
    assert checked >= 4


def subclasses(kind):
    for child in kind.__subclasses__():
        yield child
        yield from subclasses(child)


def test_many_contacts_ask_the_database_no_more_than_few(held, company, sign_in):
    client, address = sign_in(company.colleague), reverse("customers:contact_list", args=[held.customer.pk])
    with CaptureQueriesContext(connection) as few:
        client.get(address)
    for number in range(15):
        factories.ContactFactory(customer=held.customer, name=f"联系人{number}", mobile=MOBILE)
    with CaptureQueriesContext(connection) as many:
        assert client.get(address).content.decode().count("138****1234") == 16
    assert len(many) == len(few)


SHOWN_BARE = re.compile(r"\{\{[^}]*\.(?:office_phone|contact_phone|bank_account|phone|email|mobile|wechat)\b")


def test_no_template_shows_a_detail_without_asking():
    """{% detail record "phone" %} asks who looks; what a colleague's own number is, everybody may know."""
    folder = Path(settings.BASE_DIR) / "templates"
    bare = [
        str(path.relative_to(folder))
        for path in folder.rglob("*.html")
        if SHOWN_BARE.search(path.read_text()) and path.parent.name != "accounts"
    ]
    assert bare == []
    assert SHOWN_BARE.search("{{ contact.mobile|dash }}")  # control


LINKS = {f"tel:{PHONE.replace('-', '')}", f"tel:{OFFICE.replace('-', '')}", f"tel:{MOBILE}", f"mailto:{EMAIL}"}


def calling(page):
    return {link for link in urls(page) if link.startswith(("tel:", "mailto:"))}


def test_a_number_is_rung_and_an_address_written_to_only_where_it_is_shown_in_full(held, company, sign_in):
    pages = addresses(held)
    own, theirs = sign_in(company.manager), sign_in(company.colleague)
    assert set().union(*(calling(own.get(page)) for page in pages)) == LINKS
    assert set().union(*(calling(theirs.get(page)) for page in pages)) == set()
    opened_page = theirs.post(held.contact.get_detail_url("mobile"), follow=True)
    assert calling(opened_page) == {f"tel:{MOBILE}"}
    fragment = theirs.get(opened_page.redirect_chain[-1][0], headers={"HX-Request": "true"})
    assert calling(fragment) == {f"tel:{MOBILE}"}
    opened_page = theirs.post(held.contact.get_detail_url("wechat"), follow=True)
    assert WECHAT in opened_page.content.decode()
    assert calling(opened_page) == set()


def test_who_asked_not_to_be_contacted_is_not_offered_to_be_rung(held, company, sign_in):
    held.contact.edit(by=company.manager, do_not_contact=True)
    page = sign_in(company.manager).get(reverse("customers:contact_list", args=[held.customer.pk]))
    assert MOBILE in page.content.decode()
    assert calling(page) == set()


# Opening one


def opened():
    return list(AuditEntry.objects.filter(verb=OPENED_VERB))


def test_opening_one_is_asked_for_recorded_and_shown_once(held, company, sign_in):
    client, address = sign_in(company.colleague), held.contact.get_detail_url("mobile")
    question = client.get(address)
    assert (question.status_code, opened()) == (200, [])
    assert "查看完整内容" in question.content.decode()
    assert MOBILE not in question.content.decode()
    answer = client.post(address)
    assert answer.status_code == 302
    assert MOBILE not in answer["Location"]
    (row,) = opened()
    assert (row.actor, row.record, row.changes) == (company.colleague, held.contact, {"内容": ["", "手机"]})
    page = client.get(answer["Location"]).content.decode()
    assert MOBILE in page
    assert EMAIL not in page
    fragment = client.get(answer["Location"], headers={"HX-Request": "true"}).content.decode()
    assert MOBILE in fragment
    assert find_all(fragment, "html, body") == []
    assert len(opened()) == 1


def test_the_way_to_an_opened_value_is_for_that_person_that_value_and_a_while(held, company, sign_in, monkeypatch):
    answer = sign_in(company.colleague).post(held.contact.get_detail_url("mobile"))["Location"]
    assert MOBILE not in sign_in(company.eastern).get(answer).content.decode()
    assert MOBILE not in sign_in(company.executive).get(answer).content.decode()
    token = answer.split("?")[1]
    other = sign_in(company.colleague).get(f"{held.contact.get_detail_url('email')}?{token}").content.decode()
    assert EMAIL not in other
    monkeypatch.setattr("accounts.contact_details.pages.ANSWER_SECONDS", -1)
    assert MOBILE not in sign_in(company.colleague).get(answer).content.decode()


@pytest.mark.parametrize(
    ("who", "status"),
    [("colleague", 302), ("executive", 403), ("stranger", 404), ("administrator", 404), ("nobody", 404)],
)
def test_who_may_open_a_detail(held, company, sign_in, who, status):
    client = sign_in(getattr(company, who))
    for record, name in (
        (held.customer, "phone"),
        (held.customer, "bank_account"),
        (held.contact, "email"),
        (held.chance, "contact_phone"),
    ):
        assert client.post(record.get_detail_url(name)).status_code == status
    assert len(opened()) == (4 if status == 302 else 0)


def test_nothing_but_a_detail_can_be_opened(held, company, sign_in):
    client = sign_in(company.colleague)
    for name in ("name", "note", "version", "customer", "nothing"):
        assert client.post(held.contact.get_detail_url(name)).status_code == 404
    other = factories.CustomerFactory(manager=company.manager)
    crossed = reverse("customers:contact_show", args=[other.pk, held.contact.pk, "mobile"])
    assert client.post(crossed).status_code == 404
    assert opened() == []


def test_a_role_that_loses_the_right_sees_masked_values_at_once(held, company, sign_in):
    role = Role.objects.get(code="account_manager")
    role.permissions.remove(*role.permissions.filter(codename__in=["see_contact_details", "open_contact_details"]))
    held.customer.manager = company.colleague
    held.customer.save()
    page = sign_in(company.manager).get(held.customer.get_absolute_url())
    assert PHONE not in page.content.decode()
    assert not offers_to_show(page)


# Coming in


@pytest.mark.parametrize("value", ["138****1234", "g***@example.com", "***"])
def test_a_masked_value_is_refused_on_every_way_in(held, company, sign_in, tmp_path, value):
    with pytest.raises(ValidationError, match="隐去了中间几位"):
        refuse_masked(value)
    path = tmp_path / "客户.csv"
    path.write_text(f"名称,电话,银行账号\n新客户,{value},{value}\n")
    table = CustomerImport(manager=company.manager)
    table.read(path)
    assert {error.column for error in table.errors} == {"电话", "银行账号"}
    assert {"隐去了中间几位" in error.reason for error in table.errors} == {True}
    page = sign_in(company.manager).post(
        reverse("customers:contact_create", args=[held.customer.pk]),
        {"name": "李工", "position": "工程师", "office_phone": value},
    )
    assert "隐去了中间几位" in page.content.decode()
    page = sign_in(company.manager).post(
        reverse("marketing:opportunity_contact", args=[held.chance.pk]),
        {"contact_name": "高峰", "contact_phone": value},
    )
    assert "隐去了中间几位" in page.content.decode()


def test_every_model_with_details_names_fields_that_refuse_masked_values():
    models = [model for model in subclasses(HasContactDetails) if not model._meta.abstract]
    assert {Customer, Contact, Opportunity} <= set(models)
    for model in models:
        for name in model.detail_fields:
            assert refuse_masked in model._meta.get_field(name).validators


# Somebody who asked not to be called


def test_do_not_contact_is_marked_where_people_look_and_left_out_of_files(held, company, sign_in):
    client = sign_in(company.manager)
    held.contact.edit(by=company.manager, do_not_contact=True)
    factories.interaction(held.customer, company.manager, contact=held.contact, follow_up_on=timezone.localdate())
    pages = [
        held.customer.get_absolute_url(),
        reverse("customers:contact_list", args=[held.customer.pk]),
        reverse("customers:interaction_list", args=[held.customer.pk]),
        held.customer.interactions.get().get_absolute_url(),
        reverse("customers:interaction_create", args=[held.customer.pk]),
        reverse("services:find_contacts") + f"?customer={held.customer.number}",
        reverse("home"),
    ]
    assert [page for page in pages if "请勿联系" not in client.get(page).content.decode()] == []
    file = export(client, reverse("customers:contact_list", args=[held.customer.pk])).content.decode()
    assert held.contact.name in file
    assert [value for value in (MOBILE, EMAIL, OFFICE, WECHAT) if value in file] == []
    held.chance.win(by=company.manager, reason="已下单", create_anyway="另一家")
    won = held.chance.customer.contacts.get()
    opportunities = reverse("marketing:opportunity_list") + "?status=won"
    assert "请勿联系" not in client.get(opportunities).content.decode()
    assert MOBILE in export(client, opportunities).content.decode()
    won.edit(by=company.manager, do_not_contact=True)
    for page in (opportunities, held.chance.get_absolute_url(), reverse("marketing:development_list") + "?status=won"):
        assert "请勿联系" in client.get(page).content.decode(), page
    assert MOBILE not in export(client, opportunities).content.decode()
    held.contact.edit(by=company.manager, do_not_contact=False)
    again = export(client, reverse("customers:contact_list", args=[held.customer.pk])).content.decode()
    assert MOBILE in again
    assert ContactList.export_permission
