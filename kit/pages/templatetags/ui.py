"""Template tags and filters of the page kit, builtins of the templates."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from functools import cache
from typing import Any

from django import template
from django.db import models
from django.templatetags.static import static
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from kit.domain.actor import Actor
from kit.domain.days import format_ago, show_day
from kit.domain.money import format_money
from kit.domain.text import DASH
from kit.pages.buttons import Button, Control
from kit.pages.buttons import controls as visible_controls
from kit.pages.html import format_html_fast

register = template.Library()
register.filter("day", show_day)
register.filter("ago", format_ago)
register.filter("money", format_money)
WEEKDAYS = "一二三四五六日"


@register.simple_tag
@cache
def icon(name: str, css: str = "") -> SafeString:
    classes, sprite = f"i {css}".strip(), static("vendor/icons/icons.svg")
    return format_html('<svg class="{}" aria-hidden="true"><use href="{}#{}"/></svg>', classes, sprite, name)


@register.filter
def weekday(value: date) -> str:
    return f"周{WEEKDAYS[value.weekday()]}"


@register.filter
def dash(value: Any) -> Any:
    return DASH if value in (None, "") else value


def format_cell(value: Any) -> str:
    """Return a value as the text of a cell."""
    if value is None or value == "":
        return DASH
    if isinstance(value, bool):
        return "是" if value else "否"
    if isinstance(value, date):
        return show_day(value)
    if isinstance(value, Decimal):
        return format_money(value)
    return str(value)


@register.simple_tag
def chip(record: Any) -> SafeString:
    """Return the status chip; its text, colour and dot come from the model."""
    return format_html_fast(
        '<span class="st {}">{}</span>', record.TONES.get(record.status, ""), record.get_status_display()
    )


@register.simple_tag
@cache
def rate(percent: int) -> SafeString:
    return format_html(
        '<div class="prob"><span>{0}%</span><svg class="mt" role="img" aria-label="成功机率 {0}%">'
        '<rect width="{0}%" height="6" rx="3"/></svg></div>',
        percent,
    )


@register.simple_tag
@cache
def stars(score: int | None) -> SafeString:
    if not score:
        return format_html('<span class="mute">{}</span>', DASH)
    icons = format_html_join("", "{}", ((icon("star-f", "f" if n < score else "f o"),) for n in range(5)))
    return format_html('<span class="stars" role="img" aria-label="{} 星">{}</span>', score, icons)


@register.simple_tag
def controls(buttons: tuple[Button, ...], record: models.Model, user: Actor) -> list[Control]:
    """Return the controls of a record's buttons for a user."""
    return visible_controls(buttons, record, user)


@register.filter
def locked(drawn: list[Control]) -> list[Control]:
    """Return the controls that are shown with the reason why not."""
    return [control for control in drawn if not control.allowed]


@register.filter
def get(mapping: Mapping[Any, Any], key: Any) -> Any:
    return mapping.get(key)
