"""The shipped roles: one table of strings, from which the role records are created.

Administrators edit a role's permissions and its two scopes on screen; shipping again never
overwrites their changes, it creates missing roles and adds new permissions.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    pass

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
        customers.view_churncase customers.handle_churncase customers.snooze_light customers.export_churncase
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
