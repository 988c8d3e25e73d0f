from django.db import migrations

from crm.text_index import dear_grams


class Migration(migrations.Migration):
    dependencies = [("ui", "0002_grams")]

    operations = [dear_grams()]
