"""Figures of each customer, and the base of their rhythms."""

from decimal import Decimal

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("customers", "0017_functions_by_subject"),
    ]

    operations = [
        migrations.CreateModel(
            name="CustomerMetrics",
            fields=[
                (
                    "customer",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        related_name="metrics",
                        serialize=False,
                        to="customers.customer",
                        verbose_name="客户",
                    ),
                ),
                ("first_order_on", models.DateField(editable=False, null=True, verbose_name="首次下单")),
                ("last_order_on", models.DateField(editable=False, null=True, verbose_name="上次下单")),
                ("order_days", models.PositiveIntegerField(default=0, editable=False, verbose_name="下单天数")),
                (
                    "order_days_12m",
                    models.PositiveIntegerField(default=0, editable=False, verbose_name="12 个月下单天数"),
                ),
                (
                    "net_12m",
                    models.DecimalField(
                        decimal_places=7,
                        default=Decimal("0"),
                        editable=False,
                        max_digits=24,
                        verbose_name="12 个月净额",
                    ),
                ),
                (
                    "net_total",
                    models.DecimalField(
                        decimal_places=7, default=Decimal("0"), editable=False, max_digits=24, verbose_name="累计净额"
                    ),
                ),
                ("usual_days", models.PositiveIntegerField(editable=False, null=True, verbose_name="惯常间隔")),
                ("low_days", models.PositiveIntegerField(editable=False, null=True, verbose_name="惯常间隔从")),
                ("high_days", models.PositiveIntegerField(editable=False, null=True, verbose_name="惯常间隔到")),
                ("expected_on", models.DateField(editable=False, null=True, verbose_name="预计下次下单")),
                ("late_from", models.DateField(editable=False, null=True, verbose_name="该下单了自")),
                ("alarm_from", models.DateField(editable=False, null=True, verbose_name="晚于惯常自")),
                (
                    "unpaid_amount",
                    models.DecimalField(
                        decimal_places=7, default=Decimal("0"), editable=False, max_digits=24, verbose_name="未回款"
                    ),
                ),
                ("unpaid_count", models.PositiveIntegerField(default=0, editable=False, verbose_name="未回款订单")),
                ("unpaid_since", models.DateField(editable=False, null=True, verbose_name="未回款自")),
                ("last_interaction_on", models.DateField(editable=False, null=True, verbose_name="上次交往")),
                ("f_class", models.PositiveSmallIntegerField(editable=False, null=True, verbose_name="频次档")),
                ("m_class", models.PositiveSmallIntegerField(editable=False, null=True, verbose_name="金额档")),
                ("score", models.PositiveSmallIntegerField(editable=False, null=True, verbose_name="分数")),
                ("scored_on", models.DateField(editable=False, null=True, verbose_name="评分日期")),
                ("computed_for", models.DateField(editable=False, null=True, verbose_name="数据截至")),
            ],
            options={
                "verbose_name": "客户指标",
                "verbose_name_plural": "客户指标",
                "default_permissions": (),
            },
        ),
        migrations.CreateModel(
            name="RhythmBase",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("month", models.DateField(editable=False, unique=True, verbose_name="月份")),
                ("mu", models.FloatField(verbose_name="对数均值")),
                ("sigma2", models.FloatField(verbose_name="对数方差")),
                ("customers", models.PositiveIntegerField(verbose_name="客户数")),
            ],
            options={
                "verbose_name": "下单节奏基准",
                "verbose_name_plural": "下单节奏基准",
                "default_permissions": (),
            },
        ),
        migrations.AddIndex(
            model_name="order",
            index=models.Index(fields=["changed_at"], name="customers_order_changed"),
        ),
        migrations.AddIndex(
            model_name="customermetrics",
            index=models.Index(fields=["late_from"], name="customers_metrics_late"),
        ),
        migrations.AddIndex(
            model_name="customermetrics",
            index=models.Index(fields=["net_12m", "customer"], name="customers_metrics_net"),
        ),
        migrations.AddIndex(
            model_name="customermetrics",
            index=models.Index(fields=["last_order_on", "customer"], name="customers_metrics_last_order"),
        ),
        migrations.AddIndex(
            model_name="customermetrics",
            index=models.Index(fields=["last_interaction_on", "customer"], name="customers_metrics_talked"),
        ),
    ]
