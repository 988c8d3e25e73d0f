"""What is computed from the demo company's orders, as the schedule would have done, and what people said to it."""

from __future__ import annotations

from accounts.models import User
from customers.insight.cards import product_cards
from customers.insight.tasks import compute_backtest, compute_pairs
from customers.models import BacktestMonth, Customer, HintCheck, HintPause
from customers.orders.as_of import orders_as_of

from .names import SHOWN_ACCOUNTS

CARDS = 12  # customers looked at for a hint to pause


def play_insight(cast: dict[str, User]) -> None:
    """Compute pairs of products and 预警回测, after the orders; each 客户经理 pauses a hint."""
    compute_pairs()
    compute_backtest()
    as_of = orders_as_of()
    for person in (cast[username] for username in SHOWN_ACCOUNTS):
        for customer in Customer.objects.visible_to(person).filter(manager=person).order_by("pk")[:CARDS]:
            cards = product_cards(customer, person, as_of)
            if cards and cards.hints:
                HintPause.create(by=person, customer=customer, product=cards.hints[-1].product)
                break


def remove_insight() -> None:
    """Delete what was computed of demo orders; for a real feed the schedule computes it anew the next night."""
    HintCheck.objects.all().delete()
    BacktestMonth.objects.all().delete()
