from django.db import migrations

from kit.sql.text_index import folded_indexes, without_text_indexes

TEXTS = ["customer_name", "summary", "contact_name"]


class Migration(migrations.Migration):
    dependencies = [("marketing", "0007_of_their_creator_until_assigned"), ("ui", "0003_foldings")]

    operations = [
        without_text_indexes("marketing_opportunity", *TEXTS),
        folded_indexes("marketing_opportunity", texts=TEXTS, numbers=["contact_phone"]),
    ]
