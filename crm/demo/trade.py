"""Data of the sales system for the demo company: products, stock and two years of orders."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator
from datetime import datetime, timedelta
from decimal import Decimal
from heapq import nlargest

from django.db.models import Max, Min
from django.db.models.functions import TruncDate
from django.utils import timezone

from basedata.calendar.counted_days import current_counted_days
from basedata.models import FeedPosition, Product, StockRecord, SyncRun
from customers.models import Customer, Order, OrderLine, TimelineEntry, refresh_last_purchases, refresh_revenue
from kit.domain.money import format_yuan

from .clients import Client
from .past import past_datetime

SEED = 20251125
PREFIX, ORDER_PREFIX = "YS", "DD"
DAYS = 720
LATE_BY = {1: 2.3, 3: 1.58, 5: 2.3, 7: 1.58, 8: 1.58, 10: 1.58}  # by rank: in usual intervals
KINDS = (  # name, models, unit, price of the smallest in yuan
    ("压力变送器", ("EJA-110", "EJA-210", "EJA-310", "EJA-510", "EJA-530", "EJA-610"), "台", "2180"),
    ("差压变送器", ("DP-20", "DP-40", "DP-60", "DP-100", "DP-160"), "台", "2960"),
    ("电磁流量计", ("DN25", "DN50", "DN80", "DN100", "DN150", "DN200"), "台", "4350"),
    ("涡街流量计", ("LUGB-25", "LUGB-50", "LUGB-80", "LUGB-100"), "台", "3780"),
    ("超声波液位计", ("UL-5", "UL-8", "UL-12", "UL-20"), "台", "3260"),
    ("一体化温度变送器", ("PT-A", "PT-B", "K-150", "K-300", "S-600"), "支", "386.5"),
    ("智能阀门定位器", ("VP-1", "VP-2", "VP-3"), "台", "3120"),
    ("气动调节阀", ("DN25-16P", "DN40-16P", "DN50-25P", "DN80-25P"), "台", "5680"),
    ("信号隔离器", ("GL-1入1出", "GL-1入2出", "GL-2入2出"), "只", "268"),
    ("防爆接线箱", ("6路", "12路", "24路"), "只", "342"),
    ("计算机屏蔽电缆", ("2×2×1.0", "4×2×1.0", "8×2×1.0"), "米", "7.85"),
    ("仪表管接头", ("φ6", "φ8", "φ10", "φ12"), "件", "18.75"),
    ("年度校验服务", ("现场", "返厂"), "次", "450"),
    ("备用膜片", ("316L", "哈氏合金", "钽"), "件", "132.4"),
)
NEEDS = (  # what a plant buys again and again, by its kind
    ("EJA-110", "EJA-310", "DP-40", "φ8", "2×2×1.0", "GL-1入1出", "现场", "316L"),
    ("DN50", "DN80", "DN100", "LUGB-50", "6路", "4×2×1.0", "GL-1入2出", "返厂"),
    ("PT-A", "K-150", "UL-5", "UL-8", "VP-1", "DN25-16P", "12路", "φ10"),
)
BATCHES = ("A 级", "B 级", "2401", "2407", "2503")
WAREHOUSES = (("北京总库", "A"), ("苏州分库", "B"), ("成都分库", "C"))


def save_trade(clients: list[Client]) -> int:
    """Save everything, after the customers; return the number of orders."""
    rng = random.Random(SEED)  # noqa: S311 - invented orders, no secrets
    products = _products(rng)
    _stock(products, rng)
    places = {client.customer.pk: client.place.city for client in clients}
    customers = Customer.objects.in_bulk(places)
    ranks = _rank_by_manager(customers)
    orders: list[Order] = []
    for position, pk in enumerate(places):
        address = f"{places[pk]}市{customers[pk].name[:20]}仓库"
        orders += [
            _order(customers[pk], at, address)
            for at in _days(customers[pk], position, ranks[pk], rng)
            if _was_customer(customers[pk], at)
        ]
    _save(orders, products, rng)
    for table in ("products", "storage", "orders", "order_lines"):
        FeedPosition.objects.update_or_create(table=table, defaults={"synced_at": timezone.now()})
    return len(orders)


def _rank_by_manager(customers: dict[int, Customer]) -> dict[int, int]:
    """Number the customers of each 客户经理 in the order of their keys, so that each has some that are late."""
    counts, ranks = Counter[int](), dict[int, int]()
    for pk, customer in sorted(customers.items()):
        ranks[pk] = counts[customer.manager_id]
        counts[customer.manager_id] += 1
    return ranks


def _products(rng: random.Random) -> list[Product]:
    products = [
        Product(
            number=f"{PREFIX}{kind + 1:02d}{size + 1:02d}",
            name=name,
            model=model,
            batch=rng.choice(BATCHES),
            unit=unit,
            unit_price=(Decimal(price) * (10 + 3 * size) / 10).quantize(Decimal("0.0001")),
            note="定制，货期约 4 周" if size == len(models) - 1 and kind < 5 else "",
            changed_at=timezone.now(),
        )
        for kind, (name, models, unit, price) in enumerate(KINDS)
        for size, model in enumerate(models)
    ]
    Product.objects.bulk_create(products)
    return products


def _stock(products: list[Product], rng: random.Random) -> None:
    StockRecord.objects.bulk_create(
        StockRecord(
            product=product,
            warehouse=warehouse,
            location=f"{row}{rng.randint(1, 9)}-{rng.randint(1, 24):02d}",
            quantity=Decimal(rng.randint(0, 60)) if product.unit != "米" else Decimal(rng.randint(2000, 90000)) / 10,
            changed_at=timezone.now(),
        )
        for product in products
        for warehouse, row in rng.sample(WAREHOUSES, rng.randint(1, 3))
    )


def _days(customer: Customer, position: int, rank: int, rng: random.Random) -> Iterator[datetime]:
    """Yield order datetimes, newest first: some customers never bought, some stopped months ago, some are late.

    rank: among the customers of their 客户经理.
    """
    if position % 11 == 0 or customer.deleted_at:
        return
    interval = rng.randint(35, 150)
    silent = 300 if customer.status == Customer.Status.LOST else rng.randint(190, 330) if position % 9 == 4 else 0
    days_ago = silent + rng.randint(2, interval)
    if rank in LATE_BY and not silent:
        interval = 30 + interval % 20
        days_ago = _days_ago(interval * LATE_BY[rank])
    while days_ago < DAYS:
        yield past_datetime(days_ago, rng.randint(9, 17), rng.randrange(60))
        days_ago += max(7, round(rng.gauss(interval, interval / 4)))


def _days_ago(counted_days: float) -> int:
    """Return how many days ago so many counted days begin, so that holidays make nobody less late."""
    calendar, today = current_counted_days(), timezone.localdate()
    return next(days for days in range(DAYS) if calendar.between(today - timedelta(days=days), today) >= counted_days)


def _was_customer(customer: Customer, at: datetime) -> bool:
    """Tell whether it was a customer then; without 建立合作日期 it became one when created, e.g. by 开发成功."""
    return customer.cooperation_since is not None or at >= customer.created_at


def _order(customer: Customer, at: datetime, address: str) -> Order:
    return Order(customer=customer, ordered_at=at, address=address, changed_at=at)


def _save(orders: list[Order], products: list[Product], rng: random.Random) -> None:
    orders.sort(key=lambda order: order.ordered_at)
    orders[-1].changed_at = timezone.now()  # the feed goes on
    lines = []
    for position, order in enumerate(orders, start=1):
        order.number = f"{ORDER_PREFIX}{timezone.localtime(order.ordered_at):%y%m%d}{position:04d}"
        order.status = _status(order, rng)
        lines += _lines(order, products, rng)
    Order.objects.bulk_create(orders, batch_size=500)
    for line in lines:
        line.order_id = line.order.pk
    OrderLine.objects.bulk_create(lines, batch_size=1000)
    TimelineEntry.objects.bulk_create(
        (
            TimelineEntry(
                customer_id=order.customer_id,
                at=order.ordered_at,
                kind=TimelineEntry.Kind.ORDER,
                text=f"订单 {order.number}，{order.get_status_display()}，{format_yuan(order.total)} 元",
                url=order.get_absolute_url(),
            )
            for order in orders
        ),
        batch_size=500,
    )
    _set_cooperation_dates(orders)
    refresh_last_purchases()
    refresh_revenue()


def _status(order: Order, rng: random.Random) -> str:
    chance, age = rng.random(), timezone.now() - order.ordered_at
    if chance < 0.03:
        return Order.Status.RETURNED
    if chance < 0.05:
        return Order.Status.CANCELLED
    return Order.Status.UNPAID if age < timedelta(days=75) and chance < 0.5 else Order.Status.PAID


def _lines(order: Order, products: list[Product], rng: random.Random) -> list[OrderLine]:
    sign = -1 if order.status == Order.Status.RETURNED else 1
    selected = _choose(order.customer_id, products, 1 if sign < 0 else rng.choice((1, 1, 2, 2, 3, 4, 6)), rng)
    lines = []
    for line_number, product in enumerate(selected, start=1):
        metres = product.unit == "米"
        quantity = Decimal(rng.randint(500, 6000)) / 10 if metres else Decimal(rng.choice((1, 1, 2, 2, 3, 4, 6, 8, 12)))
        price = (product.unit_price or Decimal(0)) * rng.choice((100, 100, 98, 95, 92)) / 100
        line = OrderLine(order=order, line_number=line_number, product=product, product_number=product.number)
        quantity *= _size(order.customer_id)
        line.quantity, line.unit, line.unit_price = sign * quantity, product.unit, price.quantize(Decimal("0.0001"))
        lines.append(line)
    order.total = sum((line.amount for line in lines), Decimal(0))
    return lines


def _choose(customer: int, products: list[Product], count: int, rng: random.Random) -> list[Product]:
    """Return so many products: mostly what a customer of its kind needs."""
    needs = NEEDS[customer % len(NEEDS)]
    return nlargest(count, products, key=lambda product: rng.random() ** (1 / 30 if product.model in needs else 1))


def _size(customer: int) -> int:
    """Return a factor for a customer's quantities: few customers bring most revenue."""
    return max(1, 40 // (1 + customer * 37 % 101))


def _set_cooperation_dates(orders: list[Order]) -> None:
    """Set 建立合作日期 to the first order of customers who bought before they were created here."""
    early = (
        Order.objects.filter(customer__in={order.customer_id for order in orders})
        .values("customer")
        .annotate(first=TruncDate(Min("ordered_at")), known=Max("customer__created_at"))
        .values_list("customer", "first", "known")
        .order_by()
    )
    first_order_by_customer = {pk: first for pk, first, created in early if first < timezone.localdate(created)}
    customers = list(Customer.objects.filter(pk__in=first_order_by_customer))
    for customer in customers:
        customer.cooperation_since = first_order_by_customer[customer.pk]
    Customer.objects.bulk_update(customers, ["cooperation_since"], batch_size=500)


def remove_trade(customers: list[int]) -> None:
    """Delete the demo's orders, products and stock; data of a real feed stay."""
    Order.objects.filter(customer__in=customers).delete()
    refresh_revenue(customers)
    products = Product.objects.filter(number__startswith=PREFIX, order_lines=None)
    StockRecord.objects.filter(product__in=products).delete()
    products.delete()
    if not SyncRun.objects.exists():
        FeedPosition.objects.all().delete()
