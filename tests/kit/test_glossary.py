"""docs/glossary.md and the code agree: every name exists, labels are the terms, and no model is without a word."""

from __future__ import annotations

import re
from importlib import import_module
from typing import Any

import pytest
from django.apps import apps
from django.conf import settings
from django.core.exceptions import FieldDoesNotExist
from django.db import models

GLOSSARY = (settings.BASE_DIR / "docs" / "glossary.md").read_text()
ROWS = re.findall(r"^\| (\S+) \| `([\w.]+)` \| (.+) \|$", GLOSSARY, re.M)
OWN = ("accounts", "basedata", "crm", "customers", "kit", "marketing", "reports", "services")
PHRASES = {  # terms of the trade where the label says more, or nothing, of the same thing
    "customers.CustomerGrant", "accounts.Role.view_scope", "accounts.Role.edit_scope", "services.ServiceRequest.keeper",
    "customers.Customer.manager",
}  # fmt: skip


def resolve(name: str) -> Any:
    """Return what a name of the glossary means: a model, a field, a member or method, or something of a module."""
    first, second, *rest = name.split(".")
    if first in apps.app_configs and second in {model.__name__ for model in apps.get_app_config(first).get_models()}:
        return attribute_of(apps.get_model(first, second), rest)
    parts = name.split(".")
    for end in range(len(parts) - 1, 0, -1):
        try:
            module = import_module(".".join(parts[:end]))
        except ModuleNotFoundError:
            continue
        return attribute_of(getattr(module, "models", module) if end == 1 else module, parts[end:])
    raise AssertionError(f"{name} is nothing of the code")


def attribute_of(holder: Any, names: list[str]) -> Any:
    for name in names:
        if isinstance(holder, type) and issubclass(holder, models.Model):
            try:
                holder = holder._meta.get_field(name)
                continue
            except FieldDoesNotExist:
                pass
        holder = getattr(holder, name)
    return holder


def label_of(thing: Any) -> str | None:
    """Return the Chinese label Django knows of a model, a field or a choice."""
    if isinstance(thing, type) and issubclass(thing, models.Model) and not thing._meta.abstract:
        return str(thing._meta.verbose_name)
    if isinstance(thing, models.Field):
        return str(thing.verbose_name)
    return str(thing.label) if isinstance(thing, models.Choices) else None


@pytest.mark.parametrize(("term", "name", "meaning"), ROWS, ids=[name for _, name, _ in ROWS])
def test_a_name_of_the_glossary_exists_and_is_labelled_with_its_term(term, name, meaning):
    label = label_of(resolve(name))
    if name not in PHRASES:
        assert label in (None, term)


def test_no_name_and_no_line_of_the_glossary_stands_twice():
    names = [name for _, name, _ in ROWS]
    assert len(names) > 80
    assert len(names) == len(set(names))


def test_every_model_has_a_word():
    own = {
        f"{config.label}.{model.__name__}"
        for config in apps.get_app_configs()
        if config.module.__name__.split(".")[0] in OWN
        for model in config.get_models()
    }
    named = set(re.findall(r"`(\w+\.\w+)`", GLOSSARY))
    assert own - named == set()


def test_a_name_that_is_gone_is_seen():
    with pytest.raises((AssertionError, AttributeError)):
        resolve("customers.Customer.keeper")
    with pytest.raises(AssertionError):
        resolve("nowhere.at.all")
