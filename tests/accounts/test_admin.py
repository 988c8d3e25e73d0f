"""系统管理: people, roles and departments under the product's rules, every change in the audit log."""

from __future__ import annotations

import re

import pytest
from django.contrib.auth.models import Permission
from django.urls import reverse

from accounts.models import Department, DepartmentMove, Role, Scope, User
from accounts.roles.permissions import catalogue
from basedata.models import DictionaryEntry
from kit.audit.models import AuditEntry
from kit.jobs.models import Job
from tests import factories
from tests.accounts.users import role
from tests.exports import export
from tests.html import find_all, text, urls

pytestmark = pytest.mark.django_db


def user_page(user):
    return reverse("admin:accounts_user_change", args=[user.pk])


def user_values(user, **changes):
    """What the user's page sends."""
    values = {
        "username": user.username,
        "name": user.name,
        "department": user.department_id or "",
        "mobile": user.mobile,
        "groups": [group.pk for group in user.groups.all()],
        "is_active": "on" if user.is_active else "",
        "opened": factories.fresh(user).version,
        **changes,
    }
    return {name: value for name, value in values.items() if value != ""}


def save(client, user, **changes):
    return client.post(user_page(user), user_values(user, **changes))


def role_values(record, **changes):
    return {
        "name": record.name,
        "view_scope": record.view_scope,
        "edit_scope": record.edit_scope,
        "permissions": list(record.permissions.values_list("pk", flat=True)),
        "opened": record.version,
        **changes,
    }


def entries(verb, record):
    return AuditEntry.objects.about(record).filter(verb=verb)


# The pages


@pytest.mark.parametrize(
    ("name", "status"),
    [
        ("accounts_user_changelist", 200),
        ("accounts_user_add", 302),
        ("basedata_dictionaryentry_changelist", 200),
        ("basedata_dictionaryentry_add", 200),
        ("jobs_job_changelist", 200),
        ("jobs_job_add", 403),
        ("settings", 200),
        ("accounts_role_changelist", 200),
        ("accounts_role_add", 200),
        ("accounts_department_changelist", 200),
        ("accounts_department_add", 200),
        ("audit_auditentry_changelist", 200),
        ("audit_auditentry_add", 403),
    ],
)
def test_what_an_administrator_opens(name, status, admin):
    assert admin.get(reverse(f"admin:{name}")).status_code == status


@pytest.mark.parametrize("asked", ["/admin/", "/admin/accounts/role/", "/admin/settings/"])
def test_a_visitor_signs_in_and_is_where_they_wanted_to_go(asked, company, client):
    page = client.get(asked, follow=True)
    sent = {"username": company.administrator.username, "password": "a-long-passphrase"}
    answer = client.post(page.request["PATH_INFO"] + "?" + page.request["QUERY_STRING"], sent, follow=True)
    assert (answer.request["PATH_INFO"], answer.status_code) == (asked, 200)


@pytest.mark.parametrize("asked", ["https://example.com/admin/", "//example.com/admin/", "/admin/login/", "/", "x\n"])
def test_the_admins_sign_in_leads_nowhere_else(asked, admin, client):
    assert admin.get("/admin/login/", {"next": asked})["Location"] == "/admin/"
    assert client.get("/admin/login/", {"next": asked})["Location"] == "/login/?next=/admin/"


def test_no_business_record_is_editable_in_the_admin(admin):
    index = admin.get("/admin/")
    html = index.content.decode()
    for label in ("marketing", "customers", "services", "otp_totp", "otp_static", "axes"):
        assert f"/admin/{label}/" not in html
        assert admin.get(f"/admin/{label}/").status_code == 404
    assert "/admin/basedata/dictionaryentry/" in urls(index)
    assert "/admin/basedata/product/" not in html


def test_the_admin_carries_the_products_name_in_chinese(admin):
    index = admin.get("/admin/")
    assert "系统管理" in text(index)
    assert "/" in urls(index)  # and a way back
    for word in ("用户", "角色", "部门", "审计记录", "数据字典", "后台任务", "设置"):
        assert word in text(index)


