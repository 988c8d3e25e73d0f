"""The monthly computation of product pairs, and the check of what hints from them would have hit."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from itertools import chain, islice
from math import fsum
from typing import Any

from basedata.models import Product
from kit.sql.turns import in_turn

from .hint_models import HintCheck, ProductPair
from .hints import MOST, Pair, best_pairs
from .purchases import Baskets, PurchaseDays, Window, count_buyers

MIN_BUYERS = 100  # fewer customers with orders: no hints
MIN_BOTH = 20
MIN_LIFT = 2
PARTNERS = 20  # kept for each product
CHECK_DAYS = 90
Beat = Callable[[], None]  # called often by long work, to say that it lives


def product_pairs(
    baskets: Baskets, window: Window, buyers: int, numbers: Mapping[int, str], beat: Beat = lambda: None
) -> Iterator[ProductPair]:
    """Yield the pairs of the window. buyers: customers with an order day in it; numbers: {product: its number}."""
    counts = baskets.choose(window)
    if buyers < MIN_BUYERS:
        return
    for a, buyers_a in counts.items():
        if buyers_a < MIN_BOTH:
            continue
        beat()
        together = baskets.bought_with(a, MIN_BOTH)
        pairs = [
            Pair(a, numbers[a], b, numbers[b], buyers_a, both)
            for b, both in together.items()
            if both * buyers >= MIN_LIFT * buyers_a * counts[b]
        ]
        for pair in sorted(pairs, key=lambda pair: pair.place)[:PARTNERS]:
            yield ProductPair(
                a_id=a, b_id=pair.b, buyers_a=buyers_a, buyers_b=counts[pair.b], both=pair.both, buyers=buyers
            )


def refresh_pairs(as_of: date, month: date, beat: Beat = lambda: None) -> HintCheck:
    """Compute pairs and check anew, and put them in the place of the old ones in one transaction."""
    baskets, window = Baskets(), Window.of_year(as_of)
    try:
        baskets.load(as_of, beat)
        numbers = dict(Product.objects.order_by().values_list("pk", "number"))  # none of a line loaded is missing
        buyers = count_buyers(window)
        pairs = list(product_pairs(baskets, window, buyers, numbers, beat))
        check = check_hints(baskets, as_of, numbers, beat)
    finally:
        baskets.close()
    with in_turn():
        ProductPair.objects.all().delete()
        ProductPair.objects.bulk_create(pairs, batch_size=1000)
        values = {"as_of": as_of, "buyers": buyers, **check}
        return HintCheck.objects.update_or_create(month=month, defaults=values)[0]


@dataclass
class Tally:
    """What was offered to the customers so far, and what of it they bought afterwards."""

    compared: int = 0
    shown: int = 0
    bought: int = 0
    best_shown: int = 0
    best_bought: int = 0
    random_rates: list[float] = field(default_factory=list)

    def add(self, offered: list[int], best: list[int], pool: set[int], later: set[int]) -> None:
        """Count one customer. pool: what random products are taken from; later: what the customer bought then."""
        self.compared += 1
        self.shown, self.bought = self.shown + len(offered), self.bought + len(later.intersection(offered))
        self.best_shown, self.best_bought = self.best_shown + len(best), self.best_bought + len(later & set(best))
        self.random_rates.append(len(later & pool) / len(pool) if pool else 0)

    def values(self) -> dict[str, Any]:
        rate = fsum(self.random_rates) * 100 / self.compared if self.compared else None
        counts = {name: getattr(self, name) for name in ("compared", "shown", "bought", "best_shown", "best_bought")}
        return {**counts, "random_rate": None if rate is None else round(Decimal(rate), 3)}


def check_hints(baskets: Baskets, as_of: date, numbers: Mapping[int, str], beat: Beat = lambda: None) -> dict[str, Any]:
    """Return the values of a HintCheck: hints as of 90 days ago against the purchases since."""
    split = as_of - timedelta(days=CHECK_DAYS)
    window, later = Window.of_year(split), Window(split, as_of)
    partners: dict[int, list[Pair]] = {}
    for pair in product_pairs(baskets, window, count_buyers(window), numbers, beat):
        values = Pair(pair.a_id, numbers[pair.a_id], pair.b_id, numbers[pair.b_id], pair.buyers_a, pair.both)
        partners.setdefault(pair.a_id, []).append(values)
    counts = baskets.choose(window)
    ranking = sorted(counts, key=lambda product: (-counts[product], numbers[product]))
    tally = Tally()
    for days in baskets.customers():
        beat()
        recent = products_in(days, window)
        if not recent:
            continue
        known = {product for product, on in days.items() if on[0] <= split}
        offered = best_pairs(chain.from_iterable(partners.get(a, ()) for a in recent), known)
        best = list(islice((product for product in ranking if product not in known), MOST))
        tally.add([pair.b for pair in offered], best, counts.keys() - known, products_in(days, later))
    return {"split_on": split, **tally.values()}


def products_in(days: PurchaseDays, window: Window) -> set[int]:
    return {product for product, on in days.items() if any(day in window for day in on)}
