"""数据截至: how fresh the mirror of the sales system is, and the line that says so."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.template.loader import render_to_string
from django.utils import timezone

from basedata.models import FeedPosition, mirror_notice
from tests.html import find

pytestmark = pytest.mark.django_db


def synced(table: str, **ago) -> None:
    FeedPosition.objects.create(table=table, synced_at=timezone.now() - timedelta(**ago))


def line(*tables: str) -> str:
    return render_to_string("basedata/as_of.html", {"mirror": mirror_notice(*tables)})


def test_before_the_first_sync_the_line_says_so():
    assert mirror_notice("products") == (None, False)
    assert "还没有从销售系统同步过数据" in line("products")


def test_the_oldest_of_the_tables_counts():
    synced("orders", hours=1)
    synced("products", hours=30)
    assert mirror_notice("products", "orders").as_of == FeedPosition.objects.get(table="products").synced_at
    assert mirror_notice("orders").as_of == FeedPosition.objects.get(table="orders").synced_at


@pytest.mark.parametrize(("ago", "stale"), [({"hours": 47}, False), ({"hours": 48}, True)])
def test_older_than_the_setting_is_stale(ago, stale, settings):
    settings.CRM_SYNC_STALE_DAYS = 2
    synced("storage", **ago)
    assert mirror_notice("storage").stale is stale
    assert ("stale" in find(line("storage"), "p.as-of", containing="数据截至").classes) is stale


def test_the_notice_costs_one_query(django_assert_num_queries):
    with django_assert_num_queries(1):
        mirror_notice("products", "storage", "orders", "order_lines")
