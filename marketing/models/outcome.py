"""What became of a chance, told to whoever found it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from accounts.models import Notification, User, notify

if TYPE_CHECKING:
    from .opportunity import Opportunity


def notify_creator(opportunity: Opportunity, *, by: User) -> None:
    """By the name the creator gave it and without a link: from 指派 on it may be out of their view (decision 39)."""
    if opportunity.created_by_id == by.pk:
        return
    words = f"您创建的机会「{opportunity.customer_name}」已由 {by} 结束：{opportunity.get_status_display()}"
    notify(opportunity.created_by, words, kind=Notification.Kind.OPPORTUNITY)
