from django.db import migrations, models

CHOICES = [("compact", "紧凑"), ("roomy", "宽松")]


def density(default: str) -> models.CharField:
    return models.CharField(choices=CHOICES, default=default, max_length=7, verbose_name="列表")


class Migration(migrations.Migration):
    """Lists of people who are there already stay as they are; new accounts begin with compact ones."""

    dependencies = [("accounts", "0009_notification_leads_to_page")]

    operations = [
        migrations.AddField(model_name="user", name="density", field=density("roomy")),
        migrations.AlterField(model_name="user", name="density", field=density("compact")),
        migrations.AddField(
            model_name="user",
            name="has_key_shortcuts",
            field=models.BooleanField(
                default=True,
                help_text="J、K 换行，Enter 打开，X 选择；不用鼠标时方便，用读屏或语音输入时请关闭",
                verbose_name="单键快捷键",
            ),
        ),
    ]
