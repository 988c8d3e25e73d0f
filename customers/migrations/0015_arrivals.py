import django.db.models.deletion
import django.utils.timezone
from django.conf import settings
from django.db import migrations, models

from kit.sql.markers import KeptTriggers

KEPT = KeptTriggers("customers_customer")  # on the way back SQLite makes the table anew


class Migration(migrations.Migration):
    """Imports that are not complete, and which customers are theirs."""

    dependencies = [
        ("customers", "0014_known_names"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        KEPT.note(),
        migrations.CreateModel(
            name="Arrival",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("started_at", models.DateTimeField(default=django.utils.timezone.now, verbose_name="开始时间")),
                ("heartbeat_at", models.DateTimeField(default=django.utils.timezone.now, verbose_name="最近心跳")),
                ("withdrawn_at", models.DateTimeField(null=True, verbose_name="撤回时间")),
                ("regions", models.JSONField(default=list, verbose_name="新建的地区")),
                (
                    "by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="导入人",
                    ),
                ),
            ],
            options={"verbose_name": "未完成的导入", "verbose_name_plural": "未完成的导入"},
        ),
        migrations.AddField(
            model_name="customer",
            name="arrival",
            field=models.ForeignKey(
                db_index=False,
                editable=False,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="rows",
                to="customers.arrival",
            ),
        ),
        migrations.AddIndex(
            model_name="customer",
            index=models.Index(
                condition=models.Q(arrival__isnull=False), fields=["arrival"], name="customers_arriving"
            ),
        ),
        KEPT.put_back(),
    ]
