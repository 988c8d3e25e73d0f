"""Notify the creator of an opportunity of its outcome."""

from __future__ import annotations

from typing import TYPE_CHECKING

from accounts.models import Notification, User, notify

if TYPE_CHECKING:
    from .models import Opportunity


def notify_creator(opportunity: Opportunity, *, by: User) -> None:
    """Notify by customer name and without a link: after 指派 it may be out of the creator's view (decision 39)."""
    if opportunity.created_by_id == by.pk:
        return
    text = f"您创建的机会「{opportunity.customer_name}」已由 {by} 结束：{opportunity.get_status_display()}"
    notify(opportunity.created_by, text, kind=Notification.Kind.OPPORTUNITY)
