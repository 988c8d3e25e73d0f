"""The shipped roles: one table of strings, from which the role records are created.

Administrators edit a role's permissions and its two scopes on screen; shipping again never
overwrites their changes, it creates missing roles and adds new permissions.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.apps import apps
from django.contrib.auth.management import create_permissions
from django.db import connection

if TYPE_CHECKING:
    from .models import Role

ADMINISTRATOR = "administrator"
SALES_SUPERVISOR = "sales_supervisor"
ACCOUNT_MANAGER = "account_manager"
EXECUTIVE = "executive"
SERVICE_HELPER = "service_helper"

# code: (name on screen, view scope, edit scope, permissions)
SHIPPED_ROLES = {
    ADMINISTRATOR: (
        "系统管理员",
        "none",
        "none",
        """
        accounts.administer accounts.view_user accounts.add_user accounts.change_user
        accounts.view_role accounts.add_role accounts.change_role
        accounts.view_department accounts.add_department accounts.change_department accounts.delete_department
        audit.view_auditentry jobs.view_job
        basedata.view_dictionaryentry basedata.add_dictionaryentry
        basedata.change_dictionaryentry basedata.delete_dictionaryentry
        basedata.view_workcalendar basedata.change_workcalendar
        services.view_servicetarget services.change_servicetarget
        basedata.view_product basedata.view_stockrecord basedata.export_product basedata.sync_sales
        customers.view_order customers.restore_customer customers.scan_churncase
        """,
    ),
    SALES_SUPERVISOR: (
        "销售主管",
        "subtree",
        "subtree",
        """
        basedata.view_dictionaryentry basedata.view_product basedata.view_stockrecord basedata.export_product
        basedata.view_workcalendar services.view_servicetarget
        marketing.view_opportunity marketing.add_opportunity marketing.change_opportunity marketing.delete_opportunity
        marketing.assign_opportunity marketing.plan_opportunity marketing.export_opportunity
        marketing.share_opportunity
        customers.view_customer customers.add_customer customers.change_customer customers.delete_customer
        customers.export_customer customers.import_customer customers.transfer_customer customers.share_customer
        customers.merge_customer customers.reclassify_customer
        customers.view_order customers.export_order customers.view_churncase customers.export_churncase
        services.view_servicerequest services.add_servicerequest services.change_servicerequest
        services.delete_servicerequest services.assign_servicerequest services.export_servicerequest
        customers.see_contact_details customers.open_contact_details customers.handle_personal_data
        reports.view_reports reports.view_pipeline reports.export_reports
        reports.view_monthlyreport reports.add_monthlyreport
        """,
    ),
    ACCOUNT_MANAGER: (
        "客户经理",
        "department",
        "self",
        """
        accounts.serve_customers
        basedata.view_dictionaryentry basedata.view_product basedata.view_stockrecord basedata.export_product
        basedata.view_workcalendar services.view_servicetarget
        marketing.view_opportunity marketing.add_opportunity marketing.change_opportunity marketing.delete_opportunity
        marketing.plan_opportunity marketing.develop_opportunity marketing.export_opportunity
        marketing.share_opportunity
        customers.view_customer customers.add_customer customers.change_customer customers.delete_customer
        customers.export_customer customers.import_customer customers.share_customer
        customers.view_order customers.export_order
        customers.view_churncase customers.handle_churncase customers.export_churncase
        services.view_servicerequest services.add_servicerequest services.change_servicerequest
        services.handle_servicerequest services.export_servicerequest
        customers.see_contact_details customers.open_contact_details
        reports.view_pipeline reports.export_reports
        """,
    ),
    EXECUTIVE: (
        "高管",
        "all",
        "none",
        """
        basedata.view_product basedata.view_stockrecord basedata.export_product
        marketing.view_opportunity marketing.export_opportunity
        customers.view_customer customers.export_customer
        customers.view_order customers.export_order customers.view_churncase customers.export_churncase
        services.view_servicerequest services.export_servicerequest
        reports.view_reports reports.view_pipeline reports.export_reports
        reports.view_monthlyreport reports.review_monthlyreport
        """,
    ),
    # For 技术部 and 质量部: sees the requests they help with, and notes there; nothing else of a customer.
    SERVICE_HELPER: ("协办人员", "self", "self", "services.view_servicerequest"),
}


def shipped_role(code: str) -> Role:
    """Return the record of a shipped role, with the changes of administrators."""
    from .models import Role

    return Role.objects.get(code=code)


def ship_roles(sender: Any = None, **kwargs: Any) -> None:
    """Create missing shipped roles and give the others their new permissions. Called after every migrate.

    Each role remembers which permissions were shipped to it. A permission that a new version adds to the table reaches
    the role once; one that an administrator took away was shipped before, and stays away.
    """
    from .models import Role

    if not _is_ready(Role._meta.db_table):
        return  # the app is being migrated away
    existing = {role.code: role for role in Role.objects.filter(code__in=SHIPPED_ROLES)}
    outdated = {
        code
        for code in SHIPPED_ROLES
        if code not in existing or set(_permission_names(code)) - set(existing[code].shipped_rights)
    }
    if not outdated:
        return
    for app_config in apps.get_app_configs():
        create_permissions(app_config, verbosity=0)
    for code in SHIPPED_ROLES:
        if code in outdated:
            _ship(code, existing.get(code) or _new_role(code))


def _is_ready(table: str) -> bool:
    """Whether the table has this version's columns: a migration backwards removes them first."""
    if table not in connection.introspection.table_names():
        return False
    with connection.cursor() as cursor:
        columns = connection.introspection.get_table_description(cursor, table)
    return "shipped_rights" in {column.name for column in columns}


def _permission_names(code: str) -> list[str]:
    return SHIPPED_ROLES[code][3].split()


def _new_role(code: str) -> Role:
    from django.contrib.auth.models import Group

    from .models import Role

    name, view_scope, edit_scope, _ = SHIPPED_ROLES[code]
    while Role.objects.filter(name=name).exists():  # one that the company made itself stays as it is
        name += "（系统）"
    group = Group.objects.filter(name=name).first()  # a group outlives the migration of its role
    role = Role(group_ptr=group, code=code, name=name, view_scope=view_scope, edit_scope=edit_scope)
    role.save()
    role.permissions.clear()
    return role


def _ship(code: str, role: Role) -> None:
    """Add the permissions never shipped to the role; log it when the role has existed before."""
    from django.contrib.auth.models import Permission

    new = set(_permission_names(code)) - set(role.shipped_rights)
    candidates = Permission.objects.select_related("content_type").filter(
        codename__in=[name.split(".")[1] for name in new]
    )
    permissions = [p for p in candidates if f"{p.content_type.app_label}.{p.codename}" in new]
    if role.shipped_rights:
        from kit.audit.log import log_event

        from .administration.role import permission_labels

        log_event(None, "发放新权限", role, 授予权限=permission_labels(permissions))
    role.permissions.add(*permissions)
    role.shipped_rights = sorted({*role.shipped_rights, *_permission_names(code)})
    role.save(update_fields=["shipped_rights"])
