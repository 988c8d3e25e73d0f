"""Erasures of earlier versions are registered in the trail, as later ones register themselves."""

from django.db import migrations
from django.utils import timezone

from kit.audit.erasure_events import FIELDS, REGISTERED, facts_of


def register(apps, schema_editor):
    rows = list(apps.get_model("audit", "AuditRedaction").objects.order_by("pk").values(*FIELDS))
    if rows:
        apps.get_model("audit", "AuditEntry").objects.create(
            at=timezone.now(),
            actor_name="系统",
            verb=REGISTERED,
            object_text=f"升级前的 {len(rows)} 条审计记录",
            changes={label: ["", value] for label, value in facts_of(rows).items()},
        )


class Migration(migrations.Migration):
    dependencies = [("audit", "0005_no_truncate")]
    operations = [migrations.RunPython(register, migrations.RunPython.noop)]
