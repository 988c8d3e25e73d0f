"""Transitions and guards: who may do what to a record, declared once beside the method that does it.

    class Opportunity(models.Model):
        @transition("marketing.assign_opportunity", "指派")
        def assign(self, to: User, *, by: User) -> None:
            ...  # permission and guard have agreed, the row is locked; write, log the event, notify

        @assign.guard
        def can_assign(self, by: User | None) -> Verdict:
            return refuse_if(self.is_closed, "机会已经结束。")

        @creation("marketing.add_opportunity", "新建")
        @classmethod
        def create(cls, *, by: User, **values: Any) -> Opportunity: ...

        @guard("marketing.plan_opportunity", "制定计划")
        def can_plan(self, by: User | None) -> Verdict: ...

`record.assign(to, by=user)` asks the permission and the guard on the locked row and raises Refused; `record.can_assign(
user)` gives the same verdict to a page. `Opportunity.assign`, `Opportunity.create` and `Opportunity.can_plan` are what
buttons, pages, the admin and the role check are declared with: they know model, permission, label and verdict.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, Concatenate, Generic, ParamSpec, Protocol, TypeVar, overload, runtime_checkable

from django.db import models, transaction

from kit.domain.actor import Actor
from kit.domain.verdict import ALLOWED, Verdict, require_permission
from kit.sql.row_locks import lock_before_records, lock_row

M = TypeVar("M", bound=models.Model)
P = ParamSpec("P")
R = TypeVar("R")
PermissionOf = str | Callable[[type[Any]], str]  # a function where each model has its own, as for sharing


@runtime_checkable
class LockedWithParent(Protocol):
    """A model whose transitions lock another row first, so that parts do not change while their whole is closed."""

    def locked_parent(self) -> models.Model | None: ...


@dataclass(frozen=True)
class Rule:
    """A permission and what it allows. label: 指派; refusal: the sentence where 您的角色不能指派… is wrong."""

    permission: PermissionOf
    label: str
    refusal: str = ""

    def permission_for(self, model: type[models.Model]) -> str:
        """Return the permission that users need; empty where everybody may ask, such as for their own account."""
        return self.permission if isinstance(self.permission, str) else self.permission(model)

    def verdict(self, model: type[models.Model], by: Actor | None) -> Verdict:
        permission = self.permission_for(model)
        if not permission:
            return ALLOWED
        return require_permission(by, permission, self.refusal or f"您的角色不能{self.label}{model._meta.verbose_name}")


@dataclass(frozen=True)
class Guard:
    """A rule of one model, with the check of a record's state and scope behind it: what Model.can_x gives."""

    model: type[models.Model]
    rule: Rule
    check: Callable[[Any, Any], Verdict] | None = None

    @property
    def permission(self) -> str:
        return self.rule.permission_for(self.model)

    @property
    def label(self) -> str:
        return self.rule.label

    def verdict(self, record: models.Model, by: Actor | None) -> Verdict:
        """Return whether the user may do it to the record now; by: None is the system."""
        permitted = self.rule.verdict(self.model, by)
        return self.check(record, by) if permitted and self.check else permitted


class GuardMethod(Generic[M]):
    """A method can_x(by) -> Verdict in a model; the permission is asked before it."""

    def __init__(self, rule: Rule, check: Callable[[M, Any], Verdict]) -> None:
        self.rule, self.check = rule, check
        self.__doc__, self.__name__ = check.__doc__, check.__name__

    @overload
    def __get__(self, record: None, owner: type[models.Model]) -> Guard: ...
    @overload
    def __get__(self, record: M, owner: type[models.Model]) -> Callable[[Any], Verdict]: ...
    def __get__(self, record: M | None, owner: type[models.Model]) -> Guard | Callable[[Any], Verdict]:
        declared = Guard(owner, self.rule, self.check)
        return declared if record is None else partial(declared.verdict, record)


