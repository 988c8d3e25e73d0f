"""Interactions of the demo company, with a few files and follow-ups around today."""

from __future__ import annotations

import random
from datetime import date, datetime, timedelta
from itertools import pairwise
from typing import NamedTuple

from django.core.files.base import ContentFile
from django.utils import timezone

from customers.models import Attachment, Contact, Customer, Interaction, TimelineEntry
from marketing.models import Opportunity

from .clients import Client
from .past import Journal, past_datetime, workday
from .people import Lexicon

TALKATIVE = 120  # customers with interactions
MONTHS_BACK = 540  # days
FOLLOW_UPS = (-6, -2, 0, 0, 1, 3, 5, 9, 16, None)  # days from today of the newest talk's follow-up, by turns
FILES = ("会议纪要.txt", "拜访记录与测点清单.txt", "样机测试报告.pdf")  # of the newest talks


class Talk(NamedTuple):
    kind: str
    place: str
    summary: str
    details: str


TALKS = (
    Talk(
        "拜访",
        "客户现场 {n} 号车间",
        "现场查看仪表运行情况，{who}反映{n}号线读数偏低",
        "核对量程后确认是导压管积液，已指导排污。客户希望下季度统一校准，数量约 {n} 台。",
    ),
    Talk("电话", "", "电话回访{who}，设备运行正常", "提到明年有扩建计划，预算尚未批复，约定批复后再沟通选型。"),
    Talk("微信", "", "微信发送选型样本和报价单给{who}", "客户比较关注供货周期，已答复标准品四周。"),
    Talk(
        "会议",
        "客户二楼会议室",
        "与{who}开技术交流会，确认改造范围",
        "参会的有设备科和仪表班。确认先改 {n} 个测点，其余随大修进行；付款方式按三三三一。",
    ),
    Talk("邮件", "", "邮件回复{who}关于防护等级和出厂校准证书的问题", "随信附上 IP67 型式试验报告编号和校准证书样本。"),
    Talk("电话", "", "{who}来电询问备件库存", "常用备件有现货，已报价。客户走内部采购流程，预计两周。"),
    Talk(
        "拜访",
        "客户办公楼",
        "年度走访，和{who}回顾全年供货与服务",
        "客户对响应速度满意，建议把调试资料做成电子版。明年框架协议条款基本不变。",
    ),
    Talk("会议", "线上会议", "线上会议讨论付款进度", "{who}说明尾款在走审批，承诺本月内安排。"),
    Talk("微信", "", "节前问候{who}，顺便了解检修安排", "检修定在下个月中旬，届时需要我们派一人配合。"),
    Talk(
        "拜访",
        "客户三期工地",
        "到三期工地看安装条件，{who}陪同",
        "管道预留口径与图纸不符 {n} 处，请设计院出变更后再发货。",
    ),
)
NOTES = ("", "", "", "对方午后方便接电话。", "下次带样品。")