LISTS = ("accounts_user", "accounts_role", "accounts_department", "basedata_dictionaryentry", "audit_auditentry")
LISTS += ("jobs_job",)
WORDS = "Add|All|Can|Change|Choose|Clear|Filter|Link|Model|Name|No|Remove|Search|Select|True|False|View|Yes"
ENGLISH = re.compile(rf"\b(?:{WORDS})\b", re.I)
SPOKEN = ("alt", "title", "placeholder", "aria-label")


def spoken(page) -> str:
    """Return what a page shows, what is written on its buttons, and what it tells a screen reader."""
    told = [element.get(name) for name in SPOKEN for element in find_all(page, f"[{name}]")]
    written = [button.get("value", "") for button in find_all(page, "input[type=submit], input[type=reset]")]
    return " ".join([*told, *written, text(page)])


def test_no_page_of_the_admin_speaks_english(admin, company):
    entry = DictionaryEntry.objects.first()
    records = (company.manager, role("executive"), company.sales, entry)
    pages = [
        reverse(f"admin:{record._meta.label_lower.replace('.', '_')}_change", args=[record.pk]) for record in records
    ]
    pages += [reverse(f"admin:{name}_changelist") for name in LISTS]
    heard = {page: ENGLISH.findall(spoken(admin.get(page))) for page in ["/admin/", *pages]}
    assert {page: words for page, words in heard.items() if words} == {}


def test_no_field_of_the_admin_is_made_of_two_lists(admin, company):
    """Their script has no Chinese words for choosing and removing."""
    for record in (company.manager, role("executive")):
        page = admin.get(reverse(f"admin:accounts_{record._meta.model_name}_change", args=[record.pk]))
        assert "selectfilter" not in page.content.decode()
        assert find_all(page, "input[type=checkbox]")


# Users


def test_accounts_are_opened_and_given_passwords_on_the_products_pages(admin, company):
    pages = [reverse("admin:accounts_user_add"), reverse("admin:auth_user_password_change", args=[company.manager.pk])]
    leads = ["/accounts/users/new/", f"/accounts/users/{company.manager.pk}/password/"]
    for page, lead in zip(pages, leads, strict=True):
        assert admin.get(page)["Location"] == lead
        assert admin.post(page, {"username": "x", "password1": "reset-passphrase"})["Location"] == lead
    assert factories.fresh(company.manager).check_password("a-long-passphrase")


def test_a_changed_user_leaves_one_audit_row_from_old_to_new(admin, company):
    response = save(
        admin, company.manager, name="周大明", department=company.east.pk, groups=[role("sales_supervisor").pk]
    )
    assert response.status_code == 302
    user = factories.fresh(company.manager)
    assert (user.name, user.department, user.role_names) == ("周大明", company.east, "销售主管")
    entry = entries("编辑", user).get()
    assert entry.actor == company.administrator
    assert (entry.changes["姓名"], entry.changes["部门"]) == (["周经理", "周大明"], ["华北组", "华东组"])
    assert ["客户经理", "销售主管"] in entry.changes.values()
    assert len(entry.changes) == 3


def test_a_department_left_in_admin_is_kept_for_the_figures_of_its_time(admin, company):
    assert save(admin, company.manager, mobile="13800001111").status_code == 302
    assert not DepartmentMove.objects.exists()
    assert save(admin, factories.fresh(company.manager), department=company.east.pk).status_code == 302
    move = DepartmentMove.objects.get()
    assert (move.user, move.department) == (company.manager, company.north)


def test_a_retired_role_is_given_to_nobody_in_the_admin_either(admin, company):
    retired = Role.create(by=company.administrator, name="驻外代表", permissions=[])
    retired.retire(by=company.administrator)
    answer = save(admin, company.manager, groups=[role("account_manager").pk, retired.pk])
    assert "「驻外代表」已停用" in answer.content.decode()
    assert not company.manager.groups.filter(pk=retired.pk).exists()


def test_the_roles_of_a_user_are_called_roles_in_the_audit_log(admin, company):
    save(admin, company.manager, groups=[role("sales_supervisor").pk])
    assert "角色" in entries("编辑", company.manager).get().changes


def test_an_account_is_not_disabled_past_the_handing_over(admin, company):
    assert save(admin, company.manager, is_active="").status_code == 302
    assert factories.fresh(company.manager).is_active
    assert not entries("编辑", company.manager).get().changes


