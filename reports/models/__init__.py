"""What the reports keep of their own."""

from .monthly import MonthlyReport, Submission

__all__ = ["MonthlyReport", "Submission"]
