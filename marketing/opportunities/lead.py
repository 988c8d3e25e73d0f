"""The form of a new opportunity, filled in by other modules."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import urlencode

from django.urls import reverse

from accounts.models import User


def lead_url(user: User, values: Mapping[str, str]) -> str:
    """Return the form's URL with these values in it; empty for a user who creates no opportunities."""
    if not user.has_perm("marketing.add_opportunity"):
        return ""
    return f"{reverse('marketing:opportunity_create')}?{urlencode(values)}"