def test_users_are_not_deleted(admin, company):
    address = reverse("admin:accounts_user_delete", args=[company.nobody.pk])
    assert admin.get(address).status_code == 403
    assert admin.post(address, {"post": "yes"}).status_code == 403
    chosen = {"action": "delete_selected", "_selected_action": [company.nobody.pk], "post": "yes"}
    admin.post(reverse("admin:accounts_user_changelist"), chosen)
    assert User.objects.filter(pk=company.nobody.pk).exists()


def test_posting_hidden_rights_to_the_user_page_gives_none(admin, company):
    save(admin, company.manager, is_superuser="on", is_staff="on", user_permissions=[1], is_demo="on", theme="dark")
    user = factories.fresh(company.manager)
    assert (user.is_superuser, user.is_staff, user.is_demo, user.theme) == (False, False, False, "auto")
    assert user.user_permissions.count() == 0


# Who may give whom which role


def test_nobody_changes_their_own_roles(admin, company):
    response = save(admin, company.administrator, groups=[role("administrator").pk, role("executive").pk])
    assert "不能改变自己的角色，请由另一位系统管理员操作。" in response.content.decode()
    assert factories.fresh(company.administrator).role_names == "系统管理员"


def test_an_administrator_changes_their_own_name(admin, company):
    assert save(admin, company.administrator, name="何新名").status_code == 302


def test_an_administrator_makes_another_and_may_then_be_relieved_by_them(admin, company, sign_in):
    assert save(admin, company.nobody, groups=[role("administrator").pk]).status_code == 302
    other = sign_in(factories.fresh(company.nobody))
    assert save(other, company.administrator, groups=[]).status_code == 302
    assert not factories.fresh(company.administrator).is_administrator


def manager_of_users(company):
    """Somebody who manages users without being allowed to grant everything: a role made on screen."""
    helper = Role.objects.create(name="用户管理员")
    wanted = ["add_user", "change_user", "view_user", "change_role", "add_role", "view_role"]
    helper.permissions.set(Permission.objects.filter(codename__in=wanted))
    company.nobody.groups.add(helper)
    return factories.fresh(company.nobody)


def test_user_rights_alone_open_no_admin_page_and_grant_nothing(company, sign_in):
    client = sign_in(manager_of_users(company))
    response = client.post(user_page(company.manager), user_values(company.manager, groups=[role("administrator").pk]))
    assert response.status_code in (302, 403)
    assert not factories.fresh(company.manager).is_administrator


def test_the_last_administrator_is_not_relieved_by_a_superuser(company, sign_in):
    rescue = factories.UserFactory(username="rescue", is_superuser=True, is_staff=True)
    client = sign_in(rescue)
    response = save(client, company.administrator, groups=[])
    assert "这是最后一位可用的系统管理员" in response.content.decode()
    assert factories.fresh(company.administrator).is_administrator


def test_the_rescue_account_is_not_kept_by_administrators(admin):
    rescue = factories.UserFactory(username="rescue", is_superuser=True)
    assert save(admin, rescue, username="mine").status_code == 403
    assert factories.fresh(rescue).username == "rescue"


# Roles


def test_a_changed_role_leaves_an_audit_row_and_takes_effect(admin, company, sign_in):
    record = role("account_manager")
    assert sign_in(company.manager).get(factories.opportunity(company.colleague).get_absolute_url()).status_code == 200
    kept = record.permissions.exclude(codename="export_opportunity")
    values = role_values(record, view_scope=Scope.SELF, permissions=list(kept.values_list("pk", flat=True)))
    assert admin.post(reverse("admin:accounts_role_change", args=[record.pk]), values).status_code == 302
    entry = entries("编辑", record).get()
    assert entry.changes["查看范围"] == ["本部门", "本人"]
    assert (entry.changes["收回权限"], "授予权限" in entry.changes) == (["", "导出销售机会"], False)
    assert "Can" not in str(entry.changes)
    client = sign_in(company.manager)
    assert client.get(factories.opportunity(company.colleague).get_absolute_url()).status_code == 404
    assert export(client, "/marketing/opportunities/").status_code == 403


def test_rights_stand_in_the_order_of_the_products_own_page(admin):
    page = admin.get(reverse("admin:accounts_role_change", args=[role("executive").pk]))
    shown = [box.get("value") for box in find_all(page, "input[name=permissions]")]
    assert shown == [str(permission.pk) for permission in catalogue()]


