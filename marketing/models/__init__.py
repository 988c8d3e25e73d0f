from .forecast import ForecastChange
from .leaving import hand_over_opportunities, opportunities_left_by
from .opportunity import Opportunity, OpportunityGrant, SameNameExists
from .plan import PlanItem

__all__ = [
    "ForecastChange",
    "Opportunity",
    "OpportunityGrant",
    "PlanItem",
    "SameNameExists",
    "hand_over_opportunities",
    "opportunities_left_by",
]
