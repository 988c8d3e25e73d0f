"""Opportunities shared one by one."""

from __future__ import annotations

from django.db import models

from accounts.scopes.grants import Grant

from .models import Opportunity


class OpportunityGrant(Grant):
    """An opportunity shared with a colleague."""

    content_object = models.ForeignKey(Opportunity, models.CASCADE, related_name="grants")

    class Meta(Grant.Meta):
        verbose_name = "机会协作人"
        verbose_name_plural = "机会协作人"
