"""PostgreSQL lets rows go in two ways only: expired with their seal, or their texts erased with a record of it."""

from django.db import migrations

TWO_WAYS = """
CREATE OR REPLACE FUNCTION audit_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_TABLE_NAME = 'audit_auditentry' AND TG_OP = 'DELETE' THEN
        IF OLD.at < now() - interval '6 months' AND EXISTS (
            SELECT 1 FROM audit_auditseal
            WHERE id = (SELECT seal_id FROM audit_auditpruning ORDER BY id DESC LIMIT 1)
              AND row_ids @> to_jsonb(OLD.id)
        ) THEN
            RETURN OLD;
        END IF;
    ELSIF TG_TABLE_NAME = 'audit_auditentry' AND TG_OP = 'UPDATE' THEN
        IF NEW.salt <> OLD.salt
           AND to_jsonb(NEW) - 'salt' - 'object_text' - 'changes' = to_jsonb(OLD) - 'salt' - 'object_text' - 'changes'
           AND EXISTS (
               SELECT 1 FROM audit_auditredaction WHERE entry_id = OLD.id AND NEW.salt = 'redaction:' || id
           )
        THEN
            RETURN NEW;
        END IF;
    END IF;
    RAISE EXCEPTION '审计记录只能追加，不能修改或删除';
END $$;
CREATE TRIGGER audit_pruning_append_only BEFORE UPDATE OR DELETE ON audit_auditpruning
    FOR EACH ROW EXECUTE FUNCTION audit_append_only();
CREATE TRIGGER audit_redaction_append_only BEFORE UPDATE OR DELETE ON audit_auditredaction
    FOR EACH ROW EXECUTE FUNCTION audit_append_only();
"""
NO_WAY = """
DROP TRIGGER audit_redaction_append_only ON audit_auditredaction;
DROP TRIGGER audit_pruning_append_only ON audit_auditpruning;
CREATE OR REPLACE FUNCTION audit_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '审计记录只能追加，不能修改或删除';
END $$;
"""


def allow(apps, schema_editor):
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute(TWO_WAYS)


def refuse(apps, schema_editor):
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute(NO_WAY)


class Migration(migrations.Migration):
    dependencies = [("audit", "0003_erasable_and_expiring")]
    operations = [migrations.RunPython(allow, refuse)]
