"""One organisation named by two users at once, on PostgreSQL; each race with its control run."""

from __future__ import annotations

import pytest
from django.db import transaction

from customers.imports.importing import CustomerImport
from customers.imports.meanwhile import ChangesMeanwhile
from customers.imports.results import ImportRefused
from customers.models import Contact, Customer
from customers.records import duplicates, locks
from customers.records.duplicate_form import DuplicateCheckForm
from marketing.models import Opportunity, SameNameExists
from tests import factories
from tests.races import ON_POSTGRESQL, Moment, again, before

pytestmark = ON_POSTGRESQL
NAME = factories.OPPORTUNITY["customer_name"]


@pytest.fixture
def without_names_lock(monkeypatch) -> None:
    monkeypatch.setattr(locks, "take_lock", lambda lock: None)


@pytest.fixture
def new_customer():
    fields = {"region": factories.entry("地区", "华北").pk, "level": factories.entry("客户等级", "普通客户").pk}
    return {
        "name": NAME,
        "satisfaction": "4",
        "credit": "3",
        "address": "某路 1 号",
        "phone": "010-5555 6666",
        **fields,
    }


def by_hand(client, values):
    return lambda: client.post("/customers/new/", values).status_code


# Two by hand


@pytest.fixture
def two_by_hand(company, sign_in, monkeypatch, new_customer):
    mine, theirs = sign_in(company.manager), sign_in(company.stranger)
    moment = before(monkeypatch, Customer, "add")
    return lambda: moment.overtake(by_hand(mine, new_customer), by_hand(theirs, new_customer))


def test_of_two_users_creating_one_customer_at_once_the_second_needs_a_reason(two_by_hand):
    assert two_by_hand() == (302, 409)
    assert Customer.objects.count() == 1


@pytest.mark.usefixtures("without_names_lock")
def test_control_without_the_lock_two_make_one_customer_twice(two_by_hand):
    assert two_by_hand() == (302, 302)
    assert Customer.objects.count() == 2


def test_control_without_the_second_look_two_make_one_customer_twice(two_by_hand, monkeypatch):
    monkeypatch.setattr(DuplicateCheckForm, "check_again", lambda form: None)
    assert two_by_hand() == (302, 302)


# By hand while an opportunity of the name is won


def without_known_leads(monkeypatch):
    """Let the form not ask about the open opportunity, as where it became known of after the question."""
    monkeypatch.setattr(duplicates, "lent", lambda kind: [])


@pytest.fixture
def by_hand_against_win(company, sign_in, monkeypatch, new_customer):
    record = factories.assigned(company.colleague, company.supervisor, company.manager)
    client = sign_in(company.stranger)
    without_known_leads(monkeypatch)
    moment = before(monkeypatch, Opportunity, "_new_customer")
    return lambda: moment.overtake(
        lambda: again(record).win(by=company.manager, reason="已下单"), by_hand(client, new_customer)
    )


def test_a_customer_made_by_hand_waits_for_the_win_of_its_name(by_hand_against_win):
    customer, status = by_hand_against_win()
    assert (customer, status) == (Customer.objects.get(), 409)


@pytest.mark.usefixtures("without_names_lock")
def test_control_without_the_lock_hand_and_win_make_one_customer_twice(by_hand_against_win):
    assert by_hand_against_win()[1] == 302
    assert Customer.objects.count() == 2


@pytest.fixture
def win_against_by_hand(company, sign_in, monkeypatch, new_customer):
    record = factories.assigned(company.colleague, company.supervisor, company.manager)
    client = sign_in(company.stranger)
    without_known_leads(monkeypatch)
    moment = before(monkeypatch, Customer, "add")
    return lambda: moment.overtake(
        by_hand(client, new_customer), lambda: again(record).win(by=company.manager, reason="已下单")
    )


def test_a_win_waits_for_the_customer_of_its_name_made_by_hand(win_against_by_hand):
    status, outcome = win_against_by_hand()
    assert status == 302
    assert isinstance(outcome, SameNameExists)


@pytest.mark.usefixtures("without_names_lock")
def test_control_without_the_lock_the_win_does_not_see_the_one_made_by_hand(win_against_by_hand):
    win_against_by_hand()
    assert Customer.objects.count() == 2


# By hand while a table is imported


