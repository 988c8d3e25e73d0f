"""Links to files of our own, builtins of the templates: made once, as a page has thirty of them."""

from __future__ import annotations

from functools import cache

from django import template
from django.templatetags.static import static
from django.utils.html import format_html_join
from django.utils.safestring import SafeString

register = template.Library()


@register.simple_tag
@cache
def stylesheets(*names: str) -> SafeString:
    """Link files of static/css in this order."""
    urls = ((static(f"css/{name}.css"),) for name in names)
    return format_html_join("\n    ", '<link rel="stylesheet" href="{}">', urls)


@register.simple_tag
@cache
def preloads(*names: str) -> SafeString:
    """Announce modules of static/js that others import."""
    urls = ((static(f"js/{name}.js"),) for name in names)
    return format_html_join("\n    ", '<link rel="modulepreload" href="{}">', urls)
