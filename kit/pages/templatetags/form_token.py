"""{% csrf_token %}: Django's own with the form token beside it. A builtin of the templates, so every form has both."""

from __future__ import annotations

from django import template
from django.template import Context
from django.template.defaulttags import CsrfTokenNode
from django.utils.html import format_html
from django.utils.safestring import SafeString

from kit.pages.form_token import FIELD_NAME, form_token

register = template.Library()


@register.simple_tag(takes_context=True)
def csrf_token(context: Context) -> SafeString:
    token = form_token(context.get("request"))
    own = format_html('<input type="hidden" name="{}" value="{}">', FIELD_NAME, token) if token else ""
    return format_html("{}{}", CsrfTokenNode().render(context), own)
