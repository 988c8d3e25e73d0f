"""Saved views: whose they are, who uses a shared one, what is refused."""

from __future__ import annotations

import pytest
from django.urls import reverse

from accounts.list_views.models import MAX_VIEWS, read_views
from accounts.models import Department, SavedView
from kit.audit.models import AuditEntry
from tests import factories
from tests.exports import export
from tests.html import errors, find_all, text, texts, values

pytestmark = pytest.mark.django_db
LIST, NAME = "/customers/", "customers:customer_list"
NEW = f"/accounts/views/{NAME}/new/"


def saved(by, name="唐山的", **given):
    return SavedView.create(by=by, page=NAME, name=name, **{"query": "name=唐山", **given})


def used_by(user):
    return [view.label for view in read_views(factories.fresh(user), NAME)]


def test_a_view_is_ones_own_until_it_is_shared_with_the_department(company):
    view = saved(company.supervisor)
    assert used_by(company.manager) == []
    view.edit(by=company.supervisor, name="唐山的", shared=True)
    assert used_by(company.manager) == used_by(company.eastern) == ["唐山的"]  # of departments below
    assert used_by(company.stranger) == used_by(company.administrator) == []
    upwards = saved(company.manager, "组里的", shared=True)
    assert used_by(company.colleague) == ["唐山的", "组里的"]
    assert upwards.name not in used_by(company.supervisor)


def test_sharing_follows_its_owner_out_of_the_department_and_out_of_the_company(company):
    saved(company.supervisor, shared=True)
    company.supervisor.department = company.other
    company.supervisor.save()
    assert used_by(company.manager) == []
    assert used_by(company.stranger) == ["唐山的"]
    company.supervisor.is_active = False
    company.supervisor.save()
    assert used_by(company.stranger) == []


def test_a_department_four_levels_down_uses_what_is_shared_above(company):
    place = company.north
    for level in range(3):
        place = Department.objects.create(name=f"第{level}层", parent=place)
    saved(company.supervisor, shared=True)
    assert used_by(factories.person("account_manager", department=place)) == ["唐山的"]


def test_each_reader_of_a_shared_view_sees_their_own_rows(company, sign_in):
    factories.CustomerFactory(name="唐山一厂", manager=company.manager)
    factories.CustomerFactory(name="唐山二厂", manager=company.eastern)
    view = saved(company.supervisor, shared=True, query="name=唐山&mine=1")
    for person, seen in (("manager", ["唐山一厂"]), ("eastern", ["唐山二厂"]), ("supervisor", [])):
        answer = sign_in(getattr(company, person)).get(LIST, {"view": view.pk}, follow=True)
        assert (person, texts(answer, "table.tbl tbody td.m-t > a")) == (person, seen)


def test_a_view_that_is_not_the_readers_is_not_there(company, sign_in):
    view = saved(company.colleague)
    client = sign_in(company.manager)
    assert client.get(LIST, {"view": view.pk}).status_code == 404
    assert client.get(LIST, {"view": "999999999999999999999"}).status_code == 404
    choose = reverse("accounts:view_choose", args=[NAME])
    assert client.post(choose, {"view": view.pk}).status_code == 404
    view.edit(by=company.colleague, name=view.name, shared=True)
    assert client.get(LIST, {"view": view.pk}, follow=True).status_code == 200
    assert client.post(choose, {"view": view.pk}).status_code == 302
    assert client.post(reverse("accounts:view_delete", args=[view.pk])).status_code == 403


def test_saving_keeps_conditions_and_columns_and_tells_the_trail(company, sign_in):
    client = sign_in(company.manager)
    answer = client.get(LIST, {"name": "唐山", "columns": "name,rhythm", "sort": "-number", "page": "1", "mine": "1"})
    add = find_all(answer, "nav.views a.add")[0].get("href")
    client.post(add, {**values(client.get(add)), "name": "我的唐山", "default": "on"})
    view = SavedView.objects.get(owner=company.manager)
    assert sorted(view.query.split("&")) == sorted(
        ["name=%E5%94%90%E5%B1%B1", "columns=name%2Crhythm", "sort=-number", "mine=1", "status=all"]
    )
    assert factories.fresh(company.manager).default_views == {NAME: str(view.pk)}
    assert [entry.verb for entry in AuditEntry.objects.about(view)] == ["新建"]