def build_talks(clients: list[Client], lexicon: Lexicon) -> list[Interaction]:
    """Return unsaved interactions of saved customers over the last eighteen months, oldest first."""
    rng, talks = random.Random(7), []  # noqa: S311 - invented talks, no secrets
    for index, client in enumerate(clients[:TALKATIVE]):
        since = min((timezone.now() - client.customer.created_at).days - 3, MONTHS_BACK)  # a weekend may lie between
        if since < 8:
            continue
        days = sorted(rng.sample(range(1, since), rng.randint(3, 6)), reverse=True)
        interactions = [talk(client, lexicon, days_ago, rng) for days_ago in days]
        offset = FOLLOW_UPS[(index + index // 10) % len(FOLLOW_UPS)]
        if offset is not None and client.customer.status == Customer.Status.NORMAL:
            interactions[-1].follow_up_on = max(workday(offset), interactions[-1].on)
        link_follow_ups(interactions, rng)
        talks += interactions
    return sorted(talks, key=lambda interaction: interaction.created_at)


def talk(client: Client, lexicon: Lexicon, days_ago: int, rng: random.Random) -> Interaction:
    template, contact = rng.choice(TALKS), rng.choice(client.contacts) if client.contacts else None
    values = {"who": contact.name if contact else "对方", "n": rng.choice((2, 3, 4, 6, 8))}
    at = past_datetime(days_ago, rng.randint(9, 17), rng.randrange(60))
    return Interaction(
        customer=client.customer,
        on=timezone.localdate(at),
        kind=lexicon.entry("交往方式", template.kind),
        place=template.place.format(**values),
        summary=template.summary.format(**values),
        details=template.details.format(**values),
        note=rng.choice(NOTES),
        contact=contact,
        created_by=client.customer.manager,
        created_at=at,
    )


def link_follow_ups(talks: list[Interaction], rng: random.Random) -> None:
    """Give some interactions a follow-up that the next one completes."""
    for former, later in pairwise(talks):
        if rng.random() < 0.4 and former.on < later.on:
            former.follow_up_on = former.on + (later.on - former.on) * 2 // 3
            former.followed_up_at, former.version = later.created_at, 1


def save_talks(talks: list[Interaction], journal: Journal) -> None:
    Interaction.objects.bulk_create(talks, batch_size=500)
    TimelineEntry.objects.bulk_create((timeline_entry(interaction) for interaction in talks), batch_size=500)
    for interaction in talks:
        facts = {"客户": interaction.customer, "时间": interaction.on, "方式": interaction.kind}
        journal.note(interaction.created_at, interaction.created_by, "新建", interaction, **facts)
        if interaction.followed_up_at:
            journal.note(
                interaction.followed_up_at,
                interaction.created_by,
                "完成跟进",
                interaction,
                下次跟进日期=interaction.follow_up_on,
            )


def timeline_entry(talk: Interaction) -> TimelineEntry:
    return TimelineEntry(
        customer=talk.customer,
        at=talk.timeline_at,
        kind=TimelineEntry.Kind.INTERACTION,
        text=talk.timeline_text[:500],
        url=talk.get_absolute_url(),
    )


def save_beginnings(clients: list[Client], opportunities: list[Opportunity]) -> None:
    """Add timeline entries for the creation of customers and contacts."""
    kind, entries = TimelineEntry.Kind, []
    for client in clients:
        customer = client.customer
        entries.append((customer, customer.created_at, kind.CUSTOMER, f"新建客户，客户经理 {customer.manager}", ""))
        entries += [
            (customer, contact_created_at(client, contact), kind.CUSTOMER, f"新增联系人 {contact}", "")
            for contact in client.contacts
        ]
    for won in opportunities:
        if won.customer and won.closed_at:
            text = f"销售机会（编号 {won.pk}）开发成功"
            entries.append((won.customer, won.closed_at, kind.OPPORTUNITY, text, won.get_absolute_url()))
    TimelineEntry.objects.bulk_create(
        (TimelineEntry(customer=c, at=at, kind=k, text=text, url=url) for c, at, k, text, url in entries),
        batch_size=500,
    )


def contact_created_at(client: Client, contact: Contact) -> datetime:
    return client.customer.created_at + timedelta(minutes=4 * client.contacts.index(contact))


def save_files(talks: list[Interaction], journal: Journal) -> None:
    """Attach two notes and a test report to the newest interactions."""
    for newest, name in zip(reversed(talks), FILES, strict=False):
        text = f"{newest.customer}\n{newest.on:%Y-%m-%d} {newest.kind}\n\n{newest.summary}\n{newest.details}\n"
        content = small_pdf(newest.on) if name.endswith(".pdf") else text.encode()
        content_type = "application/pdf" if name.endswith(".pdf") else "text/plain"
        row = Attachment(
            interaction=newest,
            name=name,
            content_type=content_type,
            size=len(content),
            uploaded_by=newest.created_by,
            uploaded_at=newest.created_at + timedelta(minutes=2),
        )
        row.file.save(name, ContentFile(content), save=False)
        row.save()
        journal.note(row.uploaded_at, row.uploaded_by, "上传附件", newest, 附件=name)


def small_pdf(day: date) -> bytes:
    """One page with a line of text; the built-in fonts know Latin letters only."""
    line = f"BT /F1 14 Tf 72 760 Td (Sample test report {day:%Y-%m-%d}: all points within 0.1 %) Tj ET".encode()
    objects = (
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 4 0 R"
        b" /Resources << /Font << /F1 5 0 R >> >> >>",
        b"<< /Length %d >>\nstream\n%s\nendstream" % (len(line), line),
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
    )
    content, places = b"%PDF-1.4\n", []
    for number, body in enumerate(objects, start=1):
        places.append(len(content))
        content += b"%d 0 obj\n%s\nendobj\n" % (number, body)
    table = b"".join(b"%010d 00000 n \n" % place for place in places)
    count = len(objects) + 1
    head = b"xref\n0 %d\n0000000000 65535 f \n%s" % (count, table)
    return content + head + b"trailer\n<< /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n" % (count, len(content))
