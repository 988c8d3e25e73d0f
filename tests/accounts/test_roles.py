"""角色 and 部门 on their pages: permissions by module, plain words, the tree; and permissions shipped once."""

from __future__ import annotations

import re

import pytest
from django.contrib.auth.models import Permission
from django.core import signing
from django.urls import reverse

from accounts.models import Department, Role, Scope, User
from accounts.roles import shipped as roles
from accounts.roles.permissions import catalogue, describe_permissions, group_by_module, permission_name
from accounts.roles.shipped import SHIPPED_ROLES
from accounts.roles.shipping import ship_roles
from crm.role_check import entries
from customers.models import Customer
from kit.audit.models import AuditEntry
from kit.domain.verdict import Refused
from tests import factories
from tests.accounts.users import role
from tests.exports import export
from tests.html import find, find_all, rows, text, texts
from tests.permissions.tables import ROWS

pytestmark = pytest.mark.django_db


def held(record):
    return {permission_name(permission) for permission in record.permissions.select_related("content_type")}


def ids(*names):
    return [permission.pk for permission in catalogue() if permission_name(permission) in names]


def values(record, **changes):
    return {
        "name": record.name,
        "view_scope": record.view_scope,
        "edit_scope": record.edit_scope,
        "permissions": list(record.permissions.values_list("pk", flat=True)),
        "opened": signing.dumps({"version": record.version, "values": {}}, salt="opened"),
        **changes,
    }


def at(name, record):
    return reverse(f"accounts:role_{name}", args=[record.pk])


# The tree of permissions


def test_every_right_of_the_shipped_roles_is_offered_by_module_in_chinese(admin):
    page = admin.get(reverse("accounts:role_create"))
    html = page.content.decode()
    names = {name for *_, permissions in SHIPPED_ROLES.values() for name in permissions.split()}
    assert {permission_name(permission) for permission in catalogue()} == names
    assert len(find_all(page, "input[name=permissions]")) == len(names)
    assert len(find_all(page, "input[name=whole]")) >= 5
    assert "Can " not in html
    for words in ("查看客户", "移交客户", "指派、改派销售机会", "全选"):
        assert words in html


def test_a_whole_module_is_chosen_without_script(admin):
    sent = {"name": "营销内勤", "view_scope": "all", "edit_scope": "none", "whole": ["marketing"]}
    sent["permissions"] = ids("customers.view_customer")
    assert admin.post(reverse("accounts:role_create"), sent).status_code == 302
    made = Role.objects.get(name="营销内勤")
    marketing = {
        permission_name(permission)
        for permission in catalogue()
        if permission_name(permission).startswith("marketing.")
    }
    assert held(made) == {*marketing, "customers.view_customer"}
    assert (made.code, made.view_scope, made.shipped_rights) == (None, "all", [])
    entry = AuditEntry.objects.about(made).get()
    assert (entry.verb, entry.changes["查看范围"]) == ("新建", ["", "全部"])
    assert "查看客户" in entry.changes["授予权限"][1]


def test_a_changed_role_takes_effect_at_once_and_says_what_was_granted_and_withdrawn(admin, company, sign_in):
    record, client = role("account_manager"), sign_in(company.manager)
    seen = factories.opportunity(company.colleague).get_absolute_url()
    assert client.get(seen).status_code == 200
    kept = [*ids(*held(record) - {"marketing.export_opportunity"}), *ids("customers.transfer_customer")]
    assert admin.post(at("update", record), values(record, view_scope=Scope.SELF, permissions=kept)).status_code == 302
    entry = AuditEntry.objects.about(record).get()
    assert entry.changes == {
        "查看范围": ["本部门", "本人"],
        "授予权限": ["", "移交客户"],
        "收回权限": ["", "导出销售机会"],
    }
    assert client.get(seen).status_code == 404
    assert export(client, "/marketing/opportunities/").status_code == 403
    record.refresh_from_db()
    assert record.version == 1


