"""Tags of messages and buttons that act at once, builtins of the templates."""

from __future__ import annotations

from django import template

from kit.undo.message import before_undo, new_token, undo_url

register = template.Library()
register.filter("before_undo", before_undo)
register.filter("undo_url", undo_url)
register.simple_tag(new_token, name="new_token")
