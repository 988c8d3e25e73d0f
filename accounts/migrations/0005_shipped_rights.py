"""What earlier versions have shipped to the roles, as far as it can be known."""

from django.db import migrations


def remember(apps, schema_editor):
    """A role nobody edited holds what it was shipped; an edited one counts every right that existed as shipped.

    So no right that an administrator took away comes back, and a role left alone gets all that is new.
    """
    Role = apps.get_model("accounts", "Role")
    Permission = apps.get_model("auth", "Permission")
    AuditEntry = apps.get_model("audit", "AuditEntry")
    existing = names(Permission.objects.all())
    for role in Role.objects.exclude(code=None):
        trail = AuditEntry.objects.filter(
            content_type__app_label="accounts", content_type__model="role", object_id=role.pk, verb="编辑"
        )
        role.shipped_rights = existing if trail.exists() else names(role.permissions.all())
        role.save(update_fields=["shipped_rights"])


def names(permissions):
    rows = permissions.values_list("content_type__app_label", "codename")
    return sorted(f"{app_label}.{codename}" for app_label, codename in rows)


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0004_keeping_people_and_roles"),
        ("audit", "0001_first"),
        ("auth", "0012_alter_user_first_name_max_length"),
        ("contenttypes", "0002_remove_content_type_name"),
    ]

    operations = [migrations.RunPython(remember, migrations.RunPython.noop)]
