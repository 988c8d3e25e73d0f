"""What is read of a user once: it lasts as long as the object of the user, and the next request reads it anew."""

from __future__ import annotations

import pytest

from accounts.models import Role, User
from accounts.scopes.rule import VIEW, user_ids_in_scope
from customers.models import Customer
from marketing.models import Opportunity
from services.models import ServiceRequest
from tests import factories

pytestmark = pytest.mark.django_db
PERMISSION = "customers.view_customer"


def test_facts_stand_in_one_object_and_in_no_private_keys(company):
    person = factories.fresh(company.colleague)
    User.objects.filter(pk=person.pk).update(receives_shares=True)
    person = factories.fresh(person)
    for model in (Customer, Opportunity, ServiceRequest):
        list(model.objects.visible_to(person))
    Role.objects.first().is_held_by(person)
    facts = person.session_facts
    assert all((facts.people_by_permission, facts.granted_ids, facts.of_modules, facts.role_ids))
    assert [name for name in vars(person) if name.startswith("_")] == ["_state"]


def test_facts_are_read_anew_with_the_user(company):
    person = factories.fresh(company.supervisor)
    before = user_ids_in_scope(person, PERMISSION, VIEW)
    assert company.manager.pk in before
    User.objects.filter(pk=company.manager.pk).update(department=company.other)
    assert user_ids_in_scope(person, PERMISSION, VIEW) == before
    assert company.manager.pk not in user_ids_in_scope(factories.fresh(person), PERMISSION, VIEW)
