from .monthly import MonthlyReport, Submission
from .snapshot import CompositionSnapshot

__all__ = ["CompositionSnapshot", "MonthlyReport", "Submission"]
