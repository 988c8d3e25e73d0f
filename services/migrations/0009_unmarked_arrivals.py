"""As in customers: the rows of an unfinished import leave no marks."""

from django.db import migrations

from kit.sql.markers import mark_only_if


class Migration(migrations.Migration):
    dependencies = [("services", "0008_folded_texts"), ("customers", "0015_arrivals")]
    operations = [mark_only_if("{row}.arrival_id IS NULL", "services_servicechange", "customers_customer")]
