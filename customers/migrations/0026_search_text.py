"""What customers are found by, one row a customer; and the names they had before."""

import django.db.models.deletion
from django.db import migrations, models

from kit.sql.search_terms import search_terms, terms_index

BATCH = 2000
TEXTS, NUMBERS = ("names", "address", "contacts", "entries"), ("phones", "contact_phones")


def find_former_names(apps, schema_editor):
    """Take the names of before from the audit log, as far as it reaches."""
    customers, former_names = apps.get_model("customers", "Customer"), apps.get_model("customers", "FormerName")
    events = apps.get_model("audit", "AuditEntry").objects.filter(
        content_type__app_label="customers", content_type__model="customer", changes__has_key="名称"
    )
    found = {}
    for key, changes in events.order_by("pk").values_list("object_id", "changes").iterator(BATCH):
        pair = changes["名称"]
        if isinstance(pair, list) and len(pair) == 2 and pair[0] and pair[0] != pair[1]:
            found.setdefault(key, {})[str(pair[0])[:100]] = None
    names = dict(customers.objects.filter(pk__in=found).values_list("pk", "name")) if found else {}
    former_names.objects.bulk_create(
        former_names(customer_id=key, name=name) for key in found if key in names for name in found[key]
        if name != names[key]
    )  # fmt: skip


def fill(apps, schema_editor):
    from customers.contacts.search_text import contact_texts
    from customers.records.search_text import customer_texts

    models_of = {name: apps.get_model("customers", name).objects for name in ("Customer", "Contact", "FormerName")}
    rows, last = models_of["Customer"].filter(merged_into=None).order_by("pk"), 0
    merged, former = {}, {}
    for row in models_of["Customer"].exclude(merged_into=None).order_by("pk").values():
        merged.setdefault(row["merged_into_id"], []).append(row)
    for row in models_of["FormerName"].order_by("pk").values():
        former.setdefault(row["customer_id"], []).append(row["name"])
    search_texts = apps.get_model("customers", "SearchText")
    while batch := list(rows.filter(pk__gt=last)[:BATCH].values()):
        first, last = batch[0]["id"], batch[-1]["id"]
        contacts = {}
        reached = models_of["Contact"].filter(customer__gte=first, customer__lte=last, erased_at=None)
        for row in reached.order_by("pk").values():
            contacts.setdefault(row["customer_id"], []).append(row)
        search_texts.objects.bulk_create(
            search_texts(
                customer_id=row["id"],
                **customer_texts(row, merged.get(row["id"], []), former.get(row["id"], [])),
                **contact_texts(contacts.get(row["id"], [])),
            )
            for row in batch
        )
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.connection.check_constraints()  # no index is made while foreign keys wait to be checked


class Migration(migrations.Migration):
    dependencies = [
        ("audit", "0007_only_the_shapes_of_an_erasure"),
        ("contenttypes", "0002_remove_content_type_name"),
        ("customers", "0025_contacts_as_people_have_them"),
    ]

    operations = [
        migrations.CreateModel(
            name="SearchText",
            fields=[
                (
                    "customer",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        related_name="search_text",
                        serialize=False,
                        to="customers.customer",
                        verbose_name="客户",
                    ),
                ),
                ("names", models.TextField(default="", editable=False)),
                ("address", models.TextField(default="", editable=False)),
                ("phones", models.TextField(default="", editable=False)),
                ("entries", models.TextField(default="", editable=False)),
                ("contacts", models.TextField(default="", editable=False)),
                ("contact_phones", models.TextField(default="", editable=False)),
            ],
            options={
                "verbose_name": "客户搜索文本",
                "verbose_name_plural": "客户搜索文本",
                "default_permissions": (),
            },
        ),
        migrations.CreateModel(
            name="FormerName",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("name", models.CharField(editable=False, max_length=100, verbose_name="曾用名")),
                (
                    "customer",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="former_names",
                        to="customers.customer",
                        verbose_name="客户",
                    ),
                ),
            ],
            options={
                "verbose_name": "曾用名",
                "verbose_name_plural": "曾用名",
                "default_permissions": (),
                "constraints": [
                    models.UniqueConstraint(fields=("customer", "name"), name="customers_former_name_once")
                ],
            },
        ),
        migrations.RunPython(find_former_names, migrations.RunPython.noop),
        migrations.RunPython(fill, migrations.RunPython.noop),
        search_terms(),
        terms_index("customers_searchtext", TEXTS, NUMBERS),
    ]
