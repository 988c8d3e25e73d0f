"""常购: the products that a customer buys again and again, and those of them that stopped."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from itertools import pairwise
from statistics import median

from basedata.models import Product

from .purchases import PurchaseDays

MIN_DAYS = 3
STOPPED_AFTER = 3  # intervals


@dataclass(frozen=True)
class RegularProduct:
    product: Product
    times: int  # order days
    interval: int  # the usual one, in days
    last: date
    as_of: date

    @property
    def stopped(self) -> bool:
        """Tell whether the last order is more than three usual intervals ago."""
        return (self.as_of - self.last).days > STOPPED_AFTER * self.interval


def usual_interval(days: list[date]) -> int:
    """Return the median number of days between order days, half up. days: oldest first."""
    gap = median((later - earlier).days for earlier, later in pairwise(days))
    return int(Decimal(gap).quantize(Decimal(1), ROUND_HALF_UP))


def regular_products(days: PurchaseDays, as_of: date) -> list[RegularProduct]:
    """Return the products with at least three order days, the most frequent first; of equals the latest, by number."""
    often = {product: on for product, on in days.items() if len(on) >= MIN_DAYS}
    products = Product.objects.in_bulk(often)
    rows = [RegularProduct(products[key], len(on), usual_interval(on), on[-1], as_of) for key, on in often.items()]
    return sorted(rows, key=lambda row: (-row.times, -row.last.toordinal(), row.product.number))
