"""基础数据: the dictionary, the working calendar, products and stock."""

from __future__ import annotations

from kit.domain.actor import Actor
from kit.domain.modules import Chapter, MenuItem, Module, Search

from .search import find_records

MODULE: Module[Actor] = Module(
    "basedata",
    "基础数据",
    "database",
    order=60,
    menu=(
        MenuItem("数据字典", "basedata:dictionary_list", "basedata.view_dictionaryentry"),
        MenuItem("工作日历", "basedata:calendar", "basedata.view_workcalendar"),
        MenuItem("产品信息查询", "basedata:product_list", "basedata.view_product"),
        MenuItem("库存数据查询", "basedata:stock_list", "basedata.view_stockrecord"),
    ),
    search=Search(find_records),
    help=(Chapter("basedata/help.html", 30), Chapter("basedata/help_calendar.html", 130)),
)
