from django.db import migrations

from kit.sql.text_index import grams


class Migration(migrations.Migration):
    dependencies = [("ui", "0001_first")]

    operations = [grams()]
