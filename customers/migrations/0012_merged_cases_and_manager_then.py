"""已合并 as a state of its own, the 客户经理 of the confirmation, and days that do not lie ahead."""

from datetime import timedelta

import django.db.models.deletion
import django.utils.timezone
from django.conf import settings
from django.db import migrations, models
from django.db.models import CharField, Exists, OuterRef, Q, Subquery, Value
from django.db.models.functions import Cast, Coalesce, Concat

import kit.domain.past_dates
from kit.sql.markers import KeptTriggers

TRIGGERS = KeptTriggers("customers_churncase")


def trail_of_cases(apps):
    entries = apps.get_model("audit", "AuditEntry").objects.filter(object_id=OuterRef("pk"))
    return entries.filter(content_type__app_label="customers", content_type__model="churncase")


def mark_merged(apps, schema_editor):
    """Cases that a merge ended: the trail says so; or no end of theirs stands in the timeline, and at their end a
    customer became part of theirs."""
    ended = apps.get_model("customers", "ChurnCase").objects.filter(status__in=("resolved", "won_back"))
    in_trail = Exists(trail_of_cases(apps).filter(verb="合并"))
    end = Concat(Value("/churn/"), Cast(OuterRef("pk"), CharField()), Value("/#closed"))
    told = apps.get_model("customers", "TimelineEntry").objects.filter(customer=OuterRef("customer"), kind="churn")
    absorbed = apps.get_model("customers", "Customer").objects.filter(
        merged_into=OuterRef("customer"),
        deleted_at__lte=OuterRef("closed_at"),
        deleted_at__gt=OuterRef("closed_at") - timedelta(minutes=1),
    )
    inferred = Exists(absorbed) & ~Exists(told.filter(url__endswith=end))
    ended.filter(Q(in_trail) | Q(inferred)).update(status="merged")


def forget_merged(apps, schema_editor):
    cases = apps.get_model("customers", "ChurnCase").objects.filter(status="merged")
    cases.filter(confirmed_at=None).update(status="resolved", win_back_note="")
    cases.update(status="won_back")


def name_keepers(apps, schema_editor):
    """Who confirmed, as only the 客户经理 does; where the trail is gone, who kept the customer then."""
    user = apps.get_model(settings.AUTH_USER_MODEL).objects
    confirmed = trail_of_cases(apps).filter(verb="确认流失", actor__in=user.values("pk")).order_by("-at")
    history = apps.get_model("customers", "Ownership").objects.filter(customer=OuterRef("customer"))
    then = history.filter(since__lte=OuterRef("confirmed_at")).order_by("-since", "-pk")
    today = apps.get_model("customers", "Customer").objects.filter(pk=OuterRef("customer")).values("manager")
    keeper = Coalesce(
        Subquery(confirmed.values("actor")[:1]),
        Subquery(then.values("manager")[:1]),
        Subquery(history.order_by("since", "pk").values("manager")[:1]),
        Subquery(today[:1]),
    )
    cases = apps.get_model("customers", "ChurnCase").objects
    cases.filter(confirmed_at__isnull=False, manager_then=None).update(manager_then=keeper)


class Migration(migrations.Migration):
    dependencies = [
        ("audit", "0001_first"),
        ("basedata", "0004_work_calendar"),
        ("contenttypes", "0002_remove_content_type_name"),
        ("customers", "0011_folded_names_and_numbers"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        TRIGGERS.note(),
        migrations.RemoveConstraint(
            model_name="churncase",
            name="customers_confirmed_with_reason",
        ),
        migrations.RemoveConstraint(
            model_name="churncase",
            name="customers_case_closed",
        ),
        migrations.AddField(
            model_name="churncase",
            name="manager_then",
            field=models.ForeignKey(
                editable=False,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
                verbose_name="确认时的客户经理",
            ),
        ),
        migrations.AlterField(
            model_name="churncase",
            name="status",
            field=models.CharField(
                choices=[
                    ("warning", "预警"),
                    ("deferred", "暂缓流失"),
                    ("confirmed", "确认流失"),
                    ("resolved", "已解除"),
                    ("won_back", "已挽回"),
                    ("merged", "已合并"),
                ],
                default="warning",
                editable=False,
                max_length=10,
                verbose_name="状态",
            ),
        ),
        migrations.AlterField(
            model_name="customer",
            name="cooperation_since",
            field=models.DateField(
                blank=True, null=True, validators=[kit.domain.past_dates.refuse_ahead], verbose_name="建立合作日期"
            ),
        ),
        migrations.AlterField(
            model_name="interaction",
            name="on",
            field=models.DateField(
                default=django.utils.timezone.localdate,
                validators=[kit.domain.past_dates.refuse_ahead],
                verbose_name="时间",
            ),
        ),
        migrations.AlterField(
            model_name="order",
            name="ordered_at",
            field=models.DateTimeField(validators=[kit.domain.past_dates.refuse_ahead], verbose_name="日期"),
        ),
        migrations.AddConstraint(
            model_name="churncase",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("confirmed_at", None), ("status__in", ("warning", "deferred", "resolved", "merged"))),
                    models.Q(
                        ("confirmed_at__isnull", False),
                        ("status__in", ("confirmed", "won_back", "merged")),
                        models.Q(("lost_reason", ""), _negated=True),
                    ),
                    _connector="OR",
                ),
                name="customers_confirmed_with_reason",
            ),
        ),
        migrations.AddConstraint(
            model_name="churncase",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("closed_at", None), ("status__in", ("warning", "deferred", "confirmed"))),
                    models.Q(("closed_at__isnull", False), ("status__in", ("resolved", "won_back", "merged"))),
                    _connector="OR",
                ),
                name="customers_case_closed",
            ),
        ),
        TRIGGERS.put_back(),
        migrations.RunPython(mark_merged, forget_merged),
        migrations.RunPython(name_keepers, migrations.RunPython.noop),
    ]
