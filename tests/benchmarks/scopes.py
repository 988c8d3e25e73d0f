"""Rows in view at 1,000,000 customers: supervisor and manager with shares, compared with a user who sees all."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from typing import Any

from company import MANAGER, SUPERVISOR

CUSTOMERS, GRANTS, TRIES = 1_000_000, 1000, 15
# Every second customer is kept by somebody outside the supervisor's departments.
FILL = """
INSERT INTO customers_customer (
  number, external_number, name, address, phone, postcode, fax, website, legal_representative, bank, bank_account,
  license_number, local_tax_number, national_tax_number, status, name_normalized, name_pinyin, name_initials,
  manager_id, created_at, version
)
SELECT 'S' || n, '', '客户' || n, '', '', '', '', '', '', '', '', '', '', '', 'normal',
  '客户' || n, 'kehu' || n, 'kh' || n,
  CASE WHEN n %% 2 = 0 THEN %s ELSE (%s::bigint[])[1 + n / 2 %% 50] END, now() - n * interval '1 minute', 0
FROM generate_series(1, %s) AS n
"""
SHARE = """
INSERT INTO customers_customergrant (content_object_id, user_id, permission_id, by_id, at)
SELECT id, %s, %s, %s, now() FROM customers_customer WHERE manager_id = %s ORDER BY id DESC LIMIT %s
"""


def measure() -> list[str]:
    """Return lines for the report. Everything is done in a transaction that is rolled back."""
    from django.db import transaction

    with transaction.atomic():
        lines = list(_lines())
        transaction.set_rollback(True)
    return lines


def _lines() -> list[str]:
    lines, first = [f"{CUSTOMERS:,} 个客户；毫秒（倍数）：第一页、总数"], None
    for label, person in _fill().items():
        milliseconds = [_milliseconds(lambda ask=ask, person=person: ask(_rows(person))) for ask in (_page, _total)]  # type: ignore[misc]
        first = first or milliseconds
        figures = (f"{own:>8.1f}（{own / all_seen:.1f}）" for own, all_seen in zip(milliseconds, first, strict=True))
        lines.append(f"{''.join(figures)}  {label}")
    return lines


def _fill() -> dict[str, Any]:
    from django.contrib.auth.models import Permission
    from django.db import connection

    from accounts.models import User
    from accounts.roles.shipped import EXECUTIVE
    from crm.demo.people import shipped_roles

    managers = list(User.objects.filter(username__startswith="bench_manager").order_by("pk"))
    outside, _ = User.objects.get_or_create(username="bench_outside", defaults={"name": "外人", "is_active": False})
    sees_all, _ = User.objects.get_or_create(username="bench_executive", defaults={"name": "高管"})
    sees_all.groups.add(shipped_roles()[EXECUTIVE])
    people = {
        "高管，看得到全部": sees_all,
        f"主管（十个部门，共享 {GRANTS:,} 个）": User.objects.get(username=SUPERVISOR),
        f"客户经理（本部门，共享 {GRANTS:,} 个）": User.objects.get(username=MANAGER),
    }
    permission = Permission.objects.get(codename="view_customer")
    with connection.cursor() as cursor:
        for index in ("name", "number"):  # not asked here, and slow to fill
            cursor.execute(f"DROP INDEX customers_customer_{index}_text")
        cursor.execute(FILL, [outside.pk, [user.pk for user in managers], CUSTOMERS])
        for person in list(people.values())[1:]:
            cursor.execute(SHARE, [person.pk, permission.pk, person.pk, outside.pk, GRANTS])
        cursor.execute("ANALYZE customers_customer, customers_customergrant")
    User.objects.filter(pk__in=[person.pk for person in people.values()]).update(receives_shares=True)
    return people


def _rows(person: Any) -> Any:
    """Return the user as the next request loads them, without cached permissions and scopes."""
    from customers.models import Customer

    return Customer.objects.visible_to(type(person).objects.get(pk=person.pk))


def _page(rows: Any) -> None:
    list(rows.order_by("-created_at", "-pk")[:20])


def _total(rows: Any) -> None:
    from kit.lists.paging import MAX_COUNT
    from kit.sql.counts import count_capped

    count_capped([(rows, MAX_COUNT + 1)])


def _milliseconds(work: Callable[[], None]) -> float:
    times = []
    for _ in range(TRIES):
        started = time.perf_counter()
        work()
        times.append((time.perf_counter() - started) * 1000)
    return statistics.median(times[2:])
