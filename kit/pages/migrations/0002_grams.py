from django.db import migrations

from crm.text_index import grams


class Migration(migrations.Migration):
    dependencies = [("ui", "0001_first")]

    operations = [grams()]
