from .arrival import Arrival, fits_one_transaction, withdraw_stale_imports
from .churn import ChurnCase, ChurnMeasure
from .churn_mark import ChurnChange, churn_version
from .contact import Contact
from .customer import (
    NUMBER_PREFIX,
    Customer,
    CustomerGrant,
    Ownership,
    required_fields,
)
from .holding import lock_current_customers
from .interaction import Attachment, Interaction
from .leaving import customers_left_by, hand_over_customers
from .merge import merge_customers
from .naming import lock_customer_names
from .order import PURCHASE_STATUSES, REVENUE_STATUSES, Order, OrderLine, ParkedOrder, refresh_last_purchases
from .rollup import RevenueChange, RevenueYear, refresh_revenue
from .rows import names_hidden_from
from .timeline import TimelineEntry, add_timeline_entry
from .together import reclassify_customers, transfer_customers
from .upload import ImportFile, delete_old_uploads

__all__ = [
    "NUMBER_PREFIX",
    "PURCHASE_STATUSES",
    "REVENUE_STATUSES",
    "Arrival",
    "Attachment",
    "ChurnCase",
    "ChurnChange",
    "ChurnMeasure",
    "Contact",
    "Customer",
    "CustomerGrant",
    "ImportFile",
    "Interaction",
    "Order",
    "OrderLine",
    "Ownership",
    "ParkedOrder",
    "RevenueChange",
    "RevenueYear",
    "TimelineEntry",
    "add_timeline_entry",
    "churn_version",
    "customers_left_by",
    "delete_old_uploads",
    "fits_one_transaction",
    "hand_over_customers",
    "lock_current_customers",
    "lock_customer_names",
    "merge_customers",
    "names_hidden_from",
    "reclassify_customers",
    "refresh_last_purchases",
    "refresh_revenue",
    "required_fields",
    "transfer_customers",
    "withdraw_stale_imports",
]
