from django.db import migrations

from kit.sql.text_index import text_indexes


class Migration(migrations.Migration):
    dependencies = [("marketing", "0003_masked_phone_is_refused"), ("ui", "0002_grams")]

    operations = [text_indexes("marketing_opportunity", "customer_name", "summary", "contact_name")]
