from .forecast import FORECAST_FIELDS, ForecastChange
from .grant import OpportunityGrant
from .leaving import count_open_opportunities, hand_over_opportunities
from .namesakes import SameNameExists
from .opportunity import Opportunity
from .plan import PlanItem
from .stamp import OpportunityChange, forget_old_marks, opportunity_version

__all__ = [
    "FORECAST_FIELDS",
    "ForecastChange",
    "Opportunity",
    "OpportunityChange",
    "OpportunityGrant",
    "PlanItem",
    "SameNameExists",
    "count_open_opportunities",
    "forget_old_marks",
    "hand_over_opportunities",
    "opportunity_version",
]