def test_the_role_one_holds_is_read_in_the_words_of_the_products_page(admin):
    page = admin.get(reverse("admin:accounts_role_change", args=[role("administrator").pk]))
    assert "查看用户" in text(page)
    assert "管理用户、角色、部门与系统设置" in text(page)
    assert ENGLISH.findall(spoken(page)) == []


@pytest.mark.parametrize("form", ["admin:accounts_role_add", "accounts:role_create"])
def test_a_second_role_of_one_name_is_refused_in_plain_words(form, admin):
    values = {"name": role("executive").name, "view_scope": "self", "edit_scope": "self"}
    html = admin.post(reverse(form), values).content.decode()
    assert "已有同名的角色，请另取名称。" in html
    assert Role.objects.filter(name=values["name"]).count() == 1


def test_nobody_changes_a_role_they_hold(admin, company):
    record = role("administrator")
    address = reverse("admin:accounts_role_change", args=[record.pk])
    before = set(record.permissions.values_list("codename", flat=True))
    everything = list(Permission.objects.values_list("pk", flat=True))
    assert admin.post(address, role_values(record, permissions=everything, view_scope="all")).status_code == 403
    record.refresh_from_db()
    assert (record.view_scope, set(record.permissions.values_list("codename", flat=True))) == ("none", before)


def test_shipped_roles_are_not_deleted(admin):
    record = role("executive")
    assert admin.post(reverse("admin:accounts_role_delete", args=[record.pk]), {"post": "yes"}).status_code == 403
    assert Role.objects.filter(pk=record.pk).exists()


def test_shipping_again_does_not_undo_an_administrators_change():
    from accounts.roles.shipping import ship_roles

    record = role("account_manager")
    Role.objects.filter(pk=record.pk).update(view_scope=Scope.SELF)
    record.permissions.clear()
    ship_roles()
    record.refresh_from_db()
    assert (record.view_scope, record.permissions.count()) == ("self", 0)


# Departments


def test_department_changes_are_in_the_audit_log(admin, company):
    admin.post(reverse("admin:accounts_department_add"), {"name": "西南组", "parent": company.sales.pk})
    made = Department.objects.get(name="西南组")
    assert entries("新建", made).get().object_text == "西南组"
    address = reverse("admin:accounts_department_change", args=[made.pk])
    admin.post(address, {"name": "西部组", "parent": company.other.pk, "opened": made.version})
    assert entries("编辑", made).get().changes == {"名称": ["西南组", "西部组"], "上级部门": ["销售部", "海外部"]}
    admin.post(reverse("admin:accounts_department_delete", args=[made.pk]), {"post": "yes"})
    assert not Department.objects.filter(pk=made.pk).exists()
    assert AuditEntry.objects.filter(verb="删除", object_text="西部组").count() == 1


def test_departments_deleted_by_selection_are_in_the_audit_log_one_by_one(admin):
    made = [factories.DepartmentFactory(name=f"临时{n}") for n in range(2)]
    chosen = {"action": "delete_selected", "_selected_action": [record.pk for record in made], "post": "yes"}
    admin.post(reverse("admin:accounts_department_changelist"), chosen)
    assert not Department.objects.filter(name__startswith="临时").exists()
    assert AuditEntry.objects.filter(verb="删除", object_text__startswith="临时").count() == 2


def test_a_department_is_not_put_under_itself_or_its_own(admin, company):
    address = reverse("admin:accounts_department_change", args=[company.sales.pk])
    for parent in (company.sales, company.north):
        response = admin.post(address, {"name": "销售部", "parent": parent.pk, "opened": 0})
        assert "上级部门不能是本部门或它的下级部门，请另选。" in response.content.decode()
    company.sales.refresh_from_db()
    assert company.sales.parent is None


@pytest.mark.parametrize("parent", ["销售部", ""])
def test_two_departments_of_one_name_side_by_side_are_refused(parent, admin, company):
    values = {"name": "华北组" if parent else "销售部", "parent": company.sales.pk if parent else ""}
    response = admin.post(reverse("admin:accounts_department_add"), values)
    assert response.status_code == 200
    assert "部门。" in response.content.decode()
    assert Department.objects.filter(name=values["name"]).count() == 1


