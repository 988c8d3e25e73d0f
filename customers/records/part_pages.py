"""Pages below one customer, forms that open inside its page, and what its page shows of its parts."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any, ClassVar

from django.db.models import F, Value
from django.db.models.functions import Coalesce, NullIf
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django_htmx.http import push_url, reswap, retarget

from accounts.models import User
from kit.lists.list_page import ListPage
from kit.pages.buttons import Button
from kit.pages.form_page import FormPage
from kit.pages.page import visible_rows
from kit.sql.counts import build_count, run_count
from kit.sql.readers import NO_KEY, FixedRows, connection_for_reading, put_key

from .locks import refuse_if_removed
from .models import Customer
from .timeline_pages import timeline_page

if TYPE_CHECKING:
    from customers.contacts.models import Contact
    from customers.interactions.models import Interaction

CARD_ROWS = 5
MAX_COUNT = 999


class PartButton(Button):
    """A button of a part of a customer, with the customer in its URL."""

    def url(self, record: Contact | Interaction) -> str:
        return reverse(self.url_name, args=[record.customer_id, record.pk])


def get_customer(request: HttpRequest, pk: int) -> Customer:
    """Return the customer of a page about its parts; to a POST say what became of one that the user saw before."""
    user: Any = request.user
    if request.method == "POST":
        for former in Customer.objects.formerly_visible_to(user).filter(pk=pk):
            refuse_if_removed(former, user).enforce()
    rows = Customer.objects.visible_to(user).select_related("manager", "level", "region")
    return get_object_or_404(rows, pk=pk)


class PartList(ListPage):
    """A list of one customer's parts. A subclass declares part, new_label and new_url besides what ListPage reads."""

    template_name = "customers/part_list.html"
    new_label, new_url = "", ""
    part: str  # which of customers/tabs.html this list is

    def setup(self, request: HttpRequest, *args: Any, **kwargs: Any) -> None:
        """Load the customer first: below a hidden one every request is 404, and an export's job calls nothing else."""
        super().setup(request, *args, **kwargs)
        self.belongs_to = get_customer(request, kwargs["pk"])

    def rows(self) -> Any:
        return super().rows().filter(customer=self.belongs_to)

    def context(self) -> dict[str, Any]:
        customer = self.belongs_to
        may_add = bool(customer.can_contribute(self.request.user))
        new = (self.new_label, reverse(self.new_url, args=[customer.pk])) if may_add else None
        return {"record": customer, "tab": self.part, "new": new, **tabs_context(customer, self.request.user)}


def rows_of_customer(page: Any) -> Any:
    """Return the rows of a page's model that belong to the customer of its URL: a part of another customer is 404."""
    return visible_rows(page.model, page.request.user, page.select_related).filter(customer=page.kwargs["customer"])


class PartPage(FormPage):
    """A form about one part of a customer."""

    select_related: tuple[str, ...] = ("customer", "customer__manager")

    def rows(self) -> Any:
        return rows_of_customer(self)


class InPlacePage(FormPage):
    """A form that htmx opens inside the customer's page, and a page of its own without htmx.

    After saving, htmx replaces the form's card and the timeline.
    """

    card: str
    card_values: ClassVar[dict[str, Any]] = {}  # what the card shows besides cards_context()
    fragment = "customers/in_place.html"  # what htmx gets instead of template_name

    def rows(self) -> Any:
        return rows_of_customer(self)

    def get_record(self) -> Any:
        if not self.creates:
            return super().get_record()
        return self.model(customer=get_customer(self.request, self.kwargs["pk"]))

    def back_url(self, record: Any) -> str:
        return record.customer.get_absolute_url() if self.creates else super().back_url(record)

    def render(self, status: int = 200, template: str = "", **context: Any) -> HttpResponse:
        if not self.request.htmx:
            return super().render(status, template, **context)
        if template == "ui/conflict.html":
            response = super().render(200, template, **context)
            return push_url(reswap(retarget(response, "body"), "innerHTML"), self.request.path)
        return super().render(200, self.fragment, card=self.card, **context)

    def send(self, record: Any, form: Any) -> HttpResponse:
        response = super().send(record, form)
        is_saved = response.status_code == 302
        return self.redraw_card(record.customer_id) if is_saved and self.request.htmx else response

    def redraw_card(self, customer_id: int) -> HttpResponse:
        customer = get_object_or_404(Customer.objects.visible_to(self.request.user), pk=customer_id)
        context = {"card": self.card, "record": customer, **self.card_values}
        context |= cards_context(customer, self.request.user)
        response = render(self.request, "customers/redrawn.html", context)
        return reswap(retarget(response, f"#{self.card}"), "outerHTML")


@cache
def _contacts() -> FixedRows[Contact]:
    return FixedRows(Customer(pk=NO_KEY).contacts.all())


@cache
def _newest_interactions() -> FixedRows[Interaction]:
    """Return the query of the card's rows, one more, with the names of what they refer to."""
    rows = Customer(pk=NO_KEY).interactions.annotate(
        kind_name=F("kind__item"),
        contact_name=F("contact__name"),
        is_refused=F("contact__do_not_contact"),
        author=Coalesce(NullIf("created_by__name", Value("")), "created_by__username"),
    )
    return FixedRows(rows.order_by("-on", "-pk")[: CARD_ROWS + 1])


def tabs_context(record: Customer, user: User) -> dict[str, Any]:
    """Return the counts in the tabs of a customer, read by one statement."""
    names = ("contacts", "interactions", *(["orders"] if user.has_perm("customers.view_order") else []))
    sql, params = _tabs_query(names)
    counts = run_count(connection_for_reading(Customer), sql, put_key(params, record.pk))
    return {"tab_counts": dict(zip(names, counts, strict=True))}


@cache
def _tabs_query(names: tuple[str, ...]) -> tuple[str, list[Any]]:
    nobody = Customer(pk=NO_KEY)
    return build_count([(getattr(nobody, name).order_by(), MAX_COUNT + 1) for name in names])


def cards_context(customer: Customer, user: User) -> dict[str, Any]:
    """Return the context of contacts.html, interactions_card.html and timeline.html besides record and user."""
    newest = _newest_interactions().of(customer.pk)
    contacts = _contacts().of(customer.pk)
    for contact in contacts:
        contact.customer = customer
    return {
        "contacts": contacts,
        "interactions": newest[:CARD_ROWS],
        "more_interactions": len(newest) > CARD_ROWS,
        "may_edit": bool(customer.can_contribute(user)),
        **timeline_page(customer),
    }
