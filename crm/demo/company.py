"""The demo company, loaded in one transaction."""

from __future__ import annotations

import random

from django.db import transaction
from django.utils import timezone

from customers.models import Customer
from kit.audit.seals import seal_pending
from kit.domain.days import midnight
from reports.queries.composition import last_month_end, store_snapshot

from .aftercare import save_requests
from .alerts import play_alerts
from .churn import play_churn
from .clients import Directory, existing_clients, log_losses, save_clients
from .duplicates import enter_twice
from .insight import play_insight
from .monthly import play_monthly
from .past import Journal
from .people import Lexicon, create_people
from .pipeline import Pipeline
from .stories import save_stories
from .talks import build_talks, save_beginnings, save_files, save_talks
from .trade import save_trade
from .views import save_views

SEED = 20251124


def load(password: str) -> dict[str, int]:
    """Load the demo company, the same each time but for the day; return counts by label."""
    rng, journal = random.Random(SEED), Journal()  # noqa: S311 - invented names, no secrets
    with transaction.atomic():
        lexicon = Lexicon()
        cast = create_people(password, lexicon, journal)
        directory = Directory(rng)
        clients = existing_clients(cast, lexicon, directory)
        stories = Pipeline(cast, lexicon, directory, clients).stories()
        clients += [story.client for story in stories if story.client]
        save_clients(clients, journal, rng)
        save_stories(stories, journal, timezone.now())
        save_beginnings(clients, [story.opportunity for story in stories])
        talks = build_talks(clients, lexicon)
        save_talks(talks, journal)
        save_files(talks, journal)
        requests = save_requests(clients, cast, lexicon, journal)
        orders = save_trade(clients)
        log_losses(clients, journal)
        journal.write()
        cases = play_churn(cast, lexicon)  # after the orders
        copies = enter_twice(clients, cast["zhuguan"])
        play_alerts(cast)  # after the cases
        play_insight(cast)
        save_views(cast)
        reports = play_monthly(cast)  # after everything
        store_month_end()
    seal_pending()  # the events are dated in the past and would otherwise count as unsealed for too long
    counts = {"账号": len(cast), "客户": len(clients) + copies, "销售机会": len(stories), "交往记录": len(talks)}
    return {**counts, "订单": orders, "流失": cases, "服务请求": requests, "客户管理报告": reports}


def store_month_end() -> None:
    """Store the customers of the end of last month, as the schedule would have done."""
    first = timezone.localdate().replace(day=1)
    store_snapshot(last_month_end(first), Customer.objects.current().filter(created_at__lt=midnight(first)))
