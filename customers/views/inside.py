"""Base classes of pages below one customer, and of forms that open inside its page."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.views import View
from django_htmx.http import push_url, reswap, retarget

from accounts.models import User
from kit.pages.actions import Action
from kit.pages.lists import RecordList
from kit.pages.paging import count_capped
from kit.pages.records import FormView, RecordView

from ..models import Contact, Customer, Interaction
from ..models.holding import refuse_if_removed
from .timeline import timeline_page

CARD_ROWS = 5
MAX_COUNT = 999


class PartAction(Action):
    """An action on a part of a customer, with the customer in its URL."""

    def url(self, record: Contact | Interaction) -> str:
        return reverse(self.url_name, args=[record.customer_id, record.pk])


class CustomerPart(RecordView):
    """Limit rows to one customer: a part of another customer is 404."""

    def rows(self) -> QuerySet[Any]:
        return super().rows().filter(customer=self.kwargs["customer"])


class InsideCustomer(View):
    """A page about the parts of a customer, or about a new part."""

    request: Any
    customer: Customer

    def setup(self, request: HttpRequest, *args: Any, **kwargs: Any) -> None:
        """Load the customer here: the job that writes an export calls nothing before the list."""
        super().setup(request, *args, **kwargs)
        rows = Customer.objects.visible_to(request.user).select_related("manager", "level", "region")  # type: ignore[arg-type]
        if request.method == "POST":
            for former in Customer.objects.formerly_visible_to(request.user).filter(pk=kwargs["pk"]):  # type: ignore[arg-type]
                refuse_if_removed(former, request.user).enforce()  # type: ignore[arg-type]
        self.customer = get_object_or_404(rows, pk=kwargs["pk"])


class PartList(InsideCustomer, RecordList):
    template_name = "customers/part_list.html"
    new_label, new_url = "", ""
    part: str  # which of customers/tabs.html this list is

    def rows(self) -> QuerySet[Any]:
        return super().rows().filter(customer=self.customer)

    def page_context(self) -> dict[str, Any]:
        may_add = bool(self.customer.can_contribute(self.request.user))
        new = (self.new_label, reverse(self.new_url, args=[self.customer.pk])) if may_add else None
        head = {"record": self.customer, "tab": self.part, **tabs_context(self.customer, self.request.user)}
        return {**super().page_context(), **head, "new": new}


class InPlaceForm(FormView):
    """A form that htmx opens inside the customer's page, and a page of its own without htmx.

    After saving, htmx replaces the form's card and the timeline.
    """

    card: str

    def page(self, status: int = 200, template: str = "", **context: Any) -> HttpResponse:
        if not self.request.htmx:
            return super().page(status, template, **context)
        if template == "ui/conflict.html":
            response = super().page(200, template, **context)
            return push_url(reswap(retarget(response, "body"), "innerHTML"), self.request.path)
        return super().page(200, "customers/in_place.html", card=self.card, **context)

    def carry_out(self, record: Contact | Interaction, form: Any) -> HttpResponse:
        response = super().carry_out(record, form)
        return self.redraw_card(record.customer_id) if self.request.htmx else response

    def redraw_card(self, customer_id: int) -> HttpResponse:
        customer = get_object_or_404(Customer.objects.visible_to(self.request.user), pk=customer_id)
        context = {"card": self.card, "record": customer, **cards_context(customer, self.request.user)}
        response = render(self.request, "customers/redrawn.html", context)
        return reswap(retarget(response, f"#{self.card}"), "outerHTML")


def tabs_context(record: Customer, user: User) -> dict[str, Any]:
    """Return the counts in the tabs of a customer, read by one statement."""
    querysets: dict[str, QuerySet[Any]] = {"contacts": record.contacts.all(), "interactions": record.interactions.all()}
    if user.has_perm("customers.view_order"):
        querysets["orders"] = record.orders.all()
    counts = count_capped((rows, MAX_COUNT + 1) for rows in querysets.values())
    return {"tab_counts": dict(zip(querysets, counts, strict=True))}


def cards_context(customer: Customer, user: User) -> dict[str, Any]:
    """Return the context of contacts.html, interactions_card.html and timeline.html besides record and user."""
    rows = customer.interactions.select_related("kind", "contact", "created_by").order_by("-on", "-pk")
    newest = list(rows[: CARD_ROWS + 1])
    return {
        "contacts": list(customer.contacts.all()),
        "interactions": newest[:CARD_ROWS],
        "more_interactions": len(newest) > CARD_ROWS,
        "may_edit": bool(customer.can_contribute(user)),
        **timeline_page(customer),
    }
