"""Every statement that writes opportunities or their forecasts leaves a mark, whoever sends it."""

import uuid

import django.utils.timezone
from django.db import migrations, models

MARKED = ("marketing_opportunity", "marketing_forecastchange")
FUNCTION = """
CREATE FUNCTION marketing_leave_mark() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO marketing_opportunitychange (key, at) VALUES (gen_random_uuid(), now());
    RETURN NULL;
END $$
"""
POSTGRESQL = """
CREATE TRIGGER {table}_marked AFTER INSERT OR UPDATE OR DELETE ON {table}
    FOR EACH STATEMENT EXECUTE FUNCTION marketing_leave_mark()
"""
SQLITE = """
CREATE TRIGGER {table}_{event} AFTER {event} ON {table}
BEGIN
    INSERT INTO marketing_opportunitychange (key, at)
    VALUES (lower(hex(randomblob(16))), strftime('%Y-%m-%d %H:%M:%f', 'now'));
END
"""
FIRST = {
    "postgresql": "INSERT INTO marketing_opportunitychange (key, at) VALUES (gen_random_uuid(), now())",
    "sqlite": """
INSERT INTO marketing_opportunitychange (key, at)
VALUES (lower(hex(randomblob(16))), strftime('%Y-%m-%d %H:%M:%f', 'now'))
""",
}
EVENTS = ("INSERT", "UPDATE", "DELETE")


def create(apps, schema_editor):
    vendor = schema_editor.connection.vendor
    if vendor == "postgresql":
        schema_editor.execute(FUNCTION)
    for table in MARKED:
        if vendor == "postgresql":
            schema_editor.execute(POSTGRESQL.format(table=table))
        else:
            for event in EVENTS:
                schema_editor.execute(SQLITE.format(table=table, event=event))
    schema_editor.execute(FIRST[vendor])


def drop(apps, schema_editor):
    vendor = schema_editor.connection.vendor
    for table in MARKED:
        if vendor == "postgresql":
            schema_editor.execute(f"DROP TRIGGER {table}_marked ON {table}")
        else:
            for event in EVENTS:
                schema_editor.execute(f"DROP TRIGGER {table}_{event}")
    if vendor == "postgresql":
        schema_editor.execute("DROP FUNCTION marketing_leave_mark()")


class Migration(migrations.Migration):
    dependencies = [("marketing", "0004_text_indexes")]
    operations = [
        migrations.CreateModel(
            name="OpportunityChange",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("key", models.UUIDField(default=uuid.uuid4)),
                ("at", models.DateTimeField(db_index=True, default=django.utils.timezone.now)),
            ],
            options={
                "verbose_name": "销售机会变动",
                "verbose_name_plural": "销售机会变动",
                "default_permissions": (),
            },
        ),
        migrations.RunPython(create, drop),
    ]
