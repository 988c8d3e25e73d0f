from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("customers", "0027_key_of_orders"),
    ]

    operations = [
        migrations.AddIndex(
            model_name="customer",
            index=models.Index(
                fields=["id"],
                include=["manager"],
                condition=models.Q(("deleted_at", None)),
                name="customers_owner_now",
            ),
        ),
    ]
