from .forecast import ForecastChange
from .opportunity import Opportunity, SameNameExists
from .plan import PlanItem

__all__ = ["ForecastChange", "Opportunity", "PlanItem", "SameNameExists"]
