"""The record page of a customer: one card for each subject."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect

from accounts.models import User
from customers.churn.pages import churn_card
from customers.contacts.pages import CARD_ACTIONS
from customers.hooks import OriginCard, WorkCard
from customers.insight.alert_pages import PAUSE, WARN
from customers.insight.cards import product_cards
from customers.insight.health import health_of
from customers.merging.merge import find_survivor
from customers.merging.merge_undo import merges_to_undo
from customers.merging.merge_values import values_left_behind
from customers.orders.pages import orders_card
from customers.querysets import names_hidden_from
from customers.records.field_labels import field_label
from customers.records.models import Customer
from customers.records.pages import CRUMBS, EDIT, REMOVE, SHARE, TRANSFER
from customers.records.part_pages import cards_context, tabs_context
from kit.audit.models import AuditEntry
from kit.domain.masking import mask
from kit.domain.modules import lent
from kit.pages.buttons import controls
from kit.pages.history import hide_record_names, mask_entries
from kit.pages.record_page import RecordPage
from kit.pages.unknown_parameters import get_part_or_404

from .head_figures import head_figures
from .info import info_cards


def merged_parts(record: Customer, user: User) -> list[tuple[Customer, list[tuple[str, str]]]]:
    """Return the customers merged into this one, each with (field, value) of what was not taken over."""
    merged = []
    for one in record.merged.select_related("region", "industry", "level", "manager", "parent", "created_by"):
        left = values_left_behind(record, one)
        if names_hidden_from(user, field_label("parent")):
            left.pop("parent", None)
        if not record.shows_details_to(user):
            left |= {name: mask(left[name]) for name in left.keys() & set(one.detail_fields)}
        merged.append(
            (one, [(field_label(name), text) for name, text in left.items() if name not in ("name", "number")])
        )
    return merged


def figures_context(record: Customer, user: User) -> dict[str, Any]:
    """Return the head figures, and the cards about what the customer orders and what is done for them."""
    work_cards = [hook.draw(record, user) for hook in lent(WorkCard)]
    health = health_of(record, user)
    orders = orders_card(record, user, health.metrics.computed_for if health else None)
    return {
        "health": health,
        "alert_actions": (PAUSE, WARN) if health and health.alert else (),
        "orders": orders,
        "figures": head_figures(record, user, health, orders["before"] if orders else None, work_cards),
        "work_cards": work_cards,
        "products": product_cards(record, user, health.as_of) if health and health.metrics.order_days else None,
    }


class CustomerDetail(RecordPage):
    model = Customer
    template_name = "customers/customer_detail.html"
    crumbs, help = CRUMBS, "customers"
    select_related = ("region", "industry", "level", "manager", "metrics")

    def get(self, request: Any, **kwargs: Any) -> HttpResponse:
        """Redirect from a merged customer to the one it became part of."""
        try:
            return super().get(request, **kwargs)
        except Http404:
            survivor = find_survivor(self.kwargs["pk"])
            if survivor is None or not Customer.objects.visible_to(request.user).filter(pk=survivor.pk).exists():
                raise
            messages.success(request, f"您打开的客户已并入「{survivor}」。")
            return redirect(survivor)

    def context(self, record: Customer) -> dict[str, Any]:
        user = self.request.user
        tab = get_part_or_404(self.request.GET, "tab", ("overview", "info"), "overview")
        menu = controls((SHARE, TRANSFER, REMOVE), record, user)
        visible = Customer.objects.visible_to(user)
        return {
            **tabs_context(record, user),
            "tab": tab,
            "parent": visible.filter(pk=record.parent_id).first() if record.parent_id else None,
            "share_url": next((control.url for control in menu if control.action is SHARE and control.allowed), ""),
            "menu_actions": menu,
            "head_actions": (EDIT,),
            **(self.info(record) if tab == "info" else self.overview(record)),
        }

    def overview(self, record: Customer) -> dict[str, Any]:
        """Return what one works with: it is opened thirty times a day, so it asks for nothing else."""
        user = self.request.user
        return {
            **cards_context(record, user),
            "contact_actions": CARD_ACTIONS,
            **figures_context(record, user),
            "churn": churn_card(record, user),
        }

    def info(self, record: Customer) -> dict[str, Any]:
        """Return all fields, and where the customer comes from: origin, owners, shares, changes."""
        user = self.request.user
        changes = mask_entries(record, AuditEntry.objects.about(record)[:5], user)
        branches = Customer.objects.visible_to(user).filter(parent=record).only("name", "number")
        return {
            "cards": info_cards(record),
            "merged": merged_parts(record, user),
            "undoable": list(merges_to_undo(user).about(record)),
            "branches": branches.order_by("name_pinyin")[:20],
            "origin_cards": [hook.draw(record, user) for hook in lent(OriginCard)],
            "grants": record.grants.select_related("user", "permission"),
            "owners": record.ownerships.select_related("manager"),
            "history": hide_record_names(changes, self.hidden_labels()),
        }

    def hidden_labels(self) -> tuple[str, ...]:
        return names_hidden_from(self.request.user, field_label("parent"))
