from .churn.models import ChurnCase, ChurnMeasure
from .churn.version import ChurnChange, churn_version
from .contacts.models import Contact
from .imports.arrivals import Arrival, fits_one_transaction, withdraw_stale_imports
from .imports.models import ImportFile, delete_old_uploads
from .insight.backtest_models import BacktestMonth, BacktestRow
from .insight.hint_models import HintCheck, HintPause, ProductPair
from .insight.models import Alert, AlertPause, RiskMonth
from .interactions.models import Attachment, Interaction
from .merging.bulk import reclassify_customers, transfer_customers
from .merging.leaving import customers_left_by, hand_over_customers
from .merging.merge import merge_customers
from .orders.models import PURCHASE_STATUSES, REVENUE_STATUSES, Order, OrderLine, ParkedOrder, refresh_last_purchases
from .orders.revenue_months import RevenueMonth
from .orders.rhythm_base import RhythmBase
from .orders.rollups import RevenueChange, RevenueYear, refresh_revenue
from .querysets import names_hidden_from
from .records.locks import lock_current_customers, lock_customer_names
from .records.metrics import CustomerMetrics
from .records.models import NUMBER_PREFIX, Customer, CustomerGrant, Ownership, required_fields
from .records.search_text import FormerName, SearchText
from .timeline import TimelineEntry, add_timeline_entry

__all__ = [
    "NUMBER_PREFIX",
    "PURCHASE_STATUSES",
    "REVENUE_STATUSES",
    "Alert",
    "AlertPause",
    "Arrival",
    "Attachment",
    "BacktestMonth",
    "BacktestRow",
    "ChurnCase",
    "ChurnChange",
    "ChurnMeasure",
    "Contact",
    "Customer",
    "CustomerGrant",
    "CustomerMetrics",
    "FormerName",
    "HintCheck",
    "HintPause",
    "ImportFile",
    "Interaction",
    "Order",
    "OrderLine",
    "Ownership",
    "ParkedOrder",
    "ProductPair",
    "RevenueChange",
    "RevenueMonth",
    "RevenueYear",
    "RhythmBase",
    "RiskMonth",
    "SearchText",
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
