"""Figures of orders as the screen shows them."""

from __future__ import annotations

from django import template

from kit.domain.money import figure, price, yuan

register = template.Library()
register.filter("yuan", yuan)
register.filter("price", price)
register.filter("figure", figure)
