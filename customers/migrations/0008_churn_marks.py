"""Every statement that writes churn cases, measures or customers leaves a mark, whoever sends it."""

import uuid

import django.utils.timezone
from django.db import migrations, models

from kit.sql.markers import leave_marks


class Migration(migrations.Migration):
    dependencies = [("customers", "0007_phone_indexes")]
    operations = [
        migrations.CreateModel(
            name="ChurnChange",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("key", models.UUIDField(default=uuid.uuid4)),
                ("at", models.DateTimeField(db_index=True, default=django.utils.timezone.now)),
            ],
            options={
                "verbose_name": "客户流失变动",
                "verbose_name_plural": "客户流失变动",
                "default_permissions": (),
            },
        ),
        leave_marks("customers_churnchange", "customers_churncase", "customers_churnmeasure", "customers_customer"),
    ]
