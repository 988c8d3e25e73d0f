"""What repairs of values are made from: candidates, answers and words that mean the same."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Candidate:
    """A value that the product knows. account: of a person; words: more texts that mean it."""

    key: str
    label: str
    words: tuple[str, ...] = ()
    account: str = ""

    @property
    def names(self) -> tuple[str, ...]:
        return (self.label, *self.words, self.account) if self.account else (self.label, *self.words)


@dataclass(frozen=True)
class Answer:
    candidate: Candidate | None
    why: str
    sure: bool = False
    options: tuple[Candidate, ...] = ()


# Words of one meaning; a value of a group means the only candidate that has a word of the same group.
VALUE_GROUPS = tuple(
    frozenset(words.split())
    for words in (
        # Levels
        "普通 一般 常规 普通型 一般型 小客户 小型客户 散户 零散",
        "重点 重要 潜力 培育 培养 重点培养",
        "大客户 ka 关键 核心 主要 大型 大型客户",
        "战略 战略型 战略级 战略合作",
        "合作伙伴 伙伴 合作方 合作商",
        # Industries
        "电力 电厂 发电 火电 热电 核电 水电 供电 电网 能源 新能源 光伏 风电 发电厂 煤电",
        "机械 机械制造 装备制造 设备制造 重工 重型机械 机床 工程机械 机电 通用设备 专用设备",
        "化工 化学 精细化工 石化 石油化工 石油 化纤 涂料 化肥 煤化工 日化 橡胶 塑料",
        "水务 水处理 污水处理 自来水 环保 环境 供水 排水 水务环保 固废 环境工程",
        "食品 饮料 食品加工 乳业 乳品 啤酒 酒业 粮油 白酒 食品饮料 餐饮",
        "医药 制药 药厂 生物医药 药业 医疗 生物制药 中药",
        "电子 半导体 芯片 电子信息 电子元器件 集成电路 通信 电路板 消费电子",
        "轨道交通 地铁 铁路 高铁 轨道 城轨 机车 动车",
        "其他 其它 其他行业 其它行业 综合",
        "钢铁 冶金 有色 有色金属 金属冶炼 炼钢 钢厂 冶炼",
        "汽车 汽车制造 汽配 汽车零部件 整车",
        "建筑 建材 房地产 地产 施工 建筑工程 水泥 玻璃",
        "纺织 服装 印染 纺织服装",
        "造纸 纸业 印刷 包装",
        "政府 机关 事业单位 行政",
        "教育 学校 高校 科研 科研院所",
        # Sources, ways, reasons
        "老客户介绍 转介绍 客户介绍 老客户 朋友介绍 介绍 推荐",
        "展会 展览 展览会 参展 博览会",
        "网上询价 网络 网站 网上 互联网 官网 百度 线上 询价",
        "电话咨询 来电 电话 电话营销 呼入",
        "主动拜访 拜访 陌拜 上门 陌生拜访 走访 面谈 上门拜访",
        "招标公告 招标 投标 招投标",
        "微信 企业微信 wechat",
        "邮件 电子邮件 email e-mail",
        "会议 会谈 视频会议 座谈",
    )
)
NOBODY = frozenset(
    [
        "无",
        "没有",
        "暂无",
        "未分配",
        "公海",
        "公共",
        "待定",
        "待分配",
        "公司",
        "离职",
        "已离职",
        "不详",
        "未知",
        "-",
        "—",
        "/",
        "空",
        "none",
        "null",
        "na",
    ]
)