def test_a_role_edited_twice_at_once_is_refused_with_both_versions(admin):
    record = role("executive")
    late = values(record, name="总经理")
    admin.post(at("update", record), values(record, name="高层"))
    response = admin.post(at("update", record), late)
    assert response.status_code == 409
    assert "总经理" in response.content.decode()
    assert role("executive").name == "高层"


def test_rights_the_page_does_not_offer_stay_and_none_of_them_can_be_posted(admin):
    record = role("executive")
    odd, foreign = Permission.objects.get(codename="add_order"), Permission.objects.get(codename="delete_user")
    record.permissions.add(odd)
    response = admin.post(at("update", record), values(record, permissions=[foreign.pk]))
    assert response.status_code == 200
    record.permissions.set([odd, *ids("customers.view_customer")])
    assert admin.post(at("update", record), values(record, permissions=ids("customers.view_order"))).status_code == 302
    assert held(record) == {"customers.add_order", "customers.view_order"}


def test_nobody_changes_a_role_they_hold(admin, company):
    record = role("administrator")
    before = held(record)
    for method in (admin.get, admin.post):
        assert method(at("update", record), values(record, whole=["customers"], view_scope="all")).status_code == 403
    record.refresh_from_db()
    assert (held(record), record.view_scope) == (before, "none")
    with pytest.raises(Refused, match="自己持有的角色"):
        record.edit(by=factories.fresh(company.administrator), view_scope="all")


def test_the_right_to_change_roles_is_none_without_administration(company):
    made = Role.objects.create(name="假管理员")
    made.permissions.set(Permission.objects.filter(codename__in=["view_role", "add_role", "change_role"]))
    company.nobody.groups.add(made)
    person = factories.fresh(company.nobody)
    everything = list(Permission.objects.all())
    for act in (
        lambda: role("executive").edit(by=person, permissions=everything),
        lambda: role("administrator").copy(by=person, name="另一种管理员"),
        lambda: Role.create(by=person, name="新管理员", permissions=everything, view_scope="all", edit_scope="all"),
    ):
        with pytest.raises(Refused, match="只有系统管理员可以管理角色"):
            act()
    assert list(User.objects.administrators()) == [company.administrator]


def test_the_last_role_that_administers_keeps_that_permission(company):
    """The rescue account, which holds no role, would otherwise leave nobody."""
    rescue = factories.UserFactory(is_superuser=True)
    record = role("administrator")
    with pytest.raises(Refused, match="没有系统管理员"):
        record.edit(by=rescue, permissions=[])
    assert "accounts.administer" in held(record)


def test_a_copy_has_the_rights_and_scopes_of_its_model(admin):
    record = role("sales_supervisor")
    response = admin.post(at("copy", record), {"name": "大区主管"})
    made = Role.objects.get(name="大区主管")
    assert response["Location"] == at("update", made)
    assert (held(made), made.view_scope, made.code) == (held(record), record.view_scope, None)
    assert "已有同名的角色" in admin.post(at("copy", record), {"name": "大区主管"}).content.decode()


# In plain words


def test_the_list_and_the_page_say_how_many_hold_it_and_what_it_may(admin, company):
    factories.person("executive", name="离职高管", is_active=False)
    row = find(admin.get(reverse("accounts:role_list")), "table.tbl tbody tr", containing="高管")
    assert texts(row, "td[data-l=人数]") == ["1"]
    html = admin.get(at("detail", role("executive"))).content.decode()
    for words in ("看得到全部的记录，不能改动。", "可以查看销售机会，导出销售机会。", "沈总"):
        assert words in html
    assert "离职高管" not in html


def test_sentences_join_the_plain_verbs_of_a_record():
    permissions = Permission.objects.filter(codename__in=["view_customer", "add_customer", "change_customer"])
    assert describe_permissions(permissions.select_related("content_type")) == [
        ("客户管理", "可以查看、新建、编辑客户。")
    ]


# What a role may open


ROLES = {"administrator": "administrator", "supervisor": "sales_supervisor", "manager": "account_manager"}
ROLES |= {"executive": "executive"}


