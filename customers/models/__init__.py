from .arrival import Arrival, fits_at_once, withdraw_silent
from .churn import ChurnCase, ChurnMeasure
from .churn_mark import ChurnChange, churn_stamp
from .contact import Contact
from .customer import (
    NUMBER_PREFIX,
    Customer,
    CustomerGrant,
    Ownership,
    required_fields,
)
from .holding import hold_customers
from .interaction import Attachment, Interaction
from .leaving import customers_left_by, hand_over_customers
from .merge import merge_customers
from .naming import hold_customer_names
from .order import PURCHASE_STATUSES, REVENUE_STATUSES, Order, OrderLine, ParkedOrder, refresh_last_purchases
from .rollup import RevenueChange, RevenueYear, refresh_revenue
from .rows import names_hidden_from
from .timeline import TimelineEntry, add_timeline_entry
from .together import reclassify_customers, transfer_customers
from .upload import ImportFile, forget_old_uploads

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
    "churn_stamp",
    "customers_left_by",
    "fits_at_once",
    "forget_old_uploads",
    "hand_over_customers",
    "hold_customer_names",
    "hold_customers",
    "merge_customers",
    "names_hidden_from",
    "reclassify_customers",
    "refresh_last_purchases",
    "refresh_revenue",
    "required_fields",
    "transfer_customers",
    "withdraw_silent",
]
