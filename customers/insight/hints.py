"""可以谈什么: products that customers like this one buy too, and how often such hints are right."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from typing import NamedTuple

from django.db.models import Exists, OuterRef, Q, QuerySet

from basedata.models import FeedPosition, Product, StockRecord
from customers.records.models import Customer
from kit.domain.days import add_months
from kit.sql.id_sets import IdSet

from .hint_models import HintPause, ProductPair
from .purchases import PurchaseDays

MOST = 5


class Pair(NamedTuple):
    """A row of ProductPair in small values; products with their numbers, which decide between equals."""

    a: int
    a_number: str
    b: int
    b_number: str
    buyers_a: int
    both: int

    @property
    def place(self) -> tuple[float, str, str]:
        """Return what hints are sorted by: the share of the buyers of a who buy b, highest first."""
        return -self.both / self.buyers_a, self.b_number, self.a_number


@dataclass(frozen=True)
class Hint:
    """Of buyers_a customers who bought `bought`, as this one did, `both` also bought `product`."""

    product: Product
    bought: Product
    buyers_a: int
    both: int

    @property
    def share(self) -> Decimal:
        return tenths_of_percent(self.both, self.buyers_a)


def tenths_of_percent(part: int, whole: int) -> Decimal:
    return (Decimal(part) * 100 / whole).quantize(Decimal("0.1"), ROUND_HALF_UP)


def best_pairs(pairs: Iterable[Pair], known: Collection[int], most: int = MOST) -> list[Pair]:
    """Return the best pair for each of the best products b, none of them known. pairs: of the products bought."""
    best: dict[int, Pair] = {}
    for pair in pairs:
        if pair.b not in known and (pair.b not in best or pair.place < best[pair.b].place):
            best[pair.b] = pair
    return sorted(best.values(), key=lambda pair: pair.place)[:most]


def hints_for(customer: Customer, days: PurchaseDays, as_of: date) -> list[Hint]:
    """Return at most five hints. days: what the customer ever bought and when."""
    since = add_months(as_of, -12)
    recent = IdSet(product for product, on in days.items() if any(since < day <= as_of for day in on))
    if not recent:
        return []
    pairs = offered_pairs(customer).filter(a__in=recent).exclude(b__in=IdSet(days))
    fields = ("a", "a__number", "b", "b__number", "buyers_a", "both")
    best = best_pairs(map(Pair._make, pairs.order_by().values_list(*fields)), days)
    products = Product.objects.in_bulk({key for pair in best for key in (pair.a, pair.b)})
    return [Hint(products[pair.b], products[pair.a], pair.buyers_a, pair.both) for pair in best]


def offered_pairs(customer: Customer) -> QuerySet[ProductPair]:
    """Return the pairs whose b may be offered: on sale, in stock where stock is mirrored, and not paused."""
    has_stock_data = FeedPosition.objects.filter(table="storage", synced_at__isnull=False)
    in_stock = StockRecord.objects.filter(product=OuterRef("b"), quantity__gt=0)
    pauses = HintPause.objects.filter(customer=customer, product=OuterRef("b"))
    on_sale = ProductPair.objects.filter(~Exists(pauses), b__is_discontinued=False)
    return on_sale.filter(Q(Exists(in_stock)) | ~Q(Exists(has_stock_data)))