# Where the permission is held and the table's records are closed all the same.
OTHERS_RECORDS = {
    ("sales_supervisor", "marketing:opportunity_delete"): "another created it",
    ("sales_supervisor", "import_file"): "another's file",
    ("sales_supervisor", "import_carry_out"): "another's file",
    ("sales_supervisor", "import_refused"): "another's file",
    ("sales_supervisor", "import_run"): "another's sheet",
    ("sales_supervisor", "import_sheet"): "another's sheet",
    ("sales_supervisor", "import_columns"): "another's sheet",
    ("sales_supervisor", "import_values"): "another's sheet",
    ("sales_supervisor", "import_preview"): "another's sheet",
    ("sales_supervisor", "import_write"): "another's sheet",
    ("sales_supervisor", "import_rejects"): "another's sheet",
    ("sales_supervisor", "import_undo"): "another's sheet",
    ("administrator", "customers:customer_orders"): "sees no customers",
    ("administrator", "customers:order_detail"): "sees no customers",
    ("account_manager", "services:rating_picture"): "there only while a link is out",
    ("executive", "services:request_note"): "edits nobody's records",
}


def test_the_check_page_agrees_with_what_every_address_answers():
    """The permission named for an address: without it nobody gets in, and of those who hold it somebody does."""
    answers = {}
    for name, _, verb, got in ROWS:
        for person, code in ROLES.items():  # 409: only the record's state refuses
            answers.setdefault((name, code), set()).add((verb, got[person]))
    wrong = []
    for entry in [entry for entry in entries() if (entry.name, "executive") in answers]:
        opened = {
            code: any(status in ("200", "204", "302", "409") for _, status in answers[entry.name, code])
            for code in ROLES.values()
        }
        holders = {
            code for code in ROLES.values() if {*entry.permission.split("|")} & {*SHIPPED_ROLES[code][3].split()}
        }
        wrong += [
            f"{code} opens {entry.name} without {entry.permission}"
            for code in opened
            if opened[code] - (code in holders) > 0
        ]
        closed = {code for code in holders if not opened[code] and (code, entry.name) not in OTHERS_RECORDS}
        wrong += [f"{code} holds {entry.permission} and never opens {entry.name}" for code in closed]
        if entry.name != "services:rating_picture":  # there only while a link is out
            nobody = not any(opened[code] for code in holders)
            wrong += [f"nobody with {entry.permission} opens {entry.name}"] * nobody
    assert wrong == []


def test_every_address_that_asks_for_a_right_is_on_the_check_page():
    """Those that do not: one's own account, and what each person has for themselves."""
    open_to_all = {"home", "search", "palette", "help", "job_list", "notifications"}
    listed = {entry.name for entry in entries()}
    refused = {row.name for row in ROWS if "403" in row.answers.values()}
    own = {"accounts:view_update", "accounts:view_replace", "accounts:view_delete"}  # a colleague's view
    assert refused - listed - own - {"admin:index"} == set()
    assert not open_to_all & listed


def test_the_check_page_shows_menu_pages_and_actions(admin):
    page = admin.get(reverse("role_check", args=[role("executive").pk]))
    assert "客户信息管理" in text(page)
    assert "/marketing/opportunities/…/edit/" in text(page)
    verdicts = {title: verdict for title, verdict, *_ in rows(page)}
    assert (verdicts["销售机会管理"], verdicts["指派机会"], verdicts["新建用户"]) == ("可以", "不可以", "不可以")
    assert verdicts["导出客户信息管理"] == "可以"
    modules = find_all(page, "details.folds[open]")
    assert len(modules) >= 5
    for module in modules:
        said = re.search(r"共 (\d+) 项，可以 (\d+) 项", text(find(module, "summary")))
        may = [verdict for _, verdict, *_ in rows(module)].count("可以")
        assert [int(number) for number in said.groups()] == [len(rows(module)), may]


def test_the_check_page_names_everything_in_chinese():
    assert [entry.name for entry in entries() if entry.title.isascii()] == []


