"""Names of the demo company: its people, and the invented organisations and persons it sells to."""

from __future__ import annotations

from typing import NamedTuple

from accounts.roles.shipped import ACCOUNT_MANAGER, ADMINISTRATOR, EXECUTIVE, SALES_SUPERVISOR, SERVICE_HELPER


class Person(NamedTuple):
    username: str
    name: str
    role: str
    department: str
    regions: tuple[str, ...] = ()
    industries: tuple[str, ...] = ()


# name: name of the department above it
DEPARTMENTS = {
    "公司": None, "综合管理部": "公司", "销售部": "公司", "华北组": "销售部", "华东组": "销售部",
    "技术部": "公司", "质量部": "公司",
}  # fmt: skip

PEOPLE = (
    Person("admin", "何雨桐", ADMINISTRATOR, "综合管理部"),
    Person("gaoguan", "沈国华", EXECUTIVE, "公司"),
    Person("zhuguan", "林静怡", SALES_SUPERVISOR, "销售部"),
    Person("zhaorui", "赵睿", SALES_SUPERVISOR, "华东组"),
    Person("xiaoming", "周晓明", ACCOUNT_MANAGER, "华北组", ("东北", "华北"), ("机械制造", "电力能源")),
    Person("xiaogang", "陈志刚", ACCOUNT_MANAGER, "华北组", ("北京", "华北"), ("化工", "水务环保")),
    Person("lisiyuan", "李思远", ACCOUNT_MANAGER, "华北组", ("东北",), ("化工", "轨道交通")),
    Person("zhanglina", "张丽娜", ACCOUNT_MANAGER, "华北组", ("北京",), ("医药", "电子")),
    Person("liuhongwei", "刘宏伟", ACCOUNT_MANAGER, "华北组", ("华北", "西部"), ("电力能源", "其他")),
    Person("xiaohong", "王小红", ACCOUNT_MANAGER, "华东组", ("华东", "中南"), ("食品饮料", "医药")),
    Person("xujing", "徐婧", ACCOUNT_MANAGER, "华东组", ("华东",), ("电子", "机械制造")),
    Person("wuhaitao", "吴海涛", ACCOUNT_MANAGER, "华东组", ("中南",), ("水务环保", "化工")),
    Person("zhengjiayi", "郑佳怡", ACCOUNT_MANAGER, "华东组", ("西部", "中南"), ("食品饮料", "轨道交通")),
    Person("sunliqun", "孙立群", ACCOUNT_MANAGER, "华东组", ("华东", "西部"), ("电力能源", "机械制造")),
    Person("jishu", "韩立新", SERVICE_HELPER, "技术部"),
    Person("zhiliang", "邓慧敏", SERVICE_HELPER, "质量部"),
)
SHOWN_ACCOUNTS = ("admin", "zhuguan", "xiaoming", "xiaogang", "xiaohong", "gaoguan", "jishu")

# region: (city, area code, postcode)
CITIES = {
    "北京": (
        ("北京", "010", "100000"),
    ),
    "华北": (
        ("天津", "022", "300000"), ("石家庄", "0311", "050000"), ("唐山", "0315", "063000"),
        ("太原", "0351", "030000"),
    ),
    "东北": (
        ("沈阳", "024", "110000"), ("大连", "0411", "116000"), ("长春", "0431", "130000"),
        ("哈尔滨", "0451", "150000"),
    ),
    "华东": (
        ("上海", "021", "200000"), ("苏州", "0512", "215000"), ("杭州", "0571", "310000"),
        ("青岛", "0532", "266000"), ("无锡", "0510", "214000"), ("合肥", "0551", "230000"),
    ),
    "中南": (
        ("武汉", "027", "430000"), ("长沙", "0731", "410000"), ("郑州", "0371", "450000"),
        ("佛山", "0757", "528000"),
    ),
    "西部": (
        ("西安", "029", "710000"), ("成都", "028", "610000"), ("重庆", "023", "400000"), ("兰州", "0931", "730000"),
    ),
}  # fmt: skip

BRANDS = (
    "澜峤", "铄衡", "湛岚", "栩原", "珺砺", "峻泓", "霁川", "砚丰", "瀚笙", "钧岱", "澄朔", "骁岭", "岚钰",
    "沁垣", "隽辰", "弘砾", "朗屹", "煜泽", "昶禾", "邺清", "榕峥", "璟岳", "淳澍", "翊恒", "拓砜", "晗铭",
    "觅澄", "颢源", "暄和", "岑砺", "鸿峤", "崧和", "漪帆", "铖毅", "谛观", "霖垚", "曜砺", "桁宇", "嵘泰",
    "泊屿",
)  # fmt: skip
# trade in the name, industry in the dictionary
TRADES = (
    ("重型机械", "机械制造"), ("阀门制造", "机械制造"), ("特种钢管", "机械制造"), ("压缩机", "机械制造"),
    ("热电", "电力能源"), ("新能源装备", "电力能源"), ("供热", "电力能源"),
    ("化工", "化工"), ("精细化学", "化工"), ("涂料", "化工"),
    ("水处理工程", "水务环保"), ("环保科技", "水务环保"), ("供水", "水务环保"),
    ("乳业", "食品饮料"), ("酿造", "食品饮料"), ("粮油食品", "食品饮料"),
    ("制药", "医药"), ("生物制剂", "医药"),
    ("电子材料", "电子"), ("半导体设备", "电子"),
    ("轨道装备", "轨道交通"), ("车辆配件", "轨道交通"),
    ("印染", "其他"), ("玻璃制品", "其他"),
)  # fmt: skip
STREETS = (
    "栖梧路", "望澜路", "启砚街", "松壑路", "云岫大道", "观澄街", "承屿路", "青衿路", "汀兰街", "砺石大道",
)  # fmt: skip
BANKS = ("华澄银行", "北辰商业银行", "远泊农村商业银行", "江屿银行")

SURNAMES = tuple("赵钱孙李周吴郑王冯陈褚卫蒋沈韩杨朱秦许何吕施张孔曹严华金魏陶姜谢邹喻苏潘葛范彭鲁韦马苗方")
MALE = (
    "伟", "峰", "志强", "建国", "海波", "文斌", "立新", "永昌", "俊杰", "国栋", "明远", "子昂", "晓东", "振华",
    "家豪", "启航", "宏亮", "力行",
)  # fmt: skip
FEMALE = (
    "敏", "静", "丽", "晓燕", "雪梅", "文婷", "佳琪", "思雨", "秀兰", "玉洁", "慧敏", "欣怡", "若彤", "海燕",
    "春华", "梦洁",
)  # fmt: skip
POSITIONS = (
    "设备科长", "采购经理", "仪表主管", "生产部部长", "技术总监", "工艺工程师", "动力车间主任", "招标办主任",
    "总经理助理", "计量室主任", "项目经理", "供应部副部长",
)  # fmt: skip
ROLES = {  # 角色 by 职位, where it follows
    "总经理助理": "gatekeeper", "技术总监": "decider", "生产部部长": "decider", "采购经理": "buyer",
    "供应部副部长": "buyer", "招标办主任": "influencer", "项目经理": "influencer", "工艺工程师": "engineer",
    "仪表主管": "engineer", "设备科长": "user", "动力车间主任": "user",
}  # fmt: skip
CONTACT_NOTES = (
    "工作日上午联系较方便。", "技术问题先找他。", "不参与价格谈判，只看技术指标。",
    "每月下旬在分厂，办公室电话常无人接。", "发货前请先电话确认收货人。", "喜欢先看书面资料再面谈。",
)  # fmt: skip
