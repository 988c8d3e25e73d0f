"""The targets of a customer with its contact, and what the dictionary and the staff are called, as tests need them."""

from __future__ import annotations

from kit.imports.repairs import Candidate
from kit.imports.synonyms import words_for
from kit.imports.targets import Kind, Target

REGIONS = ("北京", "华北", "华东", "中南", "东北", "西部")
INDUSTRIES = ("机械制造", "电力能源", "化工", "水务环保", "食品饮料", "医药", "电子", "轨道交通", "其他")
LEVELS = ("普通客户", "重点开发客户", "大客户", "合作伙伴", "战略合作伙伴")
STAFF = {
    "zhouxm": "周晓明", "chenzg": "陈志刚", "xiaohong": "王小红", "wangwei": "王伟", "liuna": "刘娜", "zhaorui": "赵睿",
    "xujing": "徐婧", "wuhaitao": "吴海涛", "ouyangf": "欧阳锋", "sunli": "孙丽",
}  # fmt: skip
CUSTOMERS = (
    Target("number", "客户编号", kind=Kind.CODE, meaning="customer number"),
    Target("name", "客户名称", kind=Kind.COMPANY, required=True, meaning="customer"),
    Target("external_number", "销售系统客户编号", kind=Kind.CODE, meaning="external number"),
    Target("region", "地区", kind=Kind.REGION, required=True, meaning="region", choices=REGIONS),
    Target("industry", "行业", kind=Kind.CHOICE, meaning="industry", choices=INDUSTRIES),
    Target("level", "客户等级", kind=Kind.CHOICE, required=True, meaning="level", choices=LEVELS),
    Target("satisfaction", "客户满意度", kind=Kind.NUMBER, meaning="satisfaction"),
    Target("credit", "客户信用度", kind=Kind.NUMBER, meaning="credit"),
    Target("manager", "客户经理", kind=Kind.PERSON, required=True, meaning="manager", choices=tuple(STAFF.values())),
    Target("parent", "上级单位", kind=Kind.COMPANY, meaning="parent"),
    Target("cooperation_since", "建立合作日期", kind=Kind.DATE, meaning="cooperation since"),
    Target("address", "地址", kind=Kind.ADDRESS, meaning="address"),
    Target("postcode", "邮政编码", kind=Kind.CODE, meaning="postcode"),
    Target("phone", "客户电话", kind=Kind.PHONE, meaning="phone"),
    Target("fax", "传真", kind=Kind.PHONE, meaning="fax"),
    Target("website", "网址", kind=Kind.WEBSITE, meaning="website"),
    Target("license_number", "营业执照注册号", kind=Kind.CREDIT_CODE, meaning="credit code"),
    Target("legal_representative", "法人", kind=Kind.NAME, meaning="legal representative"),
    Target("registered_capital", "注册资本", kind=Kind.MONEY, unit="万元", meaning="registered capital"),
    Target("annual_turnover", "年营业额", kind=Kind.MONEY, unit="万元", meaning="turnover"),
    Target("bank", "开户银行", meaning="bank"),
    Target("bank_account", "银行账号", kind=Kind.CODE, meaning="bank account"),
    Target("contact.name", "姓名", kind=Kind.NAME, meaning="contact name", group="联系人"),
    Target("contact.gender", "性别", meaning="gender", group="联系人"),
    Target("contact.title", "职位", meaning="contact title", group="联系人"),
    Target("contact.office_phone", "办公电话", kind=Kind.PHONE, meaning="office phone", group="联系人"),
    Target("contact.mobile", "手机", kind=Kind.PHONE, meaning="mobile", group="联系人"),
    Target("contact.email", "邮箱", kind=Kind.EMAIL, meaning="email", group="联系人"),
    Target("contact.memo", "备注", kind=Kind.LONG_TEXT, meaning="memo", group="联系人"),
)
CONTACTS = (
    Target("customer", "客户", kind=Kind.COMPANY, required=True, meaning="customer"),
    Target("name", "姓名", kind=Kind.NAME, required=True, meaning="contact name"),
    Target("gender", "性别", meaning="gender"),
    Target("title", "职位", meaning="contact title"),
    Target("office_phone", "办公电话", words_for("phone"), Kind.PHONE, meaning="office phone"),
    Target("mobile", "手机", kind=Kind.PHONE, meaning="mobile"),
    Target("memo", "备注", kind=Kind.LONG_TEXT, meaning="memo"),
)
TALKS = (
    Target("customer", "客户", kind=Kind.COMPANY, required=True, meaning="customer"),
    Target("at", "时间", kind=Kind.DATE, required=True, meaning="talk time"),
    Target("way", "交往方式", kind=Kind.CHOICE, meaning="talk way", choices=("拜访", "电话", "微信", "邮件", "会议")),
    Target("place", "地点", meaning="talk place"),
    Target("summary", "概要", required=True, meaning="talk summary"),
    Target("details", "详细信息", kind=Kind.LONG_TEXT, meaning="talk details"),
    Target("author", "记录人", kind=Kind.PERSON, meaning="talk author", choices=tuple(STAFF.values())),
    Target("contact", "联系人", kind=Kind.NAME, meaning="contact name"),
    Target("memo", "备注", kind=Kind.LONG_TEXT, meaning="memo"),
)
OPPORTUNITIES = (
    Target("customer_name", "客户名称", kind=Kind.COMPANY, required=True, meaning="opportunity customer"),
    Target(
        "source", "机会来源", kind=Kind.CHOICE, meaning="opportunity source", choices=("老客户介绍", "展会", "网上询价")
    ),
    Target("summary", "概要", required=True, meaning="opportunity summary"),
    Target("description", "机会描述", kind=Kind.LONG_TEXT, meaning="opportunity description"),
    Target("chance", "成功机率", kind=Kind.NUMBER, meaning="opportunity chance"),
    Target("amount", "预计金额", kind=Kind.MONEY, unit="元", meaning="opportunity amount"),
    Target("assignee", "指派给", kind=Kind.PERSON, meaning="assignee", choices=tuple(STAFF.values())),
    Target("contact_name", "联系人", kind=Kind.NAME, meaning="contact name"),
    Target("contact_phone", "联系电话", ("手机", "电话", *words_for("mobile"), *words_for("phone")), Kind.PHONE),
)


def candidates(*labels: str) -> list[Candidate]:
    return [Candidate(label, label) for label in labels]


def staff() -> list[Candidate]:
    return [Candidate(account, name, account=account) for account, name in STAFF.items()]
