"""Rows of jobs name functions by their path: those that moved into folders by subject are named anew, done rows too."""

from django.db import migrations

FUNCTIONS = {
    "customers.churn.run_scan": "customers.churn.tasks.run_scan",
    "customers.import_job.run": "customers.imports.tasks.run",
}


def rename(apps, functions):
    jobs = apps.get_model("jobs", "Job").objects
    for old, new in functions.items():
        jobs.filter(function=old).update(function=new)


def forwards(apps, schema_editor):
    rename(apps, FUNCTIONS)


def backwards(apps, schema_editor):
    rename(apps, {new: old for old, new in FUNCTIONS.items()})


class Migration(migrations.Migration):
    dependencies = [("customers", "0016_unmarked_arrivals"), ("jobs", "0004_functions_of_kit")]

    operations = [migrations.RunPython(forwards, backwards, elidable=False)]
