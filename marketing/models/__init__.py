from .forecast import ForecastChange
from .opportunity import Opportunity, OpportunityGrant, SameNameExists
from .plan import PlanItem

__all__ = ["ForecastChange", "Opportunity", "OpportunityGrant", "PlanItem", "SameNameExists"]