def test_rights_to_reports_stand_under_their_own_name():
    permissions = Permission.objects.filter(codename__in=["view_reports", "view_pipeline"]).select_related(
        "content_type"
    )
    assert [
        (subject.name, len(subject.permissions))
        for module in group_by_module(permissions)
        for subject in module.subjects
    ] == [("统计报表", 2)]
    assert describe_permissions(permissions) == [("统计报表", "可以查看统计报表，查看销售漏斗。")]


@pytest.mark.parametrize(
    ("view", "edit", "words"),
    [
        ("none", "none", "看不到业务记录，不能改动"),
        ("all", "none", "看得到全部的记录，不能改动"),
        ("department", "self", "看得到本部门的记录，能改动本人的记录"),
    ],
)
def test_the_scopes_of_a_role_are_said_in_words(view, edit, words):
    assert Role(view_scope=view, edit_scope=edit).scope_summary == words


# Departments


def department_values(record, **changes):
    opened = signing.dumps({"version": record.version, "values": {}}, salt="opened")
    return {"name": record.name, "parent": record.parent_id or "", "opened": opened, **changes}


def test_the_tree_is_drawn_with_people_and_depth(admin, company):
    page = admin.get(reverse("accounts:department_list"))
    assert "销售部2 人 · 2 个下级部门" in texts(page, "ul.tree li.d0 .g")
    assert "华北组2 人" in texts(page, "ul.tree li.d1 .g")
    assert "先移走再删除" in text(page)


def test_a_moved_department_takes_its_people_and_the_scopes_follow_at_once(admin, company, sign_in):
    customer = factories.CustomerFactory(manager=company.manager, by=company.manager)
    chief, outsider = sign_in(company.supervisor), sign_in(company.outsider)
    assert chief.get(customer.get_absolute_url()).status_code == 200
    address = reverse("accounts:department_update", args=[company.north.pk])
    assert admin.post(address, department_values(company.north, parent=company.other.pk)).status_code == 302
    assert chief.get(customer.get_absolute_url()).status_code == 404
    assert outsider.get(customer.get_absolute_url()).status_code == 200
    assert AuditEntry.objects.about(company.north).get().changes == {"上级部门": ["销售部", "海外部"]}
    assert Customer.objects.editable_by(factories.fresh(company.outsider)).filter(pk=customer.pk).exists()


def test_a_department_is_made_under_another_and_deleted_when_empty(admin, company):
    page = admin.get(f"/accounts/departments/new/?parent={company.sales.pk}")
    assert texts(page, "select[name=parent] option[selected]") == ["销售部"]
    admin.post(reverse("accounts:department_create"), {"name": "西南组", "parent": company.sales.pk})
    made = Department.objects.get(name="西南组")
    delete = reverse("accounts:department_delete", args=[made.pk])
    factories.UserFactory(department=made, is_active=False)
    assert admin.post(delete).status_code == 409
    User.objects.filter(department=made).update(department=None)
    assert admin.post(delete).status_code == 302
    assert not Department.objects.filter(pk=made.pk).exists()
    assert AuditEntry.objects.filter(verb="删除", object_text="西南组").count() == 1


@pytest.mark.parametrize("parent", ["sales", "north"])
def test_a_department_is_not_put_under_itself(parent, admin, company):
    address, above = reverse("accounts:department_update", args=[company.sales.pk]), getattr(company, parent)
    assert admin.post(address, department_values(company.sales, parent=above.pk)).status_code == 200
    with pytest.raises(Refused, match="上级部门不能是本部门"):
        company.sales.edit(by=company.administrator, parent=above)
    assert Department.objects.get(pk=company.sales.pk).parent is None


@pytest.mark.parametrize(("name", "parent"), [("华北组", "sales"), ("海外部", "")])
def test_two_of_one_name_side_by_side_are_refused(name, parent, admin, company):
    above = getattr(company, parent).pk if parent else ""
    response = admin.post(reverse("accounts:department_create"), {"name": name, "parent": above})
    assert response.status_code == 200
    assert "同名" in response.content.decode()


