"""角色 and 微信号 of contacts; 职位 and 办公电话 may be empty, which is the form's business."""

from django.db import migrations, models

import kit.domain.masking
import kit.domain.shortened_numbers
from kit.sql.markers import KeptTriggers
from kit.sql.text_index import folded_indexes

TRIGGERS = KeptTriggers("customers_contact")
NUMBER_VALIDATORS = [kit.domain.masking.refuse_masked, kit.domain.shortened_numbers.refuse_shortened]


class Migration(migrations.Migration):
    dependencies = [("customers", "0024_unpaid_indexes"), ("ui", "0003_foldings")]

    operations = [
        TRIGGERS.note(),
        migrations.AddField(
            model_name="contact",
            name="role",
            field=models.CharField(
                blank=True,
                choices=[
                    ("decider", "决策人"),
                    ("influencer", "影响者"),
                    ("user", "使用者"),
                    ("buyer", "采购"),
                    ("engineer", "技术"),
                    ("gatekeeper", "把关人"),
                ],
                default="",
                max_length=10,
                verbose_name="角色",
            ),
            preserve_default=False,
        ),
        migrations.AddField(
            model_name="contact",
            name="wechat",
            field=models.CharField(
                blank=True, default="", max_length=50, validators=NUMBER_VALIDATORS, verbose_name="微信号"
            ),
            preserve_default=False,
        ),
        migrations.AlterField(
            model_name="contact",
            name="office_phone",
            field=models.CharField(blank=True, max_length=50, validators=NUMBER_VALIDATORS, verbose_name="办公电话"),
        ),
        migrations.AlterField(
            model_name="contact",
            name="position",
            field=models.CharField(blank=True, max_length=50, verbose_name="职位"),
        ),
        TRIGGERS.put_back(),
        folded_indexes("customers_contact", texts=["wechat"]),
    ]
