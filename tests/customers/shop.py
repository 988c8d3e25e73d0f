"""A small sales system for tests of what is bought together: drawn by dice, the same each time."""

from __future__ import annotations

import random
from datetime import UTC, date, datetime, time, timedelta

from django.utils import timezone

from accounts.models import User
from basedata.models import Product
from customers.models import Customer, Order, OrderLine, Ownership

AS_OF = date(2026, 6, 30)
FIRST = datetime(2024, 1, 1, tzinfo=UTC)
Line = tuple[Customer, Product, date, str, int]  # customer, product, day, status, quantity


def make_customers(manager: User, count: int, name: str = "买家") -> list[Customer]:
    rows = [Customer(number=f"{name}{place}", name=f"{name}{place}有限公司", manager=manager) for place in range(count)]
    for row in rows:
        row.derive_names()
    Customer.objects.bulk_create(rows)
    Ownership.objects.bulk_create(Ownership(customer=row, manager=manager, since=FIRST) for row in rows)
    return rows


def make_products(count: int) -> list[Product]:
    """Return products whose numbers do not follow their keys; count: no multiple of five."""
    return Product.objects.bulk_create(
        Product(number=f"P{(place * 5) % count:02d}", name=f"产品{place}") for place in range(count)
    )


def draw(customers: list[Customer], products: list[Product], seed: int = 7) -> list[Line]:
    """Draw lines over two years: every customer prefers one third of the products."""
    dice, lines = random.Random(seed), []
    third = len(products) // 3
    for place, customer in enumerate(customers):
        liked = products[place % 3 * third :][:third]
        for _ in range(dice.randint(2, 7)):
            day = AS_OF - timedelta(days=dice.choice((*range(0, 400, 3), 364, 365, 366, 700)))
            status = dice.choice(("paid", "unpaid", "paid", "paid", "returned", "cancelled"))
            lines += [
                (customer, product, day, status, dice.choice((1, 3, 0, 12)))
                for product in dice.sample(liked, 4) + dice.sample(products, 1)
            ]
    return lines


def write(lines: list[Line], hour: int = 0) -> None:
    """Store an order for each customer, day and status, a line twice; changed on AS_OF at the latest."""
    orders: dict[tuple[int, date, str], Order] = {}
    for customer, _, day, status, _ in lines:
        at = timezone.make_aware(datetime.combine(day, time(hour)))
        number = f"DD{day:%y%m%d}{hour}{status}{customer.pk}"
        key = (customer.pk, day, status)
        orders.setdefault(key, Order(number=number, customer=customer, ordered_at=at, status=status, changed_at=at))
    Order.objects.bulk_create(orders.values())
    OrderLine.objects.bulk_create(
        OrderLine(
            order=orders[customer.pk, day, status], line_number=2 * place + copy, product=product,
            product_number=product.number, quantity=-quantity if status == "returned" else quantity, unit_price=1,
        )
        for place, (customer, product, day, status, quantity) in enumerate(lines)
        for copy in (0, 1)
    )  # fmt: skip


def draw_rhythms(customers: list[Customer], seed: int = 3) -> list[Order]:
    """Store orders of two years at each customer's own pace; some stop, some pause; return them."""
    dice, orders = random.Random(seed), []
    for customer in customers:
        pace, day = dice.choice((4, 9, 15, 30, 45)), AS_OF - timedelta(days=dice.randint(300, 700))
        stop = AS_OF - timedelta(days=dice.choice((0, 0, 60, 130, 200, 250, 290)))
        while day <= stop:
            status = dice.choice(("paid", "unpaid", "paid", "returned", "cancelled"))
            at = timezone.make_aware(datetime.combine(day, time(dice.choice((0, 23)))))
            number = f"R{customer.pk}-{len(orders)}"
            orders.append(Order(number=number, customer=customer, ordered_at=at, status=status, changed_at=at))
            day += timedelta(days=dice.choice((0, pace, pace, pace + dice.randint(0, 6), 3 * pace)))
    at = timezone.make_aware(datetime.combine(AS_OF, time(12)))
    orders.append(Order(number="last", customer=customers[0], ordered_at=at, status="cancelled", changed_at=at))
    return Order.objects.bulk_create(orders)
