from .forecast import ForecastChange
from .leaving import hand_over_opportunities, opportunities_left_by
from .opportunity import Opportunity, OpportunityGrant, SameNameExists
from .plan import PlanItem
from .stamp import OpportunityChange, forget_old_marks, opportunity_stamp

__all__ = [
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
