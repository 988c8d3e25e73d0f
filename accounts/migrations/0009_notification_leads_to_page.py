from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("accounts", "0008_department_moves")]

    operations = [
        migrations.AddField(
            model_name="notification",
            name="url",
            field=models.CharField(blank=True, editable=False, max_length=200, verbose_name="打开"),
        )
    ]
