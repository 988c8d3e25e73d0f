"""A million orders for the reports, generated in SQL; and the time of adding them up without a rollup."""

from __future__ import annotations

import statistics
import time

ORDERS = 1_000_000
YEARS = 4

# Customers are drawn so that few give most; one order in thirty is a return, one in fifty cancelled.
FILL = """
WITH known AS (
  SELECT id, row_number() OVER (ORDER BY id) - 1 AS place FROM customers_customer WHERE deleted_at IS NULL
), made AS MATERIALIZED (
  SELECT i, floor((SELECT count(*) FROM known) * power(random(), 2))::bigint AS whose
  FROM generate_series(%s::bigint, %s::bigint) AS i
)
INSERT INTO customers_order (number, customer_id, ordered_at, address, status, total, changed_at)
SELECT
  'BO' || i,
  known.id,
  now() - random() * make_interval(years => %s),
  '',
  CASE WHEN i %% 30 = 0 THEN 'returned' WHEN i %% 50 = 7 THEN 'cancelled' WHEN i %% 7 = 0 THEN 'unpaid' ELSE 'paid' END,
  round((CASE WHEN i %% 30 = 0 THEN -1 ELSE 1 END * exp(7 + 3 * random()))::numeric, 7),
  now()
FROM made JOIN known ON known.place = made.whose
"""
# One customer in ten was warned of in two years: some wait, most bought again, a fifth are lost, few came back.
CASES = """
WITH warned AS (
  SELECT id, row_number() OVER (ORDER BY id) AS i, now() - random() * interval '730 days' AS opened_at
  FROM customers_customer WHERE deleted_at IS NULL AND id %% 10 = 0
), told AS (
  SELECT *, CASE WHEN i %% 20 < 5 THEN 'warning' WHEN i %% 20 < 7 THEN 'deferred' WHEN i %% 20 < 15 THEN 'resolved'
    WHEN i %% 20 < 19 THEN 'confirmed' ELSE 'won_back' END AS status
  FROM warned
), kinds AS (
  SELECT array_agg(id) FILTER (WHERE category = '流失原因') AS reasons,
    array_agg(id) FILTER (WHERE category = '竞争对手') AS rivals,
    array_agg(id) FILTER (WHERE category = '暂缓措施') AS measures
  FROM basedata_dictionaryentry
), cases AS (
  INSERT INTO customers_churncase (customer_id, status, opened_at, confirmed_at, closed_at, lost_reason, lost_kind_id,
    competitor_id, win_back_note, version, origin)
  SELECT id, status, opened_at,
    CASE WHEN status IN ('confirmed', 'won_back') THEN opened_at + interval '20 days' END,
    CASE WHEN status IN ('resolved', 'won_back') THEN opened_at + interval '50 days' END,
    CASE WHEN status IN ('confirmed', 'won_back') THEN '换了供应商' ELSE '' END,
    CASE WHEN status IN ('confirmed', 'won_back') THEN reasons[1 + i %% array_length(reasons, 1)] END,
    CASE WHEN status = 'confirmed' AND i %% 3 = 0 THEN rivals[1 + i %% array_length(rivals, 1)] END, '', 0, 'scan'
  FROM told, kinds RETURNING id, opened_at, status
)
INSERT INTO customers_churnmeasure (case_id, kind_id, text, review_on, by_id, at)
SELECT cases.id, measures[1 + cases.id %% array_length(measures, 1)], '拜访客户，了解需求', current_date, %s,
  opened_at + interval '5 days'
FROM cases, kinds WHERE status <> 'warning'
"""
RAW = """
SELECT customer_id, extract(year FROM ordered_at AT TIME ZONE 'Asia/Shanghai') AS year, sum(total), count(*)
FROM customers_order WHERE status IN ('unpaid', 'paid', 'returned') GROUP BY 1, 2
"""


def prepare(orders: int) -> int:
    """Add the missing orders and refresh the rollup; return how many there are. Later versions call it too."""
    from django.db import connection

    from accounts.models import User
    from customers.models import ChurnCase, Order
    from customers.rollup_tasks import rebuild, rebuild_metrics

    present = Order.objects.count()
    if present < orders:
        with connection.cursor() as cursor:
            cursor.execute(FILL, [present + 1, orders, YEARS])
        rebuild()
        rebuild_metrics()
    if not ChurnCase.objects.exists():
        with connection.cursor() as cursor:
            cursor.execute(CASES, [User.objects.values_list("pk", flat=True).first()])
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE")
    return max(present, orders)


def raw_seconds() -> float:
    """Return PostgreSQL's own time for revenue by customer and year, from the orders; the median of three."""
    from django.db import connection

    took = []
    for _ in range(3):
        with connection.cursor() as cursor:
            started = time.perf_counter()
            cursor.execute(f"SELECT count(*) FROM ({RAW}) AS sums")
            cursor.fetchone()
            took.append(time.perf_counter() - started)
    return statistics.median(took)


def first_seconds(paths: dict[str, str], username: str) -> dict[str, float]:
    """Return seconds by page, opened with an empty cache as after a sync; the median of three."""
    from pages import signed_in

    from customers.orders import versioned_cache

    client, seconds = signed_in(username), {}
    for key, path in paths.items():
        client.get(path)
        took = []
        for _ in range(3):
            versioned_cache._results.clear()
            started = time.perf_counter()
            answer = client.get(path)
            took.append(time.perf_counter() - started)
            if answer.status_code != 200:
                raise RuntimeError(f"{path} 返回 HTTP {answer.status_code}")
        seconds[key] = statistics.median(took)
    return seconds
