from django.db import migrations

from crm.text_index import foldings


class Migration(migrations.Migration):
    dependencies = [("ui", "0002_grams")]

    operations = [foldings()]
