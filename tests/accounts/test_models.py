"""People and roles: who may give whom which role, who is told what, and the tree of departments."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import Group
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.utils import timezone

from accounts.models import (
    Department,
    Notification,
    Role,
    User,
    check_not_last_administrator,
    check_role_change,
    notify,
    subtree_ids,
)
from accounts.roles.shipped import SHIPPED_ROLES
from accounts.roles.shipping import ship_roles
from tests import factories

pytestmark = pytest.mark.django_db


def role(code):
    return Role.objects.get(code=code)


# Shipped roles


@pytest.mark.parametrize("code", SHIPPED_ROLES)
def test_a_shipped_role_has_the_name_scopes_and_rights_of_the_table(code):
    name, view, edit, permissions = SHIPPED_ROLES[code]
    kept = role(code)
    assert (kept.name, kept.view_scope, kept.edit_scope) == (name, view, edit)
    found = {f"{p.content_type.app_label}.{p.codename}" for p in kept.permissions.select_related("content_type")}
    assert found == set(permissions.split())


def test_shipping_again_overwrites_nothing():
    kept = role("account_manager")
    Role.objects.filter(pk=kept.pk).update(name="销售", view_scope="self")
    kept.permissions.clear()
    ship_roles()
    kept.refresh_from_db()
    assert (kept.name, kept.view_scope, kept.permissions.count()) == ("销售", "self", 0)
    assert Role.objects.count() == len(SHIPPED_ROLES)


def test_shipping_brings_back_a_role_that_is_missing():
    role("executive").delete()
    ship_roles()
    assert role("executive").permissions.filter(codename="view_customer").exists()


def test_the_administrator_holds_no_right_over_business_data():
    permissions = SHIPPED_ROLES["administrator"][3].split()
    business = {
        permission for permission in permissions if permission.startswith(("marketing.", "customers.", "services."))
    }
    # Orders come with the product and stock queries, but no scope opens any; the rest shows numbers and names only,
    # and the targets of services are a setting.
    targets = {"services.view_servicetarget", "services.change_servicetarget"}
    assert business - targets == {"customers.view_order", "customers.restore_customer", "customers.scan_churncase"}
    assert SHIPPED_ROLES["administrator"][1:3] == ("none", "none")


def test_executives_hold_rights_to_view_and_export_and_to_review_reports_only():
    permissions = set(SHIPPED_ROLES["executive"][3].split()) - {"reports.review_monthlyreport"}
    assert all(permission.split(".")[1].startswith(("view_", "export_")) for permission in permissions)


# Rights


def test_rights_of_several_roles_add_up(company):
    assert not company.nobody.has_perm("marketing.assign_opportunity")
    company.nobody.groups.add(role("executive"), role("account_manager"))
    person = factories.fresh(company.nobody)
    assert person.has_perm("marketing.develop_opportunity")
    assert set(person.role_names.split("、")) == {"客户经理", "高管"}
    assert person.holds_role("executive")
    assert not person.holds_role("administrator")


def test_a_right_taken_away_is_gone_at_the_next_request(company):
    assert company.manager.has_perm("marketing.plan_opportunity")
    company.manager.groups.clear()
    assert not factories.fresh(company.manager).has_perm("marketing.plan_opportunity")


def test_a_disabled_person_has_no_right_not_even_for_rescue(company):
    User.objects.filter(pk=company.manager.pk).update(is_active=False, is_superuser=True)
    person = factories.fresh(company.manager)
    assert not person.has_perm("marketing.view_opportunity")
    assert not person.has_module_perms("marketing")
    assert not person.is_administrator


def test_rights_belong_to_roles_not_to_single_people(company):
    permission = role("sales_supervisor").permissions.get(codename="assign_opportunity")
    company.nobody.user_permissions.add(permission)
    assert not factories.fresh(company.nobody).has_perm("marketing.assign_opportunity")
    assert company.nobody not in User.objects.holding("marketing.assign_opportunity")


def test_a_superuser_holds_every_right_and_is_no_administrator_by_role(company):
    User.objects.filter(pk=company.nobody.pk).update(is_superuser=True)
    person = factories.fresh(company.nobody)
    assert person.has_perm("marketing.assign_opportunity")
    assert not person.holds_role("administrator")
    assert person not in User.objects.administrators()


def test_holding_finds_active_people_once(company):
    both = factories.person("account_manager", name="兼任")
    both.groups.add(role("sales_supervisor"))
    factories.person("account_manager", name="离职", is_active=False)
    managers = User.objects.account_managers()
    assert sorted(managers.values_list("name", flat=True)) == sorted(["周经理", "陈同事", "王华东", "外人甲", "兼任"])
    planners = User.objects.holding("marketing.plan_opportunity")
    assert list(planners.values_list("pk", flat=True)).count(both.pk) == 1


# Who may give whom which role


def test_nobody_changes_their_own_roles(company):
    for roles in ([], [role("account_manager")], [role("administrator"), role("executive")]):
        with pytest.raises(ValidationError, match="不能改变自己的角色"):
            check_role_change(company.administrator, company.administrator, roles)


def test_keeping_the_same_roles_is_no_change(company):
    check_role_change(company.administrator, company.administrator, [role("administrator")])
    check_role_change(company.manager, company.administrator, [role("administrator")])


def test_only_an_administrator_gives_or_takes_the_administrators_role(company):
    give, take = (company.manager, [role("administrator")]), (company.administrator, [])
    factories.person("administrator", name="副管理")
    for person, roles in (give, take):
        with pytest.raises(ValidationError, match="只有系统管理员可以授予或收回"):
            check_role_change(company.supervisor, person, roles)
        with transaction.atomic():
            check_role_change(company.administrator if person != company.administrator else second(), person, roles)


def second():
    return User.objects.get(name="副管理")


def test_any_role_that_carries_the_right_to_administer_counts_as_the_administrators(company):
    home_made = Role.objects.create(name="自制管理")
    home_made.permissions.add(role("administrator").permissions.get(codename="administer"))
    with pytest.raises(ValidationError, match="只有系统管理员可以授予或收回"):
        check_role_change(company.supervisor, company.manager, [home_made])


def test_a_new_person_gets_roles_under_the_same_rules(company):
    newcomer = User(username="new", name="新人")
    check_role_change(company.administrator, newcomer, [role("administrator")])
    with pytest.raises(ValidationError, match="只有系统管理员可以授予或收回"):
        check_role_change(company.supervisor, newcomer, [role("administrator")])


def test_the_last_administrator_is_neither_demoted_nor_disabled(company):
    rescue = factories.UserFactory(is_superuser=True)
    for check in (
        lambda: check_role_change(rescue, company.administrator, [role("executive")]),
        lambda: check_not_last_administrator(company.administrator),
    ):
        with pytest.raises(ValidationError, match="这是最后一位可用的系统管理员"), transaction.atomic():
            check()


@pytest.mark.parametrize("is_active", [True, False])
def test_another_administrator_counts_while_they_are_active(company, is_active):
    factories.person("administrator", name="副管理", is_active=is_active)
    if is_active:
        check_not_last_administrator(company.administrator)
        return
    with pytest.raises(ValidationError, match="最后一位"):
        check_not_last_administrator(company.administrator)


def test_a_disabled_administrator_may_always_be_demoted(company):
    gone = factories.person("administrator", name="离职", is_active=False)
    check_role_change(company.administrator, gone, [])


# Departments


def test_the_subtree_is_the_department_and_all_below(company):
    deep = factories.DepartmentFactory(name="一组", parent=company.north)
    below = {company.sales.pk, company.north.pk, company.east.pk, deep.pk}
    assert subtree_ids(company.sales.pk) == below
    assert subtree_ids(company.north.pk) == {company.north.pk, deep.pk}
    assert subtree_ids(deep.pk) == {deep.pk}


def test_a_circle_of_departments_does_not_hang(company):
    Department.objects.filter(pk=company.sales.pk).update(parent=company.north)
    assert subtree_ids(company.sales.pk) == {company.sales.pk, company.north.pk, company.east.pk}


def test_a_department_is_not_put_under_itself(company):
    for parent in (company.sales, company.north):
        company.sales.parent = parent
        with pytest.raises(ValidationError, match="上级部门不能是本部门或它的下级部门"):
            company.sales.clean()
    company.sales.parent = company.other
    company.sales.clean()


@pytest.mark.parametrize(("top", "message"), [(True, "已有同名的最上级部门"), (False, "同一上级部门下已有同名部门")])
def test_two_departments_of_one_name_stand_under_different_parents(company, top, message):
    double = Department(name="销售部") if top else Department(name="华北组", parent=company.sales)
    with pytest.raises(ValidationError, match=message):
        double.validate_constraints()
    with pytest.raises(IntegrityError), transaction.atomic():
        Department.objects.bulk_create([double])
    Department.objects.create(name=double.name, parent=company.other)


# Notifications


def test_people_who_left_are_not_told(company):
    User.objects.filter(pk=company.manager.pk).update(is_active=False)
    notify(factories.fresh(company.manager), "不应收到")
    notify(None, "无人")
    assert not Notification.objects.exists()


def test_a_long_text_is_cut_to_what_the_table_holds(company):
    notify(company.manager, "长" * 1000)
    assert len(Notification.objects.get().text) == 300


def test_notes_come_newest_first_without_those_on_rows_out_of_view(company):
    own, foreign = factories.opportunity(company.manager), factories.opportunity(company.stranger)
    notify(company.manager, "一", own)
    notify(company.manager, "二")
    notify(company.manager, "三", foreign)
    notify(company.colleague, "四", own)
    assert [note.text for note in Notification.visible(company.manager)] == ["二", "一"]
    assert [note.text for note in Notification.visible(company.manager, limit=2)] == ["二"]


def test_a_note_on_a_deleted_record_is_not_shown(company):
    record = factories.opportunity(company.manager)
    notify(company.manager, "一", record)
    record.remove(by=company.manager)
    assert Notification.visible(company.manager) == []


def test_reading_twice_keeps_the_first_time(company):
    notify(company.manager, "一")
    note = Notification.objects.get()
    note.mark_read()
    first = note.read_at
    assert first <= timezone.now()
    note.mark_read()
    assert Notification.objects.get().read_at == first
    assert not Notification.objects.unread()


def test_a_plain_group_is_no_role(company):
    group = Group.objects.create(name="临时组")
    company.nobody.groups.add(group)
    assert factories.fresh(company.nobody).role_permissions == []


def test_a_person_is_called_the_same_in_sql_and_in_python(company):
    factories.UserFactory(username="only.sign.in", name="")
    people = User.objects.order_by("pk")
    assert list(people.values_list(User.sql_label(), flat=True)) == [str(person) for person in people]
    assert "only.sign.in" in people.values_list(User.sql_label(), flat=True)
