"""Two at once on the items of a development plan, on PostgreSQL; each race with its control run."""

from __future__ import annotations

import pytest
from django.db import OperationalError
from django.db.models import QuerySet

from kit.pages import versioned_save
from kit.pages.form_page import FormPage
from kit.undo.models import UndoEntry
from marketing.models import PlanItem
from tests import factories
from tests.html import values
from tests.races import ON_POSTGRESQL, again, before

pytestmark = ON_POSTGRESQL

# A plan item is edited on its page while it is removed


@pytest.fixture
def edit_meets_removal(company, monkeypatch, client):
    record = factories.assigned(company.colleague, company.supervisor, company.manager)
    item = factories.plan_item(record, company.manager)
    client.force_login(company.manager)
    url = f"/marketing/development/{record.pk}/items/{item.pk}/edit/"
    sent = {**values(client.get(url), "form[method=post]:has([name=text])"), "text": "改为线上"}
    moment = before(monkeypatch, versioned_save, "_save_if_unchanged")
    return lambda: moment.overtake(
        lambda: client.post(url, sent).status_code, lambda: again(item).remove(by=company.manager)
    )


def test_an_edited_item_is_removed_afterwards(edit_meets_removal):
    saved, removed = edit_meets_removal()
    assert (saved, type(removed)) == (302, UndoEntry)
    assert not PlanItem.objects.exists()


def test_control_with_the_item_locked_before_its_opportunity_the_two_lock_up(edit_meets_removal, monkeypatch):
    monkeypatch.setattr(versioned_save, "lock_before_row", lambda page: None)
    saved, removed = edit_meets_removal()
    assert saved != 302 or isinstance(removed, OperationalError)


# Two tabs save one 执行效果


@pytest.fixture
def two_tabs_save(company, sign_in, monkeypatch):
    """Both were opened on the same version; the first is stopped after its comparison, before it saves."""
    record = factories.assigned(company.colleague, company.supervisor, company.manager)
    item = factories.plan_item(record, company.manager, result="起初")
    url = f"/marketing/development/{record.pk}/items/{item.pk}/result/"
    tabs = [sign_in(company.manager) for _ in range(2)]
    opened = tabs[0].get(url).context["form"].initial["opened"]
    moment = before(monkeypatch, FormPage, "send")
    return lambda: (
        item,
        *moment.overtake(
            lambda: tabs[0].post(url, {"result": "第一个标签页", "opened": opened}).status_code,
            lambda: tabs[1].post(url, {"result": "第二个标签页", "opened": opened}).status_code,
        ),
    )


def test_of_two_tabs_saving_one_result_at_once_the_second_sees_the_conflict(two_tabs_save):
    item, first, second = two_tabs_save()
    assert (first, second) == (302, 409)
    assert again(item).result == "第一个标签页"


def test_control_without_the_lock_one_tab_saves_over_the_other(two_tabs_save, monkeypatch):
    monkeypatch.setattr(QuerySet, "select_for_update", lambda self, **_: self)
    assert two_tabs_save()[1:] == (302, 302)
