"""PostgreSQL lets a row's words go only as an erasure takes them: parts replaced by its mark, nothing put in their place."""

from django.db import migrations

SHAPES = r"""
CREATE FUNCTION audit_is_erased(old text, new text) RETURNS boolean LANGUAGE sql IMMUTABLE AS $$
    SELECT new IS NOT DISTINCT FROM old OR (
        position('（已抹去）' IN new) > 0
        AND old LIKE replace(replace(replace(replace(new, '\', '\\'), '%', '\%'), '_', '\_'), '（已抹去）', '%')
            || CASE WHEN length(new) >= 200 THEN '%' ELSE '' END
    )
$$;
CREATE FUNCTION audit_are_erased(old jsonb, new jsonb) RETURNS boolean LANGUAGE sql IMMUTABLE AS $$
    SELECT (SELECT array_agg(k ORDER BY k) FROM jsonb_object_keys(old) k)
           IS NOT DISTINCT FROM (SELECT array_agg(k ORDER BY k) FROM jsonb_object_keys(new) k)
       AND NOT EXISTS (
           SELECT 1 FROM jsonb_each(old) AS o(label, pair), generate_series(0, 1) AS side
           WHERE jsonb_array_length(new -> label) <> jsonb_array_length(pair)
              OR NOT (
                  audit_is_erased(pair ->> side, new -> label ->> side)
                  OR (label = '条件' AND position('（已抹去）' IN new -> label ->> side) > 0)
              )
       )
$$;
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
        IF NEW.salt <> OLD.salt AND OLD.verb <> '登记抹去'
           AND to_jsonb(NEW) - 'salt' - 'object_text' - 'changes' = to_jsonb(OLD) - 'salt' - 'object_text' - 'changes'
           AND audit_is_erased(OLD.object_text, NEW.object_text)
           AND audit_are_erased(OLD.changes, NEW.changes)
           AND EXISTS (
               SELECT 1 FROM audit_auditredaction r JOIN audit_auditentry deed ON deed.id = r.deed_id
               WHERE r.entry_id = OLD.id AND NEW.salt = 'redaction:' || r.id
                 AND deed.verb = '抹去个人信息' AND deed.at > now() - interval '1 hour'
           )
        THEN
            RETURN NEW;
        END IF;
    END IF;
    RAISE EXCEPTION '审计记录只能追加，不能修改或删除';
END $$;
"""
ANY_WORDS = """
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
DROP FUNCTION audit_are_erased(jsonb, jsonb);
DROP FUNCTION audit_is_erased(text, text);
"""


def narrow(apps, schema_editor):
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute(SHAPES, params=None)  # its per cent signs are no placeholders


def widen(apps, schema_editor):
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute(ANY_WORDS, params=None)


class Migration(migrations.Migration):
    dependencies = [("audit", "0006_erasures_are_registered")]
    operations = [migrations.RunPython(narrow, widen)]
