"""PostgreSQL refuses to empty the trail's tables too: TRUNCATE fires no trigger of single rows."""

from django.db import migrations

TABLES = ("entry", "seal", "pruning", "redaction")
CREATE = """
CREATE TRIGGER audit_{0}_no_truncate BEFORE TRUNCATE ON audit_audit{0}
    FOR EACH STATEMENT EXECUTE FUNCTION audit_append_only();
"""
DROP = "DROP TRIGGER audit_{0}_no_truncate ON audit_audit{0};"


def refuse(apps, schema_editor):
    on_each(CREATE, schema_editor)


def allow(apps, schema_editor):
    on_each(DROP, schema_editor)


def on_each(statement, schema_editor):
    if schema_editor.connection.vendor == "postgresql":
        for table in TABLES:
            schema_editor.execute(statement.format(table))


class Migration(migrations.Migration):
    dependencies = [("audit", "0004_triggers_allow_erasing_and_expiring")]
    operations = [migrations.RunPython(refuse, allow)]
