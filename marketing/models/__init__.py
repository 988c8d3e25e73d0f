from .forecast import FORECAST_FIELDS, ForecastChange
from .grant import OpportunityGrant
from .leaving import hand_over_opportunities, opportunities_left_by
from .namesakes import SameNameExists
from .opportunity import Opportunity
from .plan import PlanItem
from .stamp import OpportunityChange, forget_old_marks, opportunity_stamp

__all__ = [
    "FORECAST_FIELDS",
    "ForecastChange",
    "Opportunity",
    "OpportunityChange",
    "OpportunityGrant",
    "PlanItem",
    "SameNameExists",
    "forget_old_marks",
    "hand_over_opportunities",
    "opportunities_left_by",
    "opportunity_stamp",
]
