from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("basedata", "0005_sync_notes"),
        ("customers", "0029_pinyin_inside_names"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AddIndex(
            model_name="customer",
            index=models.Index(
                condition=models.Q(
                    models.Q(
                        ("region", None),
                        ("level", None),
                        ("satisfaction", None),
                        ("credit", None),
                        ("address", ""),
                        ("phone", ""),
                        _connector="OR",
                    ),
                    ("deleted_at", None),
                ),
                fields=["manager"],
                name="customers_incomplete",
            ),
        ),
    ]
