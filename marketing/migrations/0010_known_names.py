from django.db import migrations, models
from django.db.models import Q

from customers.names import MAX_LENGTH, normalize, pinyin
from kit.sql.text_index import folded_indexes

OPEN = ("unassigned", "assigned")
BATCH = 1000


def fold(apps, schema_editor):
    """Of open opportunities: closed ones are never compared."""
    model = apps.get_model("marketing", "Opportunity")
    rows, last = model.objects.filter(status__in=OPEN).only("customer_name").order_by("pk"), 0
    while batch := list(rows.filter(pk__gt=last)[:BATCH]):
        last = batch[-1].pk
        for row in batch:
            row.name_normalized, row.name_pinyin = normalize(row.customer_name), pinyin(row.customer_name)[0]
        model.objects.bulk_update(batch, ["name_normalized", "name_pinyin"], batch_size=BATCH)


class Migration(migrations.Migration):
    """The columns are nullable, so that SQLite adds them without building the table, and its triggers, anew."""

    dependencies = [("marketing", "0009_shortened_phone_is_refused"), ("ui", "0003_foldings")]

    operations = [
        migrations.AddField(
            model_name="opportunity",
            name="name_normalized",
            field=models.CharField(editable=False, max_length=MAX_LENGTH, null=True),
        ),
        migrations.AddField(
            model_name="opportunity",
            name="name_pinyin",
            field=models.CharField(editable=False, max_length=200, null=True),
        ),
        migrations.RunPython(fold, migrations.RunPython.noop),
        migrations.AddIndex(
            model_name="opportunity",
            index=models.Index(condition=Q(status__in=OPEN), fields=["name_normalized"], name="marketing_open_name"),
        ),
        migrations.AddIndex(
            model_name="opportunity",
            index=models.Index(condition=Q(status__in=OPEN), fields=["name_pinyin"], name="marketing_open_pinyin"),
        ),
        folded_indexes("marketing_opportunity", texts=["name_normalized"]),
    ]
