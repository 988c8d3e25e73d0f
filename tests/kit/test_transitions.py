"""Transitions own their guard: what a decorated method asks, in which order, and that every model declares it so."""

from __future__ import annotations

import inspect

import pytest
from django.apps import apps
from django.db import models, transaction

from accounts.models import User
from kit.domain.verdict import ALLOWED, Kind, Refused, refuse_if
from kit.sql.transactions import in_transaction
from kit.transitions import Creation, Guard, GuardMethod, Transition, TransitionMethod, creation, guard, transition
from marketing.models import Opportunity
from tests import factories

OURS = ("accounts", "basedata", "customers", "marketing", "services", "reports")
MODELS = [model for label in OURS for model in apps.get_app_config(label).get_models()]


def declared(kind: type) -> list[tuple[type[models.Model], str, object]]:
    """Return (model, name, descriptor) of what the models declare, an abstract parent's with each child."""
    return [
        (model, name, value)
        for model in MODELS
        for owner in model.__mro__
        for name, value in vars(owner).items()
        if isinstance(value, kind)
    ]


TRANSITIONS = declared(TransitionMethod)
NAMES = [f"{model.__name__}.{name}" for model, name, _ in TRANSITIONS]


@pytest.mark.parametrize(("model", "name", "method"), TRANSITIONS, ids=NAMES)
def test_a_guard_follows_its_transition_and_the_actor_is_named(model, name, method):
    assert method.check is not None, "a guard says who may and when; ALLOWED where the permission is all"
    assert method.check.__name__ == f"can_{name}"
    assert "by" in inspect.signature(method.method).parameters
    source, first = inspect.getsourcelines(method.method)
    assert inspect.getsourcelines(method.check)[1] <= first + len(source) + 3, "beside it"


def test_every_guard_of_a_model_is_declared():
    """A plain can_x would be asked by nobody but its caller, and know no permission."""
    plain = [
        f"{owner.__module__}.{owner.__name__}.{name}"
        for model in MODELS
        for owner in model.__mro__
        for name, value in vars(owner).items()
        if name.startswith("can_") and owner.__module__.split(".")[0] in OURS and not isinstance(value, GuardMethod)
    ]
    assert plain == []


@pytest.fixture
def assigned(company):
    return factories.assigned(company.manager, company.supervisor, company.manager)


def test_a_model_gives_the_declaration_and_a_record_what_it_does(assigned, company):
    assert isinstance(Opportunity.assign, Transition)
    assert isinstance(Opportunity.create, Creation)
    assert isinstance(Opportunity.can_plan, Guard)
    assert (Opportunity.assign.model, Opportunity.assign.permission) == (Opportunity, "marketing.assign_opportunity")
    assert Opportunity.reassign.verdict(assigned, company.supervisor) == assigned.can_reassign(company.supervisor)
    assert Opportunity.share.permission == "marketing.share_opportunity"  # of the model, not of the abstract parent


def test_the_permission_is_asked_before_the_guard_and_the_guard_on_the_locked_row(assigned, company):
    stale = Opportunity.objects.get(pk=assigned.pk)
    assigned.lose(by=company.manager, reason="停产")
    assert stale.can_reassign(company.supervisor), "what the page read earlier"
    with pytest.raises(Refused) as refused:
        stale.reassign(company.colleague, by=company.supervisor, reason="换人")
    assert refused.value.verdict.kind is Kind.STATE
    assert assigned.can_reassign(company.nobody).kind is Kind.NO_PERMISSION, "although its state refuses as well"


def test_a_refusal_says_the_label_or_its_own_sentence(company):
    record = factories.opportunity(company.manager)
    assert record.can_remove(company.nobody).reason == "您的角色不能删除销售机会"
    assert record.can_assign(company.nobody).reason == "只有销售主管可以指派销售机会"


def test_the_system_needs_no_permission():
    @guard("marketing.assign_opportunity", "指派")
    def can_assign(self, by):
        return refuse_if(by is not None, "只有系统。")

    asked = Guard(Opportunity, can_assign.rule, can_assign.check)
    assert asked.verdict(Opportunity(), None) is ALLOWED


def test_a_creation_asks_first_and_leaves_nothing_when_it_fails(company):
    @creation("marketing.add_opportunity", "新建")
    @classmethod
    def create(cls, *, by):
        User.objects.create(username="half")
        raise LookupError

    made = create.__get__(None, Opportunity)
    with pytest.raises(Refused):
        made(by=company.nobody)
    assert not User.objects.filter(username="half").exists()
    with pytest.raises(LookupError):
        made(by=company.manager)
    assert not User.objects.filter(username="half").exists()


@pytest.mark.django_db(transaction=True)
def test_a_function_that_needs_a_transaction_says_so():
    asked = in_transaction(lambda: "done")
    with pytest.raises(RuntimeError, match="needs a transaction"):
        asked()
    with transaction.atomic():
        assert asked() == "done"


def test_a_transition_without_permission_is_everybodys_own():
    @transition("", "修改")
    def edit(self, *, by):
        return None

    assert edit.__get__(None, User).permission == ""
