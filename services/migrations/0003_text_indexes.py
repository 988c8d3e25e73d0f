from django.db import migrations

from kit.sql.text_index import text_indexes


class Migration(migrations.Migration):
    dependencies = [("services", "0002_targets"), ("ui", "0002_grams")]

    operations = [text_indexes("services_servicerequest", "summary", "organisation", "number")]
