"""Places of China: provinces with their cities, and the areas that companies divide the country into."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

PROVINCES = {
    "北京": "京 首都 北京市",
    "天津": "津 天津市",
    "河北": "冀 石家庄 唐山 秦皇岛 邯郸 邢台 保定 张家口 承德 沧州 廊坊 衡水 雄安",
    "山西": "晋 太原 大同 阳泉 长治 晋城 朔州 晋中 运城 忻州 临汾 吕梁",
    "内蒙古": "内蒙 蒙 呼和浩特 包头 乌海 赤峰 通辽 鄂尔多斯 呼伦贝尔 巴彦淖尔 乌兰察布 兴安盟 锡林郭勒 阿拉善",
    "辽宁": "辽 沈阳 大连 鞍山 抚顺 本溪 丹东 锦州 营口 阜新 辽阳 盘锦 铁岭 朝阳 葫芦岛",
    "吉林": "吉 长春 四平 辽源 通化 白山 松原 白城 延边",
    "黑龙江": "黑 哈尔滨 齐齐哈尔 鸡西 鹤岗 双鸭山 大庆 伊春 佳木斯 七台河 牡丹江 黑河 绥化 大兴安岭",
    "上海": "沪 上海市 浦东",
    "江苏": "苏 南京 无锡 徐州 常州 苏州 南通 连云港 淮安 盐城 扬州 镇江 泰州 宿迁 昆山 江阴 常熟 张家港",
    "浙江": "浙 杭州 宁波 温州 嘉兴 湖州 绍兴 金华 衢州 舟山 台州 丽水 义乌",
    "安徽": "皖 合肥 芜湖 蚌埠 淮南 马鞍山 淮北 铜陵 安庆 黄山 滁州 阜阳 宿州 六安 亳州 池州 宣城",
    "福建": "闽 福州 厦门 莆田 三明 泉州 漳州 南平 龙岩 宁德",
    "江西": "赣 南昌 景德镇 萍乡 九江 新余 鹰潭 赣州 吉安 宜春 抚州 上饶",
    "山东": "鲁 济南 青岛 淄博 枣庄 东营 烟台 潍坊 济宁 泰安 威海 日照 临沂 德州 聊城 滨州 菏泽 莱芜",
    "河南": "豫 郑州 开封 洛阳 平顶山 安阳 鹤壁 新乡 焦作 濮阳 许昌 漯河 三门峡 南阳 商丘 信阳 周口 驻马店 济源",
    "湖北": "鄂 武汉 黄石 十堰 宜昌 襄阳 鄂州 荆门 孝感 荆州 黄冈 咸宁 随州 恩施 仙桃 潜江 天门 神农架",
    "湖南": "湘 长沙 株洲 湘潭 衡阳 邵阳 岳阳 常德 张家界 益阳 郴州 永州 怀化 娄底 湘西",
    "广东": (
        "粤 广州 韶关 深圳 珠海 汕头 佛山 江门 湛江 茂名 肇庆 惠州 梅州 汕尾 河源 阳江 清远 东莞 中山 潮州 揭阳 云浮"
    ),
    "广西": "桂 南宁 柳州 桂林 梧州 北海 防城港 钦州 贵港 玉林 百色 贺州 河池 来宾 崇左",
    "海南": "琼 海口 三亚 三沙 儋州 琼海 文昌",
    "重庆": "渝 重庆市",
    "四川": (
        "川 蜀 成都 自贡 攀枝花 泸州 德阳 绵阳 广元 遂宁 内江 乐山 南充 眉山 宜宾 广安 达州 雅安 巴中 资阳 阿坝 甘孜 "
        "凉山"
    ),
    "贵州": "黔 贵 贵阳 六盘水 遵义 安顺 毕节 铜仁 黔西南 黔东南 黔南",
    "云南": "滇 云 昆明 曲靖 玉溪 保山 昭通 丽江 普洱 临沧 楚雄 红河 文山 西双版纳 大理 德宏 怒江 迪庆",
    "西藏": "藏 拉萨 日喀则 昌都 林芝 山南 那曲 阿里",
    "陕西": "陕 秦 西安 铜川 宝鸡 咸阳 渭南 延安 汉中 榆林 安康 商洛",
    "甘肃": "甘 陇 兰州 嘉峪关 金昌 白银 天水 武威 张掖 平凉 酒泉 庆阳 定西 陇南 临夏 甘南",
    "青海": "青 西宁 海东 海北 黄南 海南州 海南藏族自治州 果洛 玉树 海西",
    "宁夏": "宁 银川 石嘴山 吴忠 固原 中卫",
    "新疆": (
        "新 乌鲁木齐 克拉玛依 吐鲁番 哈密 昌吉 博尔塔拉 巴音郭楞 阿克苏 克孜勒苏 喀什 和田 伊犁 塔城 阿勒泰 石河子 "
        "库尔勒"
    ),
    "台湾": "台 台北 高雄 台中 台南 新北",
    "香港": "港",
    "澳门": "澳",
}  # fmt: skip
# From the narrow to the wide: where a dictionary has both, the narrow one is meant.
AREAS = {
    "京津冀": "北京 天津 河北",
    "江浙沪": "江苏 浙江 上海",
    "长三角": "江苏 浙江 上海 安徽",
    "珠三角": "广东",
    "东三省": "辽宁 吉林 黑龙江",
    "川渝": "四川 重庆",
    "两湖": "湖北 湖南",
    "港澳台": "香港 澳门 台湾",
    "华北": "北京 天津 河北 山西 内蒙古",
    "东北": "辽宁 吉林 黑龙江",
    "华东": "上海 江苏 浙江 安徽 福建 江西 山东",
    "华中": "河南 湖北 湖南",
    "华南": "广东 广西 海南",
    "西南": "重庆 四川 贵州 云南 西藏",
    "西北": "陕西 甘肃 青海 宁夏 新疆",
    "中南": "河南 湖北 湖南 广东 广西 海南",
    "西部": "重庆 四川 贵州 云南 西藏 陕西 甘肃 青海 宁夏 新疆",
    "北方": "北京 天津 河北 山西 内蒙古 辽宁 吉林 黑龙江 山东 河南 陕西 甘肃 青海 宁夏 新疆",
    "南方": (
        "上海 江苏 浙江 安徽 福建 江西 湖北 湖南 广东 广西 海南 重庆 四川 贵州 云南 西藏"
    ),
}  # fmt: skip
PROVINCE_END = r"(?:省|市|特别行政区|(?:壮族|回族|维吾尔)?自治区)?"
CITY_END = r"(?:市|地区|盟|(?:[\u4e00-\u9fff]{1,6}族)*自治州|州)?"
AREA_END = re.compile(r"(?:地区|大区|区域|片区|片|区|市场|分部|办事处|分公司)$")
SEPARATORS = re.compile(r"[\s/\\|,，、.·>\-—_（）()›:：]+")
COUNTRY = re.compile(r"^(?:中华人民共和国|中国大陆|中国)")
DISTRICT = re.compile(r"[\u4e00-\u9fff]{1,8}(?:区|县|旗|镇|市|盟|州|乡|街道)")
HAINAN_IN_QINGHAI = re.compile(r"海南(?:藏族自治)?州")  # beside the province of the same name
CITY_TAIL = re.compile(r"(?:市|地区|盟|自治州|州)$")


@dataclass(frozen=True)
class Place:
    """Where a text lies. city: "" when only the province is told; areas: from the narrow to the wide; rest: the text
    behind them.
    """

    province: str = ""
    city: str = ""
    areas: tuple[str, ...] = ()
    clash: str = ""  # the province of a city that lies elsewhere
    rest: str = ""


@cache
def _cities() -> dict[str, str]:
    """Return {city: province}."""
    return {
        city: province
        for province, words in PROVINCES.items()
        for city in words.split()
        if len(city) > 1 and province != city
    }


@cache
def _short_signs() -> dict[str, str]:
    return {word: province for province, words in PROVINCES.items() for word in words.split() if len(word) == 1}


def areas_of(province: str) -> tuple[str, ...]:
    """Return the areas that hold a province, from the narrow to the wide."""
    return tuple(area for area, provinces in AREAS.items() if province in provinces.split())


def area_name(text: str) -> str:
    """Return the area a text names, 华北大区 for example; "" for none."""
    plain = SEPARATORS.sub("", text)
    return next((word for word in (plain, AREA_END.sub("", plain)) if word in AREAS), "")


def wider_areas(area: str) -> Iterator[str]:
    """Yield the areas that hold all of another one."""
    own = set(AREAS[area].split())
    return (name for name, provinces in AREAS.items() if name != area and own <= set(provinces.split()))


def locate(text: str) -> Place | None:
    """Return where a text such as 河北省唐山市 lies; None when it names no known place."""
    plain = COUNTRY.sub("", SEPARATORS.sub("", text)) if len(text) < 100 else ""
    if plain in _short_signs():
        return _place(_short_signs()[plain])
    province, rest = ("", plain) if HAINAN_IN_QINGHAI.match(plain) else _leading(plain, tuple(PROVINCES), PROVINCE_END)
    if not province and plain.startswith("内蒙"):
        province, rest = "内蒙古", plain.removeprefix("内蒙")
    city, rest = _leading(rest, tuple(_cities()), CITY_END)
    if city and not province:
        return _place(_cities()[city], city, rest)
    if city and _cities()[city] != province:
        return Place(province, city, clash=_cities()[city])
    return _place(province, city, rest) if province else None


def is_place(text: str) -> bool:
    """Tell whether a text is a place and nothing more: with its district or county at most."""
    if area_name(text):
        return True
    place = locate(text)
    return place is not None and (not place.rest or bool(DISTRICT.fullmatch(place.rest)))


def _place(province: str, city: str = "", rest: str = "") -> Place:
    return Place(province, "" if city.startswith(province) else city, areas_of(province), rest=rest)


def _leading(text: str, words: tuple[str, ...], ending: str) -> tuple[str, str]:
    """Return (the longest of the words that the text begins with, the rest); a district or county is no city."""
    found = max((word for word in words if text.startswith(word)), key=len, default="")
    if not found:
        return "", text
    match = re.match(re.escape(found) + ending, text)
    rest = text[match.end() :] if match else text[len(found) :]
    if rest[:1] in ("区", "县", "镇", "路") and found not in PROVINCES:
        return "", text
    return found, rest


def plain_place(text: str) -> str:
    """Return a place as it is compared: without 省, 市, 地区."""
    found = locate(text)
    if found and not found.clash:
        return found.city.removesuffix("市") or found.province
    return area_name(text) or CITY_TAIL.sub("", SEPARATORS.sub("", text))
