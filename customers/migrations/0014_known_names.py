from django.db import migrations

from kit.sql.text_index import folded_indexes


class Migration(migrations.Migration):
    """What a name is compared by when a customer is made; numbers and codes have their indexes since 0011."""

    dependencies = [("customers", "0013_shortened_numbers_and_import_notes"), ("ui", "0003_foldings")]

    operations = [folded_indexes("customers_customer", texts=["name_normalized"])]
