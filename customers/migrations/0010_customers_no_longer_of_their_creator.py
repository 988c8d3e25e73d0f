"""Nobody asks any more who made a customer: the covering index does without it."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("customers", "0009_covering_indexes")]

    operations = [
        migrations.RemoveIndex(
            model_name="customer",
            name="customers_status_newest",
        ),
        migrations.AddIndex(
            model_name="customer",
            index=models.Index(
                condition=models.Q(("deleted_at", None)),
                fields=["status", "-created_at", "-id"],
                include=("manager",),
                name="customers_status_newest",
            ),
        ),
    ]
