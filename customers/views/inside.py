"""What pages inside one customer share: the customer, addresses of its parts, forms that open in its page."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django_htmx.http import push_url, reswap, retarget

from kit.pages.actions import Action
from kit.pages.lists import RecordList
from kit.pages.paging import count_capped

from ..models import Customer
from ..models.holding import whereabouts
from .timeline import timeline_page

CARD_ROWS = 5
MAX_COUNT = 999


class PartAction(Action):
    """An action on a part of a customer, whose address lies under the customer's."""

    def url(self, record: Any) -> str:
        return reverse(self.url_name, args=[record.customer_id, record.pk])


class CustomerPart:
    """Rows of one customer only: a part asked for under another customer's address is 404."""

    kwargs: dict[str, Any]

    def rows(self) -> Any:
        return super().rows().filter(customer=self.kwargs["customer"])  # type: ignore[misc]


class InsideCustomer:
    """A page about all parts of a customer, or about a new one."""

    request: Any
    customer: Customer

    def setup(self, request: HttpRequest, *args: Any, **kwargs: Any) -> None:
        """Before anything else, as the job that writes a list's file does no more."""
        super().setup(request, *args, **kwargs)  # type: ignore[misc]
        rows = Customer.objects.visible_to(request.user).select_related("manager", "level", "region")  # type: ignore[arg-type]
        if request.method == "POST":
            for gone in Customer.objects.formerly_visible_to(request.user).filter(pk=kwargs["pk"]):  # type: ignore[arg-type]
                whereabouts(gone, request.user).enforce()  # type: ignore[arg-type]
        self.customer = get_object_or_404(rows, pk=kwargs["pk"])


class PartList(InsideCustomer, RecordList):
    template_name = "customers/part_list.html"
    new_label, new_url = "", ""
    part: str  # which of customers/tabs.html this list is

    def rows(self) -> Any:
        return super().rows().filter(customer=self.customer)

    def page_context(self) -> dict[str, Any]:
        may_add = bool(self.customer.can_contribute(self.request.user))
        new = (self.new_label, reverse(self.new_url, args=[self.customer.pk])) if may_add else None
        head = {"record": self.customer, "tab": self.part, **tabs_context(self.customer, self.request.user)}
        return {**super().page_context(), **head, "new": new}


class InPlaceForm:
    """A form that htmx opens inside the customer's page, and that is a page of its own without; saved, the card
    it belongs to is redrawn, and the timeline with it."""

    card: str
    request: Any

    def page(self, status: int = 200, template: str = "", **context: Any) -> HttpResponse:
        if not self.request.htmx:
            return super().page(status, template, **context)  # type: ignore[misc]
        if template == "ui/conflict.html":
            response = super().page(200, template, **context)  # type: ignore[misc]
            return push_url(reswap(retarget(response, "body"), "innerHTML"), self.request.path)
        return super().page(200, "customers/in_place.html", card=self.card, **context)  # type: ignore[misc]

    def carry_out(self, record: Any, form: Any) -> HttpResponse:
        response = super().carry_out(record, form)  # type: ignore[misc]
        return self.redrawn(record.customer_id) if self.request.htmx else response

    def redrawn(self, customer_id: int) -> HttpResponse:
        customer = get_object_or_404(Customer.objects.visible_to(self.request.user), pk=customer_id)
        context = {"card": self.card, "record": customer, **cards_context(customer, self.request.user)}
        response = render(self.request, "customers/redrawn.html", context)
        return reswap(retarget(response, f"#{self.card}"), "outerHTML")


def tabs_context(record: Customer, user: Any) -> dict[str, Any]:
    """What the tabs above every page of one customer show: how many of each there are, in one statement."""
    counted = {"contacts": record.contacts.all(), "interactions": record.interactions.all()}
    if user.has_perm("customers.view_order"):
        counted["orders"] = record.orders.all()
    counts = count_capped((rows, MAX_COUNT + 1) for rows in counted.values())
    return {"tab_counts": dict(zip(counted, counts, strict=True))}


def cards_context(customer: Customer, user: Any) -> dict[str, Any]:
    """What customers/contacts.html, interactions_card.html and timeline.html need besides record and user."""
    rows = customer.interactions.select_related("kind", "contact", "created_by").order_by("-on", "-pk")
    newest = list(rows[: CARD_ROWS + 1])
    return {
        "contacts": list(customer.contacts.all()),
        "interactions": newest[:CARD_ROWS],
        "more_interactions": len(newest) > CARD_ROWS,
        "may_edit": bool(customer.can_contribute(user)),
        **timeline_page(customer),
    }
