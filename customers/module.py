"""客户管理: customers with their contacts, interactions, orders and churn cases."""

from __future__ import annotations

import customers.personal
from accounts.contact_details.masking import DetailPermissions
from accounts.models import User
from customers.hooks import BulkChanges
from customers.merging.bulk import reclassify_customers, transfer_customers
from customers.merging.merge import merge_into
from kit.domain.modules import Action, Chapter, Leaving, MenuItem, Module, PagePermission, Search

from .churn.models import ChurnCase
from .contacts.models import PERSONAL_DATA_PERMISSION
from .contacts.undoing import REFUSED_CONTACTS, REMOVED_CONTACT, REMOVED_CONTACTS
from .imports.import_undo import IMPORTED_CUSTOMERS
from .imports.kind import CUSTOMERS
from .interactions.undoing import REMOVED_INTERACTION
from .merging.leaving import customers_left_by, hand_over_customers
from .merging.merge_undo import MERGE
from .merging.undoing import CHANGES
from .records.known_pages import KnownWhileTyping
from .records.models import Customer
from .search.find import find_records
from .search.pages import find_pages
from .waiting import WAITING

MODULE: Module[User] = Module(
    "customers",
    "客户管理",
    "building-factory-2",
    order=20,
    menu=(
        MenuItem("客户信息管理", "customers:customer_list", "customers.view_customer"),
        MenuItem("客户流失管理", "customers:churn_list", "customers.view_churncase", "churn"),
        MenuItem("提前预警", "customers:alert_list", "customers.view_churncase"),
        MenuItem("历史订单查询", "customers:order_list", "customers.view_order", needs="customers.view_customer"),
        MenuItem("导入客户", "import", "customers.import_customer"),
        MenuItem("导入表格", "imports", "customers.import_customer"),
        MenuItem("疑似重复客户", "duplicates", "customers.merge_customer"),
        MenuItem("流失扫描", "customers:churn_scan", "customers.scan_churncase"),
        MenuItem("已删除的客户", "customers:customer_deleted", "customers.restore_customer"),
        MenuItem("数据同步", "customers:sync", "basedata.sync_sales", section="basedata"),
    ),
    waiting=WAITING,
    notified=(Customer, ChurnCase),
    search=Search(find_records, find_pages),
    actions=(Action("新建客户", "customers:customer_create", "customers.add_customer"),),
    personal=customers.personal,
    leaving=Leaving("customers", "客户", customers_left_by, hand_over_customers),
    help=(
        Chapter("customers/help.html", 25),
        Chapter("customers/help_records.html", 40),
        Chapter("customers/help_insight.html", 45),
        Chapter("customers/help_details.html", 70),
        Chapter("customers/help_sync.html", 150),
    ),
    pages={
        "customers:known": PagePermission("录入时查重", "|".join(KnownWhileTyping.permissions)),
        "customers:known_contacts": PagePermission("录入联系人时查重", "customers.change_customer"),
        "customers:contact_create": PagePermission("新建联系人", "customers.change_customer"),
        "customers:interaction_create": PagePermission("记交往", "customers.change_customer"),
        "customers:attachment": PagePermission("下载附件", "customers.view_customer"),
        "customer_transfer_many": PagePermission("移交所选客户", "customers.transfer_customer"),
        "customers:share_many": PagePermission("共享所选客户", Customer.share.permission),
        "import_files": PagePermission("下载导入模板与例子", "customers.import_customer"),
        "imports": PagePermission("导入表格", "customers.import_customer|jobs.view_job"),
        "contact_personal": PagePermission("个人信息", PERSONAL_DATA_PERMISSION),
    },
    lends=(
        BulkChanges(transfer_customers, reclassify_customers, merge_into),
        MERGE,
        *CHANGES,
        REMOVED_CONTACT,
        REMOVED_CONTACTS,
        REFUSED_CONTACTS,
        REMOVED_INTERACTION,
        IMPORTED_CUSTOMERS,
        DetailPermissions("customers.see_contact_details", "customers.open_contact_details"),
    ),
    imports=(CUSTOMERS,),
)
