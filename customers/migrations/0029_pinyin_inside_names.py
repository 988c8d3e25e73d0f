"""What customers are found by, computed anew: pinyin is found inside names, too."""

from django.db import migrations

BATCH = 2000


def compute_texts(apps, schema_editor):
    from customers.contacts.search_text import contact_texts
    from customers.records.search_text import customer_texts

    customers, contacts, former_names, search_texts = (
        apps.get_model("customers", name).objects for name in ("Customer", "Contact", "FormerName", "SearchText")
    )
    merged, former = {}, {}
    for row in customers.exclude(merged_into=None).order_by("pk").values():
        merged.setdefault(row["merged_into_id"], []).append(row)
    for row in former_names.order_by("pk").values():
        former.setdefault(row["customer_id"], []).append(row["name"])
    rows, last = customers.filter(merged_into=None).order_by("pk"), 0
    while batch := list(rows.filter(pk__gt=last)[:BATCH].values()):
        first, last = batch[0]["id"], batch[-1]["id"]
        of_customers = {}
        reached = contacts.filter(customer__gte=first, customer__lte=last, erased_at=None)
        for row in reached.order_by("pk").values():
            of_customers.setdefault(row["customer_id"], []).append(row)
        search_texts.bulk_create(
            (
                search_texts.model(
                    customer_id=row["id"],
                    **customer_texts(row, merged.get(row["id"], []), former.get(row["id"], [])),
                    **contact_texts(of_customers.get(row["id"], [])),
                )
                for row in batch
            ),
            update_conflicts=True,
            unique_fields=["customer"],
            update_fields=["names", "address", "phones", "entries", "contacts", "contact_phones"],
        )


class Migration(migrations.Migration):
    dependencies = [("customers", "0028_customers_by_owner")]

    operations = [migrations.RunPython(compute_texts, migrations.RunPython.noop)]
