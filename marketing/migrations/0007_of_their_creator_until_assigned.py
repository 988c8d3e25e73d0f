"""An opportunity is its creator's until it is assigned: the index holds those only."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("marketing", "0006_covering_indexes")]

    operations = [
        migrations.RemoveIndex(
            model_name="opportunity",
            name="marketing_of_creator",
        ),
        migrations.AddIndex(
            model_name="opportunity",
            index=models.Index(
                condition=models.Q(("assignee", None)),
                fields=["created_by", "-created_at"],
                name="marketing_of_creator",
            ),
        ),
    ]
