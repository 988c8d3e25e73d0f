"""The database itself refuses to change what was submitted; the answer to it is written later."""

from django.db import migrations

CONTENT = "report_id, number, figures, taken_at, remarks, submitted_at"
POSTGRESQL = (
    """
CREATE FUNCTION reports_submission_kept() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '提交过的报告不能修改';
END $$
""",
    f"""
CREATE TRIGGER reports_submission_kept BEFORE UPDATE OF {CONTENT} ON reports_submission
    FOR EACH ROW EXECUTE FUNCTION reports_submission_kept()
""",
)
SQLITE = (
    f"""
CREATE TRIGGER reports_submission_kept BEFORE UPDATE OF {CONTENT} ON reports_submission
BEGIN SELECT RAISE(ABORT, '提交过的报告不能修改'); END
""",
)
DROP = {
    "postgresql": (
        "DROP TRIGGER reports_submission_kept ON reports_submission",
        "DROP FUNCTION reports_submission_kept()",
    ),
    "sqlite": ("DROP TRIGGER reports_submission_kept",),
}


def create(apps, schema_editor):
    for statement in {"postgresql": POSTGRESQL, "sqlite": SQLITE}[schema_editor.connection.vendor]:
        schema_editor.execute(statement)


def drop(apps, schema_editor):
    for statement in DROP[schema_editor.connection.vendor]:
        schema_editor.execute(statement)


class Migration(migrations.Migration):
    dependencies = [("reports", "0001_monthly_report")]
    operations = [migrations.RunPython(create, drop)]
