"""Alerts of 提前预警 with their pauses, cases opened by hand, and the money at risk at month ends."""

import django.db.models.deletion
import django.utils.timezone
from django.conf import settings
from django.db import migrations, models

from kit.sql.markers import KeptTriggers

TRIGGERS = KeptTriggers("customers_churncase")


class Migration(migrations.Migration):
    dependencies = [
        ("customers", "0018_order_metrics"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        TRIGGERS.note(),
        migrations.CreateModel(
            name="Alert",
            fields=[],
            options={
                "verbose_name": "提前预警",
                "verbose_name_plural": "提前预警",
                "proxy": True,
                "default_permissions": (),
                "indexes": [],
                "constraints": [],
            },
            bases=("customers.customermetrics",),
        ),
        migrations.AddField(
            model_name="churncase",
            name="opened_by",
            field=models.ForeignKey(
                editable=False,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
                verbose_name="列入人",
            ),
        ),
        migrations.AddField(
            model_name="churncase",
            name="origin",
            field=models.CharField(
                choices=[("scan", "扫描"), ("hand", "人工")],
                default="scan",
                editable=False,
                max_length=4,
                verbose_name="来源",
            ),
        ),
        TRIGGERS.put_back(),
        migrations.CreateModel(
            name="AlertPause",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("until", models.DateField(verbose_name="暂停至")),
                ("reason", models.CharField(max_length=300, verbose_name="原因")),
                ("at", models.DateTimeField(default=django.utils.timezone.now, verbose_name="填写时间")),
                ("last_order_on", models.DateField(editable=False, verbose_name="当时的上次下单")),
                ("closed_at", models.DateTimeField(null=True, verbose_name="结束时间")),
                (
                    "by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="填写人",
                    ),
                ),
                (
                    "customer",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="alert_pauses",
                        to="customers.customer",
                        verbose_name="客户",
                    ),
                ),
            ],
            options={
                "verbose_name": "暂不提醒",
                "verbose_name_plural": "暂不提醒",
                "permissions": [("snooze_light", "暂不提醒（提前预警）")],
                "default_permissions": (),
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("closed_at", None)), fields=("customer",), name="customers_one_open_pause"
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="RiskMonth",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("month_end", models.DateField(editable=False, verbose_name="月末")),
                ("red", models.DecimalField(decimal_places=7, max_digits=24, verbose_name="晚于惯常")),
                ("amber", models.DecimalField(decimal_places=7, max_digits=24, verbose_name="该下单了")),
                ("warning", models.DecimalField(decimal_places=7, max_digits=24, verbose_name="预警")),
                ("deferred", models.DecimalField(decimal_places=7, max_digits=24, verbose_name="暂缓流失")),
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
                "verbose_name": "月末风险金额",
                "verbose_name_plural": "月末风险金额",
                "default_permissions": (),
                "constraints": [models.UniqueConstraint(fields=("month_end", "manager"), name="customers_risk_once")],
            },
        ),
    ]
