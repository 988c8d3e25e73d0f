"""The cards 可以谈什么 and 常购 on the customer's page."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from typing import NamedTuple

from accounts.models import User
from customers.orders.models import Order
from customers.records.models import Customer

from .hint_models import HintCheck, HintPause
from .hints import Hint, hints_for, tenths_of_percent
from .purchases import purchase_days
from .regular import RegularProduct, regular_products

FIRST_ROWS, MAX_ROWS = 8, 100


class HitRates(NamedTuple):
    """The latest check of the company's hints, in percent."""

    check: HintCheck
    hints: Decimal
    best: Decimal
    random: Decimal


class ProductCards(NamedTuple):
    """has_lines: whether the sales system sends order lines of this customer at all."""

    has_lines: bool
    hints: Sequence[Hint] = ()
    pauses: Sequence[HintPause] = ()
    may_pause: bool = False
    rates: HitRates | None = None
    regular: Sequence[RegularProduct] = ()

    @property
    def first_regular(self) -> Sequence[RegularProduct]:
        return self.regular[:FIRST_ROWS]

    @property
    def more_regular(self) -> Sequence[RegularProduct]:
        return self.regular[FIRST_ROWS:MAX_ROWS]

    @property
    def left_out(self) -> int:
        return max(0, len(self.regular) - MAX_ROWS)


def product_cards(customer: Customer, user: User, as_of: date) -> ProductCards | None:
    """Return both cards; None without permission to see orders. customer: in view, with purchases."""
    if not user.has_perm(Order.objects.all().view_permission):
        return None
    days = purchase_days(customer, as_of)
    if not days:
        return ProductCards(has_lines=False)
    return ProductCards(
        has_lines=True,
        hints=hints_for(customer, days, as_of),
        pauses=list(HintPause.objects.filter(customer=customer).select_related("product", "by")),
        may_pause=bool(customer.can_contribute(user)),
        rates=latest_rates(),
        regular=regular_products(days, as_of),
    )


def latest_rates() -> HitRates | None:
    """Return how often the company's hints hit; None while nothing could be compared."""
    check = HintCheck.objects.filter(shown__gt=0).order_by("-month").first()
    if check is None or check.random_rate is None:
        return None
    hints = tenths_of_percent(check.bought, check.shown)
    best = tenths_of_percent(check.best_bought, check.best_shown or 1)
    return HitRates(check, hints, best, check.random_rate.quantize(Decimal("0.1")))
