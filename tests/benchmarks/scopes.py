"""Rows in view at 1,000,000 customers: supervisor and manager with shared customers, beside somebody who sees all."""

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
    """Lines for the report. Everything is done in a transaction that is taken back."""
    from django.db import transaction

    with transaction.atomic():
        said = list(_lines())
        transaction.set_rollback(True)
    return said


def _lines() -> list[str]:
    from customers.models import Customer

    people = _fill()
    everybody = _milliseconds(lambda: _page(Customer.objects.current()))
    said = [f"{everybody:>8.1f} 毫秒       看得到全部：{CUSTOMERS:,} 个客户的第一页和总数"]
    for label, person in people.items():
        taken = _milliseconds(lambda person=person: _page(Customer.objects.visible_to(_anew(person))))  # type: ignore[misc]
        said.append(f"{taken:>8.1f} 毫秒 {taken / everybody:>4.1f} 倍  {label}")
    return said


def _fill() -> dict[str, Any]:
    from django.contrib.auth.models import Permission
    from django.db import connection

    from accounts.models import User

    managers = list(User.objects.filter(username__startswith="bench_manager").order_by("pk"))
    outside, _ = User.objects.get_or_create(username="bench_outside", defaults={"name": "外人", "is_active": False})
    people = {
        f"主管（十个部门，共享 {GRANTS:,} 个）": User.objects.get(username=SUPERVISOR),
        f"客户经理（本部门，共享 {GRANTS:,} 个）": User.objects.get(username=MANAGER),
    }
    permission = Permission.objects.get(codename="view_customer")
    with connection.cursor() as cursor:
        for index in ("name", "number"):  # not asked here, and slow to fill
            cursor.execute(f"DROP INDEX customers_customer_{index}_text")
        cursor.execute(FILL, [outside.pk, [user.pk for user in managers], CUSTOMERS])
        for person in people.values():
            cursor.execute(SHARE, [person.pk, permission.pk, person.pk, outside.pk, GRANTS])
        cursor.execute("ANALYZE customers_customer, customers_customergrant")
    User.objects.filter(pk__in=[person.pk for person in people.values()]).update(receives_shares=True)
    return people


def _anew(person: Any) -> Any:
    """As the next request loads him, with nothing remembered about rights and scopes."""
    return type(person).objects.get(pk=person.pk)


def _page(rows: Any) -> None:
    """What a list asks: the newest twenty, and how many there are up to 10,000."""
    from crm.ui.paging import MAX_COUNT, capped_counts

    list(rows.order_by("-created_at", "-pk")[:20])
    capped_counts([(rows, MAX_COUNT + 1)])


def _milliseconds(work: Callable[[], None]) -> float:
    taken = []
    for _ in range(TRIES):
        started = time.perf_counter()
        work()
        taken.append((time.perf_counter() - started) * 1000)
    return statistics.median(taken[2:])
