from django.db import migrations

from kit.sql.text_index import foldings


class Migration(migrations.Migration):
    dependencies = [("ui", "0002_grams")]

    operations = [foldings()]
