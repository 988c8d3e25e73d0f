from django.db import migrations

from kit.sql.text_index import text_indexes


class Migration(migrations.Migration):
    dependencies = [("customers", "0004_revenue_rollup"), ("ui", "0002_grams")]

    operations = [
        text_indexes("customers_customer", "name", "number"),
        text_indexes("customers_contact", "name"),
    ]
