"""Rows name functions by their path: those that moved from crm/ to kit/ are named anew, done rows too."""

from django.db import migrations

FUNCTIONS = {"crm.exchange.exports.run_export": "kit.exchange.exports.run_export"}  # of Job
TASKS = {"crm.jobs.tasks.run_job": "kit.jobs.tasks.run_job"}  # of the queue


def rename(apps, functions, tasks):
    jobs = apps.get_model("jobs", "Job").objects
    queue = apps.get_model("django_tasks_database", "DBTaskResult").objects
    for old, new in functions.items():
        jobs.filter(function=old).update(function=new)
    for old, new in tasks.items():
        queue.filter(task_path=old).update(task_path=new)


def forwards(apps, schema_editor):
    rename(apps, FUNCTIONS, TASKS)


def backwards(apps, schema_editor):
    rename(apps, {new: old for old, new in FUNCTIONS.items()}, {new: old for old, new in TASKS.items()})


class Migration(migrations.Migration):
    dependencies = [("jobs", "0003_notes"), ("django_tasks_database", "0015_correctly_order_run_after")]

    operations = [migrations.RunPython(forwards, backwards, elidable=False)]