def test_a_changed_view_takes_over_what_is_shown_now(company, sign_in):
    view, client = saved(company.manager), sign_in(company.manager)
    same = client.get(f"{LIST}?view={view.pk}&name=唐山&status=all")
    view.replace(by=company.manager, query="name=唐山&status=all")
    same = client.get(f"{LIST}?view={view.pk}&name=唐山&status=all")
    assert "改成现在的条件" not in text(same)
    changed = client.get(f"{LIST}?view={view.pk}&name=保定")
    url = next(a.get("href") for a in find_all(changed, ".tools a", containing="改成现在的条件"))
    form = values(client.get(url), "form.dlg")
    assert client.post(url, form).status_code == 302
    view.refresh_from_db()
    assert "name=%E4%BF%9D%E5%AE%9A" in view.query


def test_a_name_stands_once_and_views_have_an_end(company, sign_in):
    saved(company.manager)
    client = sign_in(company.manager)
    answer = client.post(NEW, {**values(client.get(NEW)), "name": "唐山的"})
    assert errors(answer) == ["这个列表里您已有同名的视图，请换个名称。"]
    for number in range(MAX_VIEWS - 1):
        saved(company.manager, f"第{number}个")
    answer = client.post(NEW, {**values(client.get(NEW)), "name": "再一个"})
    assert answer.status_code == 409
    assert f"最多保存 {MAX_VIEWS} 个视图" in text(answer)
    assert SavedView.objects.count() == MAX_VIEWS


def test_who_is_in_no_department_is_told_that_they_cannot_share(company, sign_in):
    page = "accounts:user_list"
    client = sign_in(company.administrator)
    url = f"/accounts/views/{page}/new/"
    assert "您不属于任何部门，不能共享。" in text(client.get(url))
    client.post(url, {**values(client.get(url)), "name": "停用的", "shared": "on"})
    assert SavedView.objects.get(owner=company.administrator).shared is False


@pytest.mark.parametrize(
    ("query", "told"),
    [("&".join(f"region={key}" for key in range(300)), "条件太多"), ("name=%00", "看不见的控制字符")],
)
def test_conditions_that_no_view_can_hold_are_refused_and_not_cut(query, told, company, sign_in):
    client = sign_in(company.manager)
    for url in (NEW, f"/accounts/views/{saved(company.manager, 'x').pk}/replace/"):
        form = values(client.get(url, {"conditions": query}), "form:has(input[name=query])")
        assert form["query"] == query
        answer = client.post(url, {**form, "name": "新的"})
        assert (answer.status_code, told in text(answer)) == (200, True)
    assert [view.query for view in SavedView.objects.all()] == ["name=唐山"]


def test_what_steers_a_page_is_no_condition_of_a_view(company, sign_in):
    client = sign_in(company.manager)
    for query in ("view={0}", "view=default&name=a", "view={0}&page=2&export=csv&column=name&up=name"):
        view = saved(company.manager, query[:20])
        SavedView.objects.filter(pk=view.pk).update(query=query.format(view.pk))
        company.manager.choose_list_view(NAME, str(view.pk), "x", by=company.manager)
        for key in (view.pk, "default"):
            answer = client.get(LIST, {"view": key}, follow=True)
            assert (query, answer.status_code, answer.context["misread"]) == (query, 200, [])


def test_neither_a_file_nor_work_on_all_rows_takes_the_name_of_a_view_for_its_conditions(company, sign_in):
    view, client = saved(company.supervisor), sign_in(company.supervisor)
    factories.CustomerFactory(name="保定厂", manager=company.manager)
    for key in (view.pk, "quiet"):
        assert "只有视图的名称" in text(export(client, f"{LIST}?view={key}"))
        whole = {"all": "1", "list": f"{LIST}?view={key}"}
        assert "只有视图的名称" in text(client.get("/customers/transfer/", whole, follow=True))
    assert export(client, f"{LIST}?view={view.pk}&name=唐山").status_code == 200
