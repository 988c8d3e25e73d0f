"""Writes orders: matched to customers, parked without one, with all their lines."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.db import connection
from django.urls import reverse
from django.utils import timezone

from basedata.models import Product
from customers.churn.scan import resolve_by_purchases
from customers.insight.metrics import refresh_metrics
from customers.orders.as_of import orders_as_of
from customers.orders.models import Order, OrderLine, ParkedOrder, refresh_last_purchases
from customers.orders.rollups import refresh_revenue
from customers.records.locks import take_merge_lock
from customers.records.models import Customer
from customers.timeline import TimelineEntry
from kit.domain.money import format_yuan
from kit.domain.past_dates import is_in_future
from kit.sql.transactions import in_transaction

from .rows import RowRefused
from .signs import settle_sign

LINE_COLUMNS = ("order_id", "line_number", "product_id", "product_number", "quantity", "unit", "unit_price")
ORDER_FIELDS = ["customer", "customer_key", "ordered_at", "address", "status", "total", "changed_at"]
LARGEST_TOTAL = Decimal(10) ** 17


def find_customers(keys: Iterable[str]) -> dict[str, int]:
    """Return {key of the sales system: customer}, by 销售系统客户编号, then by our own number; without deleted ones.

    Keys of a merged customer lead to its survivor; no customer is merged before the caller's transaction ends.
    """
    take_merge_lock(merging=False)
    wanted_keys, customers = set(keys), dict[str, int]()
    merged = Customer.objects.filter(merged_into__isnull=False, merged_into__deleted_at=None)
    current = Customer.objects.current()
    for field in ("number", "external_number"):
        survivors = merged.filter(**{f"{field}__in": wanted_keys}).values_list(field, "merged_into")
        customers |= dict(survivors) | dict(current.filter(**{f"{field}__in": wanted_keys}).values_list(field, "pk"))
    return customers


def order_total(lines: Iterable[Mapping[str, Any]]) -> Decimal:
    return sum((line["quantity"] * line["unit_price"] for line in lines), Decimal(0))


@in_transaction
def write_orders(orders: list[dict[str, Any]], customers: Mapping[str, int]) -> None:
    """Insert or replace orders of known customers. orders: values of rows.order with lines."""
    if not orders:
        return
    numbers = [order["number"] for order in orders]
    stored = _stored_orders(numbers)
    before = {number: (pk, owner) for number, pk, owner, _ in stored}
    Order.objects.bulk_create(
        [_build_order(values, customers[values["customer_number"]]) for values in orders],
        update_conflicts=True, unique_fields=["number"], update_fields=ORDER_FIELDS,
    )  # fmt: skip
    ids = {number: (pk, owner) for number, pk, owner, _ in _stored_orders(numbers)}
    if before:
        OrderLine.objects.filter(order__in=[pk for pk, _ in before.values()]).delete()
    _write_lines(orders, {number: pk for number, (pk, _) in ids.items()})
    _replace_timeline_entries(orders, before, ids)
    ParkedOrder.objects.filter(number__in=numbers).delete()
    days = [at for *_, at in stored] + [order["ordered_at"] for order in orders]
    owners = {owner for _, owner in (*before.values(), *ids.values())}
    refresh_after_orders(owners, years={timezone.localtime(day).year for day in days})


def _stored_orders(numbers: list[str]) -> list[tuple[str, int, int, datetime]]:
    return list(Order.objects.filter(number__in=numbers).values_list("number", "pk", "customer_id", "ordered_at"))


def _build_order(values: dict[str, Any], customer: int) -> Order:
    fields = {name: values[name] for name in ("number", "ordered_at", "address", "status", "changed_at")}
    fields["customer_key"] = values["customer_number"]
    return Order(**fields, customer_id=customer, total=order_total(values["lines"]))


def _write_lines(orders: list[dict[str, Any]], ids: Mapping[str, int]) -> None:
    numbers = {line["product_number"] for order in orders for line in order["lines"]}
    products = dict(Product.objects.filter(number__in=numbers).values_list("number", "pk"))
    rows = (
        (ids[order["number"]], line["line_number"], products.get(line["product_number"]),
         line["product_number"], line["quantity"], line["unit"], line["unit_price"])
        for order in orders for line in order["lines"]
    )  # fmt: skip
    if connection.vendor == "postgresql":
        _copy(rows)
    else:
        OrderLine.objects.bulk_create(
            (OrderLine(**dict(zip(LINE_COLUMNS, row, strict=True))) for row in rows), batch_size=2000
        )


def _copy(rows: Iterable[tuple]) -> None:
    table = OrderLine._meta.db_table
    with connection.cursor() as cursor, cursor.copy(f"COPY {table} ({', '.join(LINE_COLUMNS)}) FROM STDIN") as copy:
        for row in rows:
            copy.write_row(row)


def order_url(customer: int, order: int) -> str:
    return reverse("customers:order_detail", args=[customer, order])


def _replace_timeline_entries(
    orders: list[dict[str, Any]], before: Mapping[str, Any], ids: Mapping[str, tuple[int, int]]
) -> None:
    """Write one timeline entry per order and delete the old one, also of an order that moved to another customer."""
    kind = TimelineEntry.Kind.ORDER
    old_urls = [order_url(owner, pk) for pk, owner in before.values()]
    if old_urls:
        owners = {owner for _, owner in before.values()}
        TimelineEntry.objects.filter(customer__in=owners, kind=kind, url__in=old_urls).delete()
    entries = []
    for order in orders:
        pk, owner = ids[order["number"]]
        status, total = Order.Status(order["status"]).label, format_yuan(order_total(order["lines"]))
        text = f"订单 {order['number']}，{status}，{total} 元"
        at = order["ordered_at"]
        entries.append(TimelineEntry(customer_id=owner, at=at, kind=kind, text=text, url=order_url(owner, pk)))
    TimelineEntry.objects.bulk_create(entries, ignore_conflicts=True)


def refresh_after_orders(customer_ids: set[int], years: set[int] | None = None) -> None:
    """Refresh everything computed from orders, in their transaction: a killed run leaves neither without the other.

    years: those of the orders, before and after; None: any.
    """
    refresh_revenue(customer_ids, years)
    refresh_last_purchases(customer_ids)
    refresh_metrics(customer_ids, orders_as_of(syncing=True))
    resolve_by_purchases(customer_ids)


@in_transaction
def park(orders: list[dict[str, Any]]) -> None:
    """Store orders of unknown customers as received."""
    ParkedOrder.objects.bulk_create(
        [
            ParkedOrder(
                number=order["number"], customer_key=order["customer_number"], ordered_at=order["ordered_at"],
                status=order["status"], content=_to_json(order),
            )
            for order in orders
        ],
        update_conflicts=True, unique_fields=["number"],
        update_fields=["customer_key", "ordered_at", "status", "content"],
    )  # fmt: skip


def _to_json(values: Mapping[str, Any]) -> dict[str, Any]:
    return {
        name: [_to_json(line) for line in value] if name == "lines"
        else value.isoformat() if isinstance(value, datetime)
        else str(value) if isinstance(value, Decimal) else value
        for name, value in values.items()
    }  # fmt: skip


def _from_json(content: Mapping[str, Any]) -> dict[str, Any]:
    values = dict(content)
    for name in ("ordered_at", "changed_at"):
        values[name] = datetime.fromisoformat(values[name]) if values[name] else None
    values["lines"] = [
        {**line, "quantity": Decimal(line["quantity"]), "unit_price": Decimal(line["unit_price"])}
        for line in values["lines"]
    ]
    return values


def _is_acceptable(values: dict[str, Any]) -> bool:
    """Check what the feed checks today, turning signs where it does."""
    try:
        settle_sign(values)
    except RowRefused:
        return False
    return not is_in_future(values["ordered_at"])


@in_transaction
def unpark(keys: Iterable[str]) -> int:
    """Write the parked orders of these customer keys whose customer is known by now; return how many.

    An order parked by an earlier release that would be refused today stays parked.
    """
    keys = list(keys)
    customers = find_customers(keys)
    parked_orders = ParkedOrder.objects.filter(customer_key__in=[key for key in keys if key in customers])
    candidates = [_from_json(order.content) for order in parked_orders.select_for_update()]
    orders = [values for values in candidates if _is_acceptable(values)]
    write_orders(orders, customers)
    return len(orders)
