"""Contact details in templates."""

from django import template

from accounts.contact_details.columns import detail_html
from accounts.contact_details.masking import HasContactDetails

register = template.Library()


@register.simple_tag(takes_context=True)
def detail(context: template.Context, record: HasContactDetails, name: str) -> str:
    """Return a contact detail as the signed-in user sees it."""
    return detail_html(record, name, context["user"], str(context.get("csrf_token", "")))
