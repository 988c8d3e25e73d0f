"""Synonyms: by which words offices call a column; a meaning is what a target and a head have in common."""

from __future__ import annotations

from functools import cache

from kit.domain.folding import fold_name

MEANINGS: dict[str, str] = {
    # Of a customer
    "customer": (
        "客户名称 客户名 客户 客户全称 客户简称 客户单位 客户公司 公司名称 公司名 公司 公司全称 单位名称 单位 "
        "单位全称 企业名称 企业名 企业 企业全称 厂名 厂家 厂家名称 厂商 厂商名称 工厂名称 甲方 甲方名称 甲方单位 买方 "
        "买方名称 购方 购方名称 需方 需方名称 购货单位 购货单位名称 往来单位 往来单位名称 开票名称 开票单位 发票抬头 "
        "抬头 用户单位 用户名称 用户单位名称 业主 业主单位 业主名称 合作单位 对方单位 对方公司 客商 客商名称 经销商 "
        "经销商名称 代理商 渠道商 机构名称 商户名称 店名 店铺名称 account accountname customer customername company "
        "companyname client"
    ),
    "customer number": (
        "客户编号 编号 编码 代码 客户编码 客户代码 客户号 客户id 单位编码 单位编号 公司编号 企业编号 往来单位编码 "
        "customerno customerid customercode"
    ),
    "external number": (
        "销售系统客户编号 erp编号 erp编码 erp客户编码 erp客户编号 erp代码 erp客户代码 erp号 u8编码 用友编码 金蝶编码 "
        "金蝶代码 sap编号 sap编码 sap客户号 外部编号 外部编码 系统编号 系统编码 旧编号 原编号 原系统编号 原客户编号 "
        "进销存编号 销售系统编号 sapno erpno erpid"
    ),
    "region": (
        "地区 区域 所在地区 所属地区 所属区域 所在区域 大区 片区 省份 所在省份 所在省 省 省市 省市区 省区 所属省份 "
        "所在地 城市 所在城市 市 地市 地级市 地域 客户地区 客户区域 销售区域 销售大区 市场区域 区划 归属地 属地 "
        "行政区 行政区划 region area province city"
    ),
    "industry": (
        "行业 所属行业 行业类别 行业类型 行业分类 行业名称 客户行业 经营行业 从事行业 细分行业 行业大类 领域 "
        "应用领域 应用行业 industry sector"
    ),
    "level": (
        "客户等级 等级 客户级别 级别 客户类型 客户类别 客户分类 客户分级 分类 类别 类型 客户层级 重要程度 重要性 "
        "重要级别 abc分类 客户性质 客户属性 vip等级 level grade tier rank"
    ),
    "manager": (
        "客户经理 负责人 业务员 销售 销售员 销售人员 销售经理 销售代表 销售负责人 跟进人 跟单员 跟单 归属人 所属人 "
        "所属业务员 所属销售 归属销售 责任人 业务负责人 业务经理 业务代表 业务 业务人员 客户负责人 客户归属 "
        "我方负责人 我方联系人 对接销售 专员 维护人 owner sales salesperson salesman rep"
    ),
    "satisfaction": "客户满意度 满意度 满意程度 满意 满意度评分 satisfaction",
    "credit": "客户信用度 信用度 信用等级 信用 信誉度 信誉 信用评级 信用级别 资信等级 credit creditrating",
    "parent": (
        "上级单位 上级公司 母公司 集团 所属集团 集团名称 集团公司 总公司 上级客户 主管单位 控股公司 parent "
        "parentcompany group"
    ),
    "cooperation since": (
        "建立合作日期 合作日期 合作时间 开始合作时间 开始合作日期 首次合作 首次合作时间 首次合作日期 建档日期 "
        "建档时间 开户日期 开户时间 成交日期 成交时间 首次成交日期 首单日期 首单时间 签约日期 签约时间 合作起始日 "
        "合作起始日期 合作开始 入库日期 准入日期 since"
    ),
    "address": (
        "地址 客户地址 公司地址 单位地址 企业地址 详细地址 联系地址 通讯地址 通信地址 办公地址 经营地址 注册地址 "
        "工厂地址 厂址 收货地址 送货地址 开票地址 住址 住所 所在地址 企业住所 地址详情 address"
    ),
    "postcode": "邮政编码 邮编 邮政编号 邮编号码 zip zipcode postcode",
    "phone": (
        "客户电话 电话 联系电话 电话号码 公司电话 单位电话 企业电话 座机 固定电话 固话 办公电话 座机号码 总机 "
        "固定电话号码 电话1 联系方式 联系号码 客户联系方式 客户联系电话 开票电话 tel telephone phone phoneno"
    ),
    "fax": "传真 传真号 传真号码 fax faxno",
    "website": "网址 网站 公司网址 公司网站 官网 主页 公司主页 官方网站 企业网站 website web url homepage",
    "credit code": (
        "统一社会信用代码 营业执照注册号 营业执照号 营业执照号码 营业执照 信用代码 社会信用代码 税号 纳税人识别号 "
        "纳税识别号 纳税号 纳税人税号 纳税人登记号 税务登记号 税务号 开票税号 统一信用代码 信用编码 工商注册号 "
        "注册号 执照号 机构代码 组织机构代码 三证合一号 taxno taxid uscc"
    ),
    "legal representative": (
        "法人 法人代表 法定代表人 法定代表 企业法人 法人姓名 公司法人 代表人 法人名称 legalrepresentative"
    ),
    "registered capital": (
        "注册资本 注册资金 注册资本金 资本 资本金 实缴资本 认缴资本 注册资产 capital registeredcapital"
    ),
    "turnover": (
        "年营业额 营业额 年销售额 销售额 年产值 产值 年收入 营收 年营收 营业收入 年营业收入 年度营业额 企业规模金额 "
        "turnover revenue"
    ),
    "bank": "开户银行 开户行 银行 开户行名称 开户银行名称 银行名称 开户网点 开票银行 基本户开户行 bank bankname",
    "bank account": (
        "银行账号 银行帐号 账号 帐号 银行账户 账户 开户账号 开户帐号 对公账号 对公账户 银行卡号 基本户账号 公司账号 "
        "开票账号 bankaccount accountno"
    ),
    "local tax number": "地税登记号 地税 地税号",
    "national tax number": "国税登记号 国税 国税号",
    # Of a contact in its own row or in the row of its customer
    "contact name": (
        "姓名 联系人 联系人姓名 联系人名称 客户联系人 主要联系人 第一联系人 对接人 客户对接人 接洽人 洽谈人 收货人 "
        "采购联系人 采购人 经办人 对方联系人 甲方联系人 客户姓名 名字 contact contactname contactperson"
    ),
    "contact title": "职位 职务 岗位 头衔 职称 联系人职务 联系人职位 担任职务 title position jobtitle",
    "contact department": "部门 所在部门 科室 所属部门 联系人部门 department dept",
    "mobile": (
        "手机 手机号 手机号码 移动电话 联系人手机 联系人电话 联系人手机号 联系手机 手机电话 联系人联系方式 "
        "联系人联系电话 采购电话 采购手机 采购人电话 对接人电话 经办人电话 收货人电话 老板电话 移动号码 负责人电话 "
        "个人电话 mobile mobilephone cell cellphone"
    ),
    "office phone": "办公电话 座机 办公室电话 联系人座机 单位座机 officephone",
    "email": "邮箱 电子邮箱 电子邮件 邮件 邮箱地址 邮件地址 联系邮箱 email mail",
    "wechat": "微信 微信号 微信id 微信号码 wechat weixin",
    "gender": "性别 称谓 称呼 gender sex",
    "birthday": "生日 出生日期 出生年月 birthday birthdate",
    "memo": (
        "备注 说明 备注信息 备注说明 备注1 其他 附注 补充说明 注释 描述 备忘 remark remarks note notes comment "
        "comments memo"
    ),
    # Of an interaction
    "talk time": (
        "日期 时间 交往时间 交往日期 拜访日期 拜访时间 最近拜访 最近拜访时间 最近拜访日期 跟进时间 跟进日期 最近跟进 "
        "最近跟进时间 最后跟进时间 联系时间 联系日期 最近联系 最后联系时间 上次联系时间 沟通时间 沟通日期 记录时间 "
        "记录日期 回访日期 回访时间 走访日期 发生时间 发生日期 date time datetime"
    ),
    "talk way": (
        "交往方式 方式 跟进方式 沟通方式 拜访方式 联系途径 沟通渠道 拜访类型 跟进类型 交往类型 渠道 way channel"
    ),
    "talk place": "地点 交往地点 拜访地点 沟通地点 会面地点 place location",
    "talk summary": (
        "概要 主题 事由 标题 拜访目的 跟进主题 沟通主题 摘要 目的 拜访事由 概述 summary subject topic"
    ),
    "talk details": (
        "详细信息 详情 内容 跟进内容 沟通内容 拜访内容 拜访记录 跟进记录 沟通记录 联系记录 洽谈内容 交流内容 "
        "跟进情况 拜访情况 跟进详情 交往内容 情况 进展 最新进展 details content"
    ),
    "talk author": (
        "记录人 跟进人 拜访人 作者 填写人 录入人 创建人 走访人 拜访人员 跟进人员 沟通人 联系人员 我方人员 提交人 "
        "业务员 客户经理 负责人 销售 销售员 author createdby"
    ),
    # Of an opportunity
    "opportunity customer": "客户名称 客户 公司名称 潜在客户 意向客户 单位名称 企业名称 项目单位 招标单位",
    "opportunity summary": (
        "概要 机会名称 商机名称 商机 销售机会 项目名称 项目 机会主题 机会 线索 线索名称 需求概要 主题 opportunity "
        "lead"
    ),
    "opportunity description": (
        "机会描述 描述 需求描述 客户需求 需求 项目描述 项目概况 机会详情 商机描述 需求说明 跟进情况 项目情况"
    ),
    "opportunity source": "机会来源 来源 商机来源 线索来源 客户来源 信息来源 获客渠道 来源渠道 渠道 渠道来源 source",
    "opportunity amount": (
        "预计金额 金额 预计成交金额 商机金额 项目金额 预估金额 预算 预算金额 合同金额 意向金额 预计销售额 预计合同额 "
        "报价 报价金额 投资额 amount"
    ),
    "opportunity chance": (
        "成功机率 成功几率 成功率 成功概率 概率 赢率 可能性 胜率 把握 把握度 成单概率 probability winrate"
    ),
    "opportunity close": (
        "预计成交日期 预计签单日期 预计成交时间 预计签约时间 预计签约日期 预计结案 预计完成时间 预计日期 预计时间 "
        "closedate"
    ),
    "assignee": (
        "指派给 被指派人 负责人 业务员 客户经理 跟进人 归属人 销售 销售员 责任人 所属销售 分配给 承接人 assignee "
        "owner"
    ),
    "opportunity status": "状态 机会状态 商机状态 阶段 商机阶段 项目阶段 销售阶段 进度 项目进度 status stage",
    # Of dictionary entries, targets and costs
    "category": "类别 分类 字典 字典类别 字典名称 类型 大类 category",
    "item": "条目 名称 项目 选项 字典条目 值 项 名目 item name",
    "value": "值 代码 编码 取值 字典值 value code",
    "year": "年份 年度 年 财年 year",
    "month": "月份 月 期间 月度 month",
    "quarter": "季度 季 quarter",
    "person": "姓名 人员 员工 员工姓名 销售 销售员 业务员 客户经理 负责人 person name",
    "target amount": "目标 目标金额 目标额 业绩目标 销售目标 任务 任务额 销售任务 年度目标 月度目标 指标 target goal",
    "cost amount": "金额 费用 费用金额 费用额 报销金额 发生额 支出 花费 成本 cost expense amount",
    "cost kind": "费用类别 费用类型 费用项目 科目 费用科目 项目 类别 costtype",
    "cost date": "发生日期 日期 费用日期 报销日期 发生时间 时间 date",
    "version": "版本 版本号 version",
    "reason": "原因 变更原因 修改原因 理由 reason",
}  # fmt: skip
ROW_NUMBERS = "序号 编号 行号 序 no no. # 顺序号 顺序 排序 number index xh 项次 item# 行"
OWN_HEADS = ("行号", "原因与改法")  # of the workbook of refused rows


@cache
def words_for(meaning: str) -> tuple[str, ...]:
    """Return the words of a meaning, most usual first; () for none."""
    return tuple(MEANINGS[meaning].split()) if meaning else ()


@cache
def known_words() -> frozenset[str]:
    """Return every word that any meaning has, folded."""
    return frozenset(fold_name(word) for meaning in MEANINGS for word in words_for(meaning)) | row_number_words()


@cache
def row_number_words() -> frozenset[str]:
    """Return the names of columns that only count the rows, folded."""
    return frozenset(fold_name(word) for word in ROW_NUMBERS.split())
