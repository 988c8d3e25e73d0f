"""Many service requests, generated in SQL from the generated customers."""

from __future__ import annotations

# Of a hundred: 2 new, 4 assigned, 3 handled, 91 archived, spread over three years.
REQUESTS = """
WITH known AS (
    SELECT id, manager_id, row_number() OVER (ORDER BY id) - 1 AS place
    FROM customers_customer WHERE deleted_at IS NULL
), kinds AS (
    SELECT id, row_number() OVER (ORDER BY id) - 1 AS place FROM basedata_dictionaryentry WHERE category = '服务类型'
), made AS (
    SELECT n, n * 104729 %% (SELECT count(*) FROM known) AS whose, n %% 3 AS kind,
           CASE WHEN n %% 100 < 2 THEN 'new' WHEN n %% 100 < 6 THEN 'assigned'
                   WHEN n %% 100 < 9 THEN 'handled' ELSE 'archived' END AS status,
           now() - (n * 7919 %% 1000) * interval '1 day' - (n %% 600) * interval '1 minute' AS at
    FROM generate_series(%(first)s::bigint, %(last)s::bigint) AS n
)
INSERT INTO services_servicerequest (
    number, kind_id, summary, customer_id, organisation, content, created_by_id, created_at, keeper_id, assignee_id,
    assigned_at, assigned_by_id, status, waiting_minutes, due_at, handled_at, archived_at, returns, satisfaction,
    satisfaction_by, improvement, reply, minutes_to_assign, minutes_to_handle, minutes_to_archive, version
)
SELECT 'FB' || n, kinds.id, '现场第 ' || n || ' 号仪表示值偏低', known.id, '', repeat('请尽快派人到现场查明原因。', 8),
       manager_id, at, manager_id, CASE WHEN status <> 'new' THEN manager_id END,
       CASE WHEN status <> 'new' THEN at + interval '2 hours' END, CASE WHEN status <> 'new' THEN %(supervisor)s END,
       status, 0, at + interval '3 days', CASE WHEN status IN ('handled', 'archived') THEN at + interval '1 day' END,
       CASE WHEN status = 'archived' THEN at + interval '2 days' END, 0,
       CASE WHEN status = 'archived' THEN 3 + n %% 3 END,
       CASE WHEN status <> 'archived' THEN '' WHEN n %% 4 = 0 THEN 'customer' ELSE 'manager' END, '', '',
       CASE WHEN status <> 'new' THEN 120 END, CASE WHEN status IN ('handled', 'archived') THEN 480 END,
       CASE WHEN status = 'archived' THEN 960 END, 0
FROM made
JOIN known ON known.place = made.whose
JOIN kinds ON kinds.place = made.kind
"""
ROUNDS = """
INSERT INTO services_serviceround (
    request_id, number, handling, handled_by_id, handled_at, result, satisfaction, satisfaction_by, comment, closed_at
)
SELECT id, 1, '到现场调整量程，示值恢复。', assignee_id, handled_at,
       CASE WHEN archived_at IS NULL THEN '' ELSE '恢复正常' END, satisfaction, satisfaction_by, '', archived_at
FROM services_servicerequest
WHERE handled_at IS NOT NULL AND id > %(after)s
"""


def add_requests(wanted: int, supervisor: str) -> int:
    """Add the missing requests, with a round each; return how many there are. Needs Django."""
    from django.db import connection, transaction
    from django.db.models import Max

    from accounts.models import User
    from services.models import ServiceRequest

    present = ServiceRequest.objects.count()
    if present >= wanted:
        return present
    last = ServiceRequest.objects.aggregate(last=Max("pk"))["last"] or 0
    values = {
        "first": present + 1,
        "last": wanted,
        "after": last,
        "supervisor": User.objects.values_list("pk", flat=True).get(username=supervisor),
    }
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(REQUESTS, values)
        cursor.execute(ROUNDS, values)
    return ServiceRequest.objects.count()
