from django.db import migrations

from kit.sql.text_index import folded_indexes, without_text_indexes

TEXTS = ["summary", "organisation", "number"]


class Migration(migrations.Migration):
    dependencies = [("services", "0007_former_links"), ("ui", "0003_foldings")]

    operations = [
        without_text_indexes("services_servicerequest", *TEXTS),
        folded_indexes("services_servicerequest", texts=TEXTS),
    ]
