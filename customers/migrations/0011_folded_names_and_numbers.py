from django.db import migrations, models

from kit.sql.markers import KeptTriggers
from kit.sql.text_index import folded_indexes, without_text_indexes

BATCH = 2000
TRIGGERS = KeptTriggers("customers_customer", "customers_contact")
DERIVED = ["name_normalized", "name_pinyin", "name_initials", "name_readings"]


def derive_again(apps, schema_editor):
    """Compared without invisible signs, sorted by the surname's reading, found by the other readings as well."""
    from customers.names import normalize, other_readings, pinyin

    customers, last = apps.get_model("customers", "Customer").objects.order_by("pk").only("pk", "name", *DERIVED), 0
    while batch := list(customers.filter(pk__gt=last)[:BATCH]):
        last, changed = batch[-1].pk, []
        for one in batch:
            derived = [normalize(one.name), *pinyin(one.name), other_readings(one.name) or None]
            if derived != [getattr(one, name) for name in DERIVED]:
                changed.append(one)
                for name, value in zip(DERIVED, derived, strict=True):
                    setattr(one, name, value)
        customers.model.objects.bulk_update(changed, DERIVED, batch_size=200)


class Migration(migrations.Migration):
    dependencies = [("customers", "0010_customers_no_longer_of_their_creator"), ("ui", "0003_foldings")]

    operations = [
        TRIGGERS.note(),
        migrations.RemoveIndex(model_name="contact", name="contacts_office_phone"),
        migrations.RemoveIndex(model_name="contact", name="contacts_mobile"),
        migrations.RemoveIndex(model_name="customer", name="customers_phone"),
        # Without a default: for one SQLite makes the table anew, and the triggers that leave marks would be gone.
        migrations.AddField(
            model_name="customer",
            name="name_readings",
            field=models.TextField(editable=False, null=True),
        ),
        TRIGGERS.put_back(),
        migrations.RunPython(derive_again, migrations.RunPython.noop),
        without_text_indexes("customers_customer", "name", "number"),
        without_text_indexes("customers_contact", "name"),
        folded_indexes(
            "customers_customer",
            texts=["name", "number"],
            numbers=["phone"],
            plain=["name_readings"],
            same=["license_number"],
        ),
        folded_indexes("customers_contact", texts=["name"], numbers=["office_phone", "mobile"]),
    ]
