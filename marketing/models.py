from .opportunities.forecast_changes import FORECAST_FIELDS, ForecastChange
from .opportunities.grants import OpportunityGrant
from .opportunities.models import Opportunity
from .opportunities.namesakes import SameNameExists
from .opportunities.version import OpportunityChange, forget_old_marks, opportunity_version
from .plans.leaving import count_open_opportunities, hand_over_opportunities
from .plans.models import PlanItem

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
