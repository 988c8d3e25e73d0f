"""What was told of a running request counts as told to its present assignee, of its present target.

So the first watch after the upgrade tells nothing again. Whom a request was given since then was not told, and is.
"""

from datetime import UTC

from django.db import migrations

KINDS = ("due_soon", "overdue")
BATCH = 500


def name_person_and_target(apps, schema_editor):
    requests = apps.get_model("services", "ServiceRequest").objects.filter(status__in=("new", "assigned"))
    running = requests.exclude(due_at=None).in_bulk()
    changed = []
    for told in notifications(apps).filter(object_id__in=requests.values("pk")):
        request = running.get(told.object_id)
        if request is None:
            continue
        formerly = f"{told.kind}:{request.pk}:{request.returns}"
        if told.occasion == formerly and (request.assigned_at is None or request.assigned_at <= told.created_at):
            due = f"{request.due_at.astimezone(UTC):%Y%m%d%H%M}"
            told.occasion = f"{formerly}:{request.assignee_id or 0}:{due}"
            changed.append(told)
    save(apps, changed)


def name_round_only(apps, schema_editor):
    """Of what was told several times in a round the last keeps the occasion: the database takes it once."""
    seen, changed = set(), []
    for told in notifications(apps).order_by("-pk"):
        formerly = ":".join(told.occasion.split(":")[:3])
        key = (told.recipient_id, formerly)
        told.occasion, changed = "" if key in seen else formerly, [*changed, told]
        seen.add(key)
    save(apps, changed)


def notifications(apps):
    rows = apps.get_model("accounts", "Notification").objects.filter(kind__in=KINDS).exclude(occasion="")
    return rows.only("kind", "object_id", "occasion", "created_at", "recipient_id")


def save(apps, changed):
    apps.get_model("accounts", "Notification").objects.bulk_update(changed, ["occasion"], batch_size=BATCH)


class Migration(migrations.Migration):
    dependencies = [("services", "0005_covering_indexes"), ("accounts", "0005_shipped_rights")]

    operations = [migrations.RunPython(name_person_and_target, name_round_only)]