# New permissions of a new version


@pytest.fixture
def next_version(monkeypatch):
    """The table as a later version ships it, with one permission more for the supervisors."""

    def ship(permission="customers.restore_customer"):
        name, view, edit, permissions = SHIPPED_ROLES["sales_supervisor"]
        monkeypatch.setitem(roles.SHIPPED_ROLES, "sales_supervisor", (name, view, edit, f"{permissions} {permission}"))
        ship_roles()

    return ship


def test_a_new_right_reaches_an_installed_role_once(next_version):
    record = role("sales_supervisor")
    Role.objects.filter(pk=record.pk).update(view_scope=Scope.SELF)
    record.permissions.remove(*ids("customers.transfer_customer"))
    before = held(record)
    next_version()
    assert held(record) == {*before, "customers.restore_customer"}
    entry = AuditEntry.objects.about(record).get()
    assert (entry.actor_name, entry.verb, entry.changes) == (
        "系统", "发放新权限", {"授予权限": ["", "恢复已删除的客户"]}
    )  # fmt: skip
    record.permissions.remove(*ids("customers.restore_customer"))
    ship_roles()
    assert held(record) == before
    assert role("sales_supervisor").view_scope == "self"


def test_a_right_an_administrator_gave_before_is_not_announced_as_taken_back(next_version):
    record = role("sales_supervisor")
    record.permissions.add(*ids("customers.restore_customer"))
    next_version()
    assert "customers.restore_customer" in held(record)
    assert "customers.restore_customer" in role("sales_supervisor").shipped_rights


def test_a_new_shipped_role_comes_to_an_installation_and_takes_no_name_that_the_company_gave():
    role("service_helper").delete()
    own = Role.objects.create(name="协办人员", view_scope="all")
    own.permissions.set(ids("customers.view_customer"))
    ship_roles()
    made = role("service_helper")
    assert (made.name, made.view_scope, made.edit_scope) == ("协办人员（系统）", "self", "self")
    assert held(made) == {"services.view_servicerequest"}
    own.refresh_from_db()
    assert (own.code, own.view_scope, held(own)) == (None, "all", {"customers.view_customer"})
    ship_roles()
    assert Role.objects.filter(name__startswith="协办人员").count() == 2


def test_a_role_made_on_screen_gets_nothing(next_version):
    made = Role.objects.create(name="自建角色")
    next_version()
    assert held(made) == set()


# Roles that are not wanted any more


def test_a_role_that_nobody_holds_is_deleted_and_one_with_people_is_retired(company, sign_in):
    role = Role.create(by=company.administrator, name="驻外代表", permissions=[])
    company.colleague.groups.add(role)
    with pytest.raises(Refused, match="可以停用"):
        role.remove(by=company.administrator)
    role.retire(by=company.administrator)
    client = sign_in(company.administrator)
    assert "驻外代表" not in text(client.get(reverse("accounts:user_update", args=[company.manager.pk])))
    assert "驻外代表" in text(client.get(reverse("accounts:user_update", args=[company.colleague.pk])))  # they keep it
    held = [*company.manager.groups.all()]
    with pytest.raises(Refused, match="「驻外代表」已停用"):
        company.manager.edit(by=company.administrator, groups=[*held, role])
    company.colleague.edit(by=company.administrator, groups=company.colleague.groups.all(), mobile="13800001111")
    role.reopen(by=company.administrator)
    company.colleague.groups.remove(role)
    role.remove(by=company.administrator)
    assert not Role.objects.filter(name="驻外代表").exists()
    assert AuditEntry.objects.filter(verb="删除", object_text="驻外代表").exists()


def test_shipped_roles_are_not_deleted_and_the_administrators_is_not_retired(company):
    for code in ("executive", "administrator"):
        with pytest.raises(Refused, match="随系统提供"):
            Role.objects.get(code=code).remove(by=company.administrator)
    with pytest.raises(Refused, match="不能停用"):
        Role.objects.get(code="administrator").retire(by=company.administrator)
