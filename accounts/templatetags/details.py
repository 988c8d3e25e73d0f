"""Contact details in templates."""

from typing import Any

from django import template

from ..detail_columns import detail_html

register = template.Library()


@register.simple_tag(takes_context=True)
def detail(context: Any, record: Any, name: str) -> str:
    """A contact detail as the signed-in person sees it."""
    return detail_html(record, name, context["user"], str(context.get("csrf_token", "")))
