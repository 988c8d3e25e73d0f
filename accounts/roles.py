"""The shipped roles: one table of strings, the seed of the role records.

An administrator edits a role's rights and its two scopes on screen; shipping again never
overwrites what he changed, it only creates roles that are missing.
"""

from __future__ import annotations

from typing import Any

from django.apps import apps
from django.contrib.auth.management import create_permissions
from django.db import connection

ADMINISTRATOR = "administrator"
SALES_SUPERVISOR = "sales_supervisor"
ACCOUNT_MANAGER = "account_manager"
EXECUTIVE = "executive"

# code: (name on screen, view scope, edit scope, rights)
SHIPPED = {
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
        basedata.view_workcalendar
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
        basedata.view_workcalendar
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
}


def shipped_role(code: str) -> Any:
    """The record of a shipped role, as it stands after an administrator's changes."""
    from .models import Role

    roles: Any = Role.objects
    return roles.get(code=code)


def ship_roles(sender: Any = None, **kwargs: Any) -> None:
    """Creates the shipped roles that do not exist yet, with their rights (after every migrate)."""
    from django.contrib.auth.models import Group, Permission

    from .models import Role as RoleModel

    Role: Any = RoleModel  # the stubs take a Group's child for a Group

    if Role._meta.db_table not in connection.introspection.table_names():
        return  # the app is being migrated away
    missing = set(SHIPPED) - set(Role.objects.values_list("code", flat=True))
    if not missing:
        return
    for app_config in apps.get_app_configs():
        create_permissions(app_config, verbosity=0)
    rights = {f"{p.content_type.app_label}.{p.codename}": p for p in Permission.objects.select_related("content_type")}
    for code, (name, view_scope, edit_scope, permissions) in SHIPPED.items():
        if code in missing:
            left = Group.objects.filter(name=name).first()  # a group outlives the migration of its role
            role = Role(group_ptr=left, code=code, name=name, view_scope=view_scope, edit_scope=edit_scope)
            role.save()
            role.permissions.set(rights[right] for right in permissions.split())
