"""Revenue by customer, month, owner and department: filled right after the migration, see customers/apps.py."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

import kit.sql.exact_sum


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0008_department_moves"),
        ("customers", "0019_alerts"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="RevenueMonth",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("month", models.DateField(editable=False, verbose_name="月份")),
                ("orders", models.PositiveIntegerField(verbose_name="订单数")),
                (
                    "amount",
                    kit.sql.exact_sum.ExactDecimalField(decimal_places=7, max_digits=26, verbose_name="订单金额"),
                ),
                (
                    "customer",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="revenue_months",
                        to="customers.customer",
                    ),
                ),
                (
                    "department",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to="accounts.department",
                        verbose_name="部门",
                    ),
                ),
                (
                    "manager",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="客户经理",
                    ),
                ),
            ],
            options={
                "verbose_name": "月度订单金额",
                "verbose_name_plural": "月度订单金额",
                "default_permissions": (),
                "indexes": [
                    models.Index(
                        fields=["month", "customer"],
                        include=("manager", "department", "orders", "amount"),
                        name="customers_revenue_of_month",
                    )
                ],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("customer", "month", "manager", "department"), name="customers_revenue_month_once"
                    )
                ],
            },
        ),
    ]