@pytest.fixture
def by_hand_against_import(company, sign_in, monkeypatch, new_customer, tmp_path):
    """by_hand_against_import(step) imports a customer; another makes it by hand before this step of the import."""
    path = tmp_path / "table.csv"
    path.write_text(f"名称\n{NAME}\n", encoding="utf-8")
    client = sign_in(company.stranger)

    def load():
        task = CustomerImport(manager=company.manager)
        task.read(path)
        return task.write()

    def overtaken(step):
        return before(monkeypatch, CustomerImport, step).overtake(load, by_hand(client, new_customer))

    return overtaken


def test_a_customer_made_by_hand_does_not_wait_for_a_table_that_is_being_written(by_hand_against_import):
    outcome, status = by_hand_against_import("insert")
    assert (type(outcome), status) == (ImportRefused, 302)
    assert Customer.objects.count() == 1


def test_control_without_the_look_at_what_others_did_hand_and_table_make_one_twice(by_hand_against_import, monkeypatch):
    monkeypatch.setattr(ChangesMeanwhile, "refuse_known", lambda check, own: None)
    assert by_hand_against_import("insert") == (1, 302)
    assert Customer.objects.count() == 2


def test_a_customer_made_by_hand_waits_for_the_end_of_the_table_with_its_name(by_hand_against_import):
    assert by_hand_against_import("fill") == (1, 409)
    assert Customer.objects.count() == 1


@pytest.mark.usefixtures("without_names_lock")
def test_control_without_the_lock_hand_and_table_make_one_customer_twice(by_hand_against_import, monkeypatch):
    monkeypatch.setattr(ChangesMeanwhile, "refuse_known", lambda check, own: None)  # it looks after the other ended
    assert by_hand_against_import("fill") == (1, 302)


# Two opportunities of one name


@pytest.fixture
def two_opportunities(company, sign_in, monkeypatch):
    mine, theirs = sign_in(company.manager), sign_in(company.stranger)
    moment = before(monkeypatch, Opportunity, "save")
    values = factories.OPPORTUNITY
    return lambda: moment.overtake(
        lambda: mine.post("/marketing/opportunities/new/", values).status_code,
        lambda: theirs.post("/marketing/opportunities/new/", values).status_code,
    )


def test_of_two_users_creating_one_opportunity_at_once_the_second_is_warned(two_opportunities):
    assert two_opportunities() == (302, 409)


@pytest.mark.usefixtures("without_names_lock")
def test_control_without_the_lock_one_opportunity_is_made_twice(two_opportunities):
    assert two_opportunities() == (302, 302)


# Two contacts


@pytest.fixture
def two_contacts(company, sign_in, monkeypatch):
    customer = factories.CustomerFactory(manager=company.manager)
    tabs = [sign_in(company.manager) for _ in range(2)]
    moment = before(monkeypatch, Contact, "create")
    values = {"name": "高峰", "position": "科长", "office_phone": "024-5555 6610"}
    address = f"/customers/{customer.pk}/contacts/new/"
    return lambda: moment.overtake(*(lambda tab=tab: tab.post(address, values).status_code for tab in tabs))


def test_of_two_users_adding_one_contact_at_once_the_second_is_warned(two_contacts):
    assert two_contacts() == (302, 409)
    assert Contact.objects.count() == 1


def test_control_without_the_customers_lock_one_contact_is_added_twice(two_contacts, monkeypatch):
    monkeypatch.setattr("customers.records.locks.lock_row", lambda row: None)
    assert two_contacts() == (302, 302)


# A parent that is edited meanwhile


def test_a_branch_and_the_new_name_of_its_parent_never_lock_each_other_up(company, sign_in, monkeypatch, new_customer):
    """The parent's row comes before the names for both."""
    parent = factories.CustomerFactory(name="集团公司", manager=company.manager, phone="")
    client = sign_in(company.manager)

    def rename():
        with transaction.atomic():
            locked = Customer.objects.select_for_update().get(pk=parent.pk)
            moment()
            locks.lock_customer_names()
            locked.edit(by=company.manager, name="新集团公司")
            return True

    moment = Moment()
    made = moment.overtake(rename, by_hand(client, {**new_customer, "parent": parent.number}))
    assert made == (True, 302)
    assert Customer.objects.get(name=NAME).parent == parent