def test_a_department_with_members_is_not_deleted(admin, company):
    admin.post(reverse("admin:accounts_department_delete", args=[company.north.pk]), {"post": "yes"})
    assert Department.objects.filter(pk=company.north.pk).exists()


# The audit log


def test_the_trail_is_read_and_never_written(admin, company):
    factories.opportunity(company.manager)
    entry = AuditEntry.objects.filter(verb="新建").first()
    address = reverse("admin:audit_auditentry_change", args=[entry.pk])
    assert admin.get(address).status_code == 200
    assert admin.post(address, {"verb": "伪造"}).status_code == 403
    delete = reverse("admin:audit_auditentry_delete", args=[entry.pk])
    assert admin.post(delete, {"post": "yes"}).status_code == 403
    chosen = {"action": "delete_selected", "_selected_action": [entry.pk], "post": "yes"}
    admin.post(reverse("admin:audit_auditentry_changelist"), chosen)
    assert AuditEntry.objects.get(pk=entry.pk).verb == "新建"


def test_the_trail_is_searched_and_filtered(admin, company):
    factories.opportunity(company.manager)
    factories.opportunity(company.colleague)
    address = reverse("admin:audit_auditentry_changelist")
    html = admin.get(address, {"q": "周经理", "verb": "新建"}).content.decode()
    assert "周经理" in html
    assert "陈同事" not in html


# The dictionary, jobs, settings


def dictionary_page(entry, page="change"):
    return reverse(f"admin:basedata_dictionaryentry_{page}", args=[entry.pk])


def test_a_dictionary_entry_is_kept_by_the_rules_of_its_own_pages(admin, company):
    values = {"category": "竞争对手", "item": "甲公司", "value": "90", "is_editable": "on"}
    admin.post(reverse("admin:basedata_dictionaryentry_add"), values)
    made = factories.entry("竞争对手", "甲公司")
    admin.post(dictionary_page(made), {**values, "item": "乙公司", "opened": made.version})
    made.refresh_from_db()
    assert (made.item, made.version) == ("乙公司", 1)
    assert [row.verb for row in AuditEntry.objects.about(made)] == ["编辑", "新建"]
    fixed, used = factories.entry("服务类型", "建议"), factories.CustomerFactory().region
    assert admin.post(dictionary_page(fixed), {**values, "item": "改名"}).status_code == 403
    for kept in (fixed, used):
        assert admin.post(dictionary_page(kept, "delete"), {"post": "yes"}).status_code == 403
        kept.refresh_from_db()
    admin.post(dictionary_page(made, "delete"), {"post": "yes"})
    assert AuditEntry.objects.filter(verb="删除", object_text="乙公司").count() == 1


def test_jobs_are_read_without_what_they_work_on(admin, company):
    job = Job.objects.create(kind="导出", function="x", owner=company.manager, arguments={"query": "沈阳北辰"})
    address = reverse("admin:jobs_job_change", args=[job.pk])
    assert "沈阳北辰" not in admin.get(address).content.decode()
    assert admin.post(address, {"kind": "伪造"}).status_code == 403


def test_settings_are_shown_without_secrets(admin, settings):
    html = admin.get(reverse("admin:settings")).content.decode()
    assert "设置由维护服务器的同事修改" in html
    assert "CRM_" not in html  # names of the environment mean nothing to who reads here
    assert settings.SECRET_KEY not in html
    assert str(settings.DATABASES["default"]["NAME"]) not in html


def test_settings_show_the_limits_that_hold(admin, settings):
    settings.CRM_SESSION_HOURS, settings.CRM_SESSION_IDLE_MINUTES = 9, 77
    settings.CRM_EXPORT_REASON_ROWS, settings.CRM_AUDIT_KEEP_MONTHS = 1234, 36
    rows = {name: value for name, _, value in admin.get(reverse("admin:settings")).context["rows"]}
    assert (rows["CRM_SESSION_HOURS"], rows["CRM_SESSION_IDLE_MINUTES"]) == ("9", "77")
    assert (rows["CRM_EXPORT_REASON_ROWS"], rows["CRM_AUDIT_KEEP_MONTHS"]) == ("1234", "36")
    assert "SESSION_COOKIE_AGE" not in rows  # the cookie outlives the session
    assert rows["CRM_REQUIRE_ADMIN_TOTP"] == "否"
