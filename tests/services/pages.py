"""What is typed into the form of a service request, and what a page for outsiders keeps to itself."""

from __future__ import annotations

from django.http import HttpResponse

from tests import factories
from tests.html import markup


def request_values(**values: str) -> dict[str, str]:
    """Return what the form of a request sends: of no customer and no organisation unless given."""
    kind = values.pop("kind", "咨询")
    base = {"kind": str(factories.entry("服务类型", kind).pk), **factories.REQUEST}
    return {**base, "customer": "", "organisation": "", "contact": "", **values}


def says_nothing(response: HttpResponse) -> bool:
    """Return whether nothing of the request of the fixture `record` stands anywhere in the page."""
    return not any(word in markup(response) for word in ("零点漂移", "已归零", "海悦", "周经理", "FW2"))