@dataclass(frozen=True)
class Transition(Guard, Generic[P, R]):
    """A transition of one model: what Model.verb gives. Called with a record, it carries it out."""

    method: Callable[..., Any] = lambda record: None
    before: Callable[[Any], None] | None = None

    def __call__(self, record: models.Model, /, *args: P.args, **kwargs: P.kwargs) -> R:
        """Lock, ask permission and guard, and carry out, in one transaction; raise Refused when they refuse.

        Locks are taken in one order everywhere, so that transitions wait for each other and never deadlock:

        1. what `before` takes: an advisory lock shared with work that locks no rows;
        2. arguments with `locks_before_records` (users and other rows that are locked before whatever refers to
           them), so that what the method checks about them stays true;
        3. the row's locked_parent(), so that parts do not change while their whole is closed;
        4. the row itself, which is read again.

        On SQLite transactions are IMMEDIATE, so the transaction itself is the lock.
        """
        arguments = [*args, *(value for name, value in kwargs.items() if name != "by")]
        with transaction.atomic():
            if self.before:
                self.before(record)
            lock_before_records(*arguments)
            parent = record.locked_parent() if isinstance(record, LockedWithParent) else None
            if parent is not None:
                lock_row(parent)
            lock_row(record)
            by: Any = kwargs.get("by")
            self.verdict(record, by).enforce()
            return self.method(record, *args, **kwargs)


class TransitionMethod(Generic[M, P, R]):
    """A method of a model that @transition decorates; its guard follows it."""

    def __init__(
        self, rule: Rule, method: Callable[Concatenate[M, P], R], before: Callable[[Any], None] | None
    ) -> None:
        self.rule, self.method, self.before = rule, method, before
        self.check: Callable[[M, Any], Verdict] | None = None
        self.__doc__, self.__name__ = method.__doc__, method.__name__

    def guard(self, check: Callable[[M, Any], Verdict]) -> GuardMethod[M]:
        """Decorate can_x(by) -> Verdict: it is asked after the permission, before the method and for the buttons."""
        self.check = check
        return GuardMethod(self.rule, check)

    @overload
    def __get__(self, record: None, owner: type[models.Model]) -> Transition[P, R]: ...
    @overload
    def __get__(self, record: M, owner: type[models.Model]) -> Callable[P, R]: ...
    def __get__(self, record: M | None, owner: type[models.Model]) -> Transition[P, R] | Callable[P, R]:
        declared: Transition[P, R] = Transition(owner, self.rule, self.check, self.method, self.before)
        return declared if record is None else partial(declared, record)


@dataclass(frozen=True)
class Creation(Guard, Generic[P, R]):
    """How rows of one model are created: what Model.create gives. Called, it creates one."""

    method: Callable[..., Any] = lambda model: None

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R:
        """Ask the permission and create, in one transaction; raise Refused when it refuses."""
        by: Any = kwargs.get("by")
        self.rule.verdict(self.model, by).enforce()
        with transaction.atomic():
            return self.method(self.model, *args, **kwargs)


class CreationMethod(Generic[P, R]):
    """A classmethod create(cls, *, by, …) of a model that @creation decorates."""

    def __init__(self, rule: Rule, method: Callable[Concatenate[Any, P], R]) -> None:
        self.rule, self.method = rule, getattr(method, "__func__", method)  # what @classmethod wraps
        self.__doc__, self.__name__ = method.__doc__, method.__name__

    def __get__(self, record: models.Model | None, owner: type[models.Model]) -> Creation[P, R]:
        return Creation(owner, self.rule, None, self.method)


def guard(
    permission: PermissionOf, label: str, *, refusal: str = ""
) -> Callable[[Callable[[M, Any], Verdict]], GuardMethod[M]]:
    """Decorate can_x(by) -> Verdict of what is no transition of this model, such as writing a part of it."""
    return lambda check: GuardMethod(Rule(permission, label, refusal), check)


def transition(
    permission: PermissionOf, label: str, *, refusal: str = "", before: Callable[[Any], None] | None = None
) -> Callable[[Callable[Concatenate[M, P], R]], TransitionMethod[M, P, R]]:
    """Decorate a method that changes its row. before: takes advisory locks, before any row is locked."""
    return lambda method: TransitionMethod(Rule(permission, label, refusal), method, before)


def creation(
    permission: PermissionOf, label: str, *, refusal: str = ""
) -> Callable[[Callable[Concatenate[Any, P], R]], CreationMethod[P, R]]:
    """Decorate a classmethod create(cls, *, by, …)."""
    return lambda method: CreationMethod(Rule(permission, label, refusal), method)
