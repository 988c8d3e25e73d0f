"""Dictionary entries and calendar that every installation starts with. Repeating adds the missing ones only."""

from __future__ import annotations

from typing import Any

from django.db import connection, transaction

from .calendar.holidays import NOTICES, announced_days

# category: (editable, entries in order)
INITIAL_ENTRIES = {
    "客户等级": (False, ["普通客户", "重点开发客户", "大客户", "合作伙伴", "战略合作伙伴"]),
    "地区": (True, ["北京", "华北", "中南", "东北", "西部"]),
    "行业": (True, ["机械制造", "电力能源", "化工", "水务环保", "食品饮料", "医药", "电子", "轨道交通", "其他"]),
    "机会来源": (True, ["老客户介绍", "展会", "网上询价", "电话咨询", "主动拜访", "招标公告"]),
    "竞争对手": (True, ["进口品牌", "本地供应商", "客户自制"]),
    "服务类型": (False, ["咨询", "建议", "投诉"]),
    "投诉原因": (True, ["产品质量", "交货延误", "安装调试", "服务态度", "资料或报价错误", "客户误用", "其他"]),
    "交往方式": (True, ["拜访", "电话", "微信", "邮件", "会议"]),
    "暂缓措施": (True, ["拜访", "优惠", "技术支持", "高层沟通", "其他"]),
    "流失原因": (True, ["价格", "质量", "交货", "服务", "转向竞争对手", "需求消失", "停业", "其他"]),
}


def create_initial_entries(sender: Any = None, **kwargs: Any) -> None:
    from .dictionary.models import DictionaryEntry

    if DictionaryEntry._meta.db_table not in connection.introspection.table_names():
        return  # the app is being migrated away
    existing = set(DictionaryEntry.objects.values_list("category", flat=True))
    DictionaryEntry.objects.bulk_create(
        DictionaryEntry(category=category, item=item, value=str(position), is_editable=editable)
        for category, (editable, items) in INITIAL_ENTRIES.items()
        if category not in existing
        for position, item in enumerate(items, start=1)
    )


@transaction.atomic
def create_initial_calendar(sender: Any = None, **kwargs: Any) -> None:
    """Create the working hours, and every announced year without any day yet."""
    from .calendar.models import SpecialDay, WorkCalendar

    if SpecialDay._meta.db_table not in connection.introspection.table_names():
        return  # the app is being migrated away
    WorkCalendar.objects.get_or_create(pk=WorkCalendar.ONLY)
    existing = {day.year for day in SpecialDay.objects.dates("day", "year")}
    days = [
        SpecialDay(day=day, kind=kind, name=name, source=notice.source)
        for year, notice in NOTICES.items()
        if year not in existing
        for day, kind, name in announced_days(year)
    ]
    if SpecialDay.objects.bulk_create(days):
        WorkCalendar.renew()
