"""{% csrf_token %} of this product: Django's own, and beside it whose form it is. Builtin: no form is without."""

from __future__ import annotations

from typing import Any

from django import template
from django.template.defaulttags import CsrfTokenNode
from django.utils.html import format_html
from django.utils.safestring import SafeString

from kit.pages.form_token import NAME, form_token

register = template.Library()


@register.simple_tag(takes_context=True)
def csrf_token(context: Any) -> SafeString:
    token = form_token(context.get("request"))
    own = format_html('<input type="hidden" name="{}" value="{}">', NAME, token) if token else ""
    return format_html("{}{}", CsrfTokenNode().render(context), own)
