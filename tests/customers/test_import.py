"""import_customers: all rows or none, every refusal with line and column, nothing twice."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from basedata.models import DictionaryEntry, NumberSequence
from customers.imports.importing import CustomerImport
from customers.imports.results import ImportRefused
from customers.imports.table_form import CustomerImportForm, TableDateField
from customers.models import Customer, Ownership, TimelineEntry
from customers.records.forms import CustomerForm
from kit.audit.models import AuditEntry
from tests.customers.tables import run, table, workbook
from tests.exports import export
from tests.factories import CustomerFactory, entry, person

pytestmark = pytest.mark.django_db


def refused(tmp_path, rows, **options):
    """The reasons given for a table that must leave no trace."""
    before = (Customer.objects.count(), AuditEntry.objects.count(), DictionaryEntry.objects.count())
    message, reasons = run(table(tmp_path, rows, **options))
    assert "什么都没有写入" in message
    assert before == (Customer.objects.count(), AuditEntry.objects.count(), DictionaryEntry.objects.count())
    return reasons


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030", "utf-16"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_any_usual_csv(tmp_path, owner, encoding, delimiter):
    path = table(tmp_path, [["沈阳甲方有限公司", "东北"]], encoding=encoding, delimiter=delimiter)
    run(path)
    customer = Customer.objects.get()
    assert (customer.name, str(customer.region), customer.manager) == ("沈阳甲方有限公司", "东北", owner)


def test_gzipped_csv_with_history_and_derived_names(tmp_path, owner):
    run(table(tmp_path, [["曾氏仪表（大连）有限公司", "东北"]], name="customers.csv.gz"))
    customer = Customer.objects.get()
    assert customer.name_normalized == "曾氏仪表大连"
    assert customer.name_pinyin.startswith("zengshi")
    assert customer.number.startswith("KH")
    assert [(entry.verb, entry.actor_name) for entry in AuditEntry.objects.about(customer)] == [("导入", "系统")]
    ownership = Ownership.objects.get(customer=customer)
    assert (ownership.manager, ownership.since, ownership.until) == (owner, customer.created_at, None)


def test_every_column_of_the_form_from_a_workbook(tmp_path, owner, company):
    headers = [
        "名 称", "销售系统客户编号", "地区*", "行业", "客户等级", "客户满意度", "客户信用度", "建立合作日期", "地址",
        "邮政编码", "电话", "网址", "统一社会信用代码", "注册资本（万元）", "银行账号", "客户经理",
    ]  # fmt: skip
    row = [
        "甲", "00123", "华北", "化工", "大客户", 4, "５ 星", date(2019, 3, 31), "某路 1 号", 300000, "+86 22 5555 0000",
        "https://www.jia.example", "110000000000001", 1200.5, "6200000000000000001", company.colleague.name,
    ]  # fmt: skip
    assert run(workbook(tmp_path, headers, [row]))[1] == []
    customer = Customer.objects.get()
    assert (customer.external_number, customer.satisfaction, customer.credit) == ("00123", 4, 5)
    assert (customer.cooperation_since, customer.postcode) == (date(2019, 3, 31), "300000")
    assert (customer.registered_capital, customer.bank_account) == (Decimal("1200.50"), "6200000000000000001")
    assert (customer.manager, str(customer.level), str(customer.industry)) == (company.colleague, "大客户", "化工")


def test_columns_are_those_of_the_screen():
    form = CustomerImportForm()
    assert set(form.labels) == {*CustomerForm.Meta.fields, "manager"}
    assert {name for name, field in form.fields.items() if field.required} == {"name", "manager"}
    shown = CustomerForm(user=None)
    assert all(form.labels[name] == str(shown.fields[name].label) for name in CustomerForm.Meta.fields)


def test_all_or_none_with_every_reason(tmp_path, owner):
    rows = [
        ["好客户", "华北", "1", "owner", "2025-01-31"],
        ["", "华北", "1", "owner", ""],
        ["坏客户", "月球", "9", "没有此人", "2025-02-30"],
    ]
    headers = ["名称", "地区", "客户满意度", "客户经理", "建立合作日期"]
    reasons = refused(tmp_path, rows, headers=headers)
    assert reasons[0] == "第 3 行「名称」：请填写。"
    assert {reason.split("：")[0] for reason in reasons[1:]} == {
        "第 4 行「地区」", "第 4 行「客户满意度」", "第 4 行「客户经理」", "第 4 行「建立合作日期」",
    }  # fmt: skip
    assert not NumberSequence.objects.exists()


def test_invisible_characters_are_removed_before_rows_are_compared(tmp_path, owner):
    CustomerFactory(name="海河（集团）", external_number="C1", manager=owner)
    headers = ["名\u200b称", "销售系统客户编号", "统一社会信用代码", "电话"]
    rows = [
        ["海\u200b河(集团)", "", "", ""],
        ["别的", "\u202dＣ１", "", ""],
        ["新\xa0客户\ufeff", "Ｃ ２", "91350100m000 100y43", "\u202d0532-1234"],
    ]
    assert run(table(tmp_path, rows, headers=headers))[1] == []
    made = Customer.objects.get(name="新 客户")
    assert (made.external_number, made.license_number, made.phone) == ("C 2", "91350100M000100Y43", "0532-1234")
    assert Customer.objects.count() == 2


def test_a_name_of_invisible_characters_is_refused(tmp_path, owner):
    assert refused(tmp_path, [["\u200b\u3164", "华北"]]) == ["第 2 行「名称」：请填写。"]


def test_a_parent_is_found_however_its_name_and_number_are_typed(tmp_path, owner):
    parent = CustomerFactory(name="海河（集团）", manager=owner)
    rows = [["甲", "海河(集团)"], ["乙", parent.number.lower()]]
    assert run(table(tmp_path, rows, headers=["名称", "上级单位"]))[1] == []
    assert set(Customer.objects.filter(parent=parent).values_list("name", flat=True)) == {"甲", "乙"}


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("a\x00b", "控制字符"),
        ("a\x1bb", "控制字符"),
        ("长" * 34_000, "100"),
    ],
)
def test_texts_the_form_refuses(tmp_path, owner, text, reason):
    for column, row in (("名称", [text, "华北"]), ("地区", ["甲", text])):
        reasons = refused(tmp_path, [row])
        assert len(reasons) == 1
        assert reasons[0].startswith(f"第 2 行「{column}」")
        assert reason in reasons[0] or column == "地区"
        assert len(reasons[0]) < 200


@pytest.mark.parametrize(
    ("column", "text"),
    [
        ("邮政编码", "12345"),
        ("网址", "javascript:alert(1)"),
        ("注册资本", "NaN"),
        ("注册资本", "1e400"),
        ("注册资本", "一百"),
        ("统一社会信用代码", "911100000000000001"),
        ("客户信用度", "0"),
        ("客户信用度", "4.5"),
        ("客户等级", "4"),
        ("上级单位", "从未听说的单位"),
        ("建立合作日期", "1899-12-31"),
        ("建立合作日期", "2025"),
        ("建立合作日期", "31/12/2025"),
        ("建立合作日期", "9999999"),
    ],
)
def test_values_the_form_refuses(tmp_path, owner, column, text):
    reasons = refused(tmp_path, [["甲", text]], headers=["名称", column])
    assert len(reasons) == 1
    assert reasons[0].startswith(f"第 2 行「{column}")


@pytest.mark.parametrize(
    "text",
    [
        "2025-11-24", "2025/11/24", "2025.11.24", "2025年11月24日", "20251124", "45985", "2025-11-24 00:00:00",
        "２０２５－１１－２４",
    ],
)  # fmt: skip
def test_dates_as_text_or_number(text):
    assert TableDateField().clean(text) == date(2025, 11, 24)


def test_full_width_digits_in_numbers(tmp_path, owner):
    run(table(tmp_path, [["甲", "１２", "３"]], headers=["名称", "注册资本", "客户满意度"]))
    assert (Customer.objects.get().registered_capital, Customer.objects.get().satisfaction) == (12, 3)


def test_formulas_are_plain_text_and_come_back_from_an_export(tmp_path, owner):
    run(table(tmp_path, [['=HYPERLINK("x")', "'+86 10 5555 0000"]], headers=["名称", "电话"]))
    assert (Customer.objects.get().name, Customer.objects.get().phone) == ('=HYPERLINK("x")', "+86 10 5555 0000")
    run(table(tmp_path, [["'＠甲公司", "'＋86 10 5555 0001"]], headers=["名称", "电话"]))
    assert Customer.objects.filter(name="＠甲公司").exists()


def test_tables_that_cannot_be_read(tmp_path, owner):
    assert "不认识的列「颜色」" in run(table(tmp_path, [["甲", "红"]], headers=["名称", "颜色"]))[0]
    assert "名称、客户经理、销售系统客户编号" in run(table(tmp_path, [["甲", "红"]], headers=["名称", "颜色"]))[0]
    assert "出现了两次" in run(table(tmp_path, [["甲", "乙"]], headers=["名称", "名 称"]))[0]
    assert "缺少「名称」列" in run(table(tmp_path, [["华北"]], headers=["地区"]))[0]
    assert "没有数据行" in run(table(tmp_path, []))[0]
    assert run(tmp_path / "missing.csv")[0].endswith("missing.csv：没有这个文件，请检查路径。")
    assert "没有用户名为「nobody」" in run(table(tmp_path, [["甲", ""]]), manager="nobody")[0]
    assert Customer.objects.count() == 0


# The list's own export


@pytest.fixture
def exported(company, owner, sign_in, tmp_path):
    """export(format): the supervisor's file of two customers that fill every field of the form."""
    values = {
        "industry": entry("行业", "化工"), "postcode": "300000", "fax": "022-1", "website": "https://example.com",
        "legal_representative": "高峰", "bank": "某银行", "bank_account": "006222021234567890",
        "license_number": "91110000600037341L", "registered_capital": Decimal("1200.50"),
        "annual_turnover": Decimal("3.00"), "local_tax_number": "00123", "national_tax_number": "00456",
        "cooperation_since": date(2019, 3, 4), "external_number": "X-007", "credit": 5,
    }  # fmt: skip
    head = CustomerFactory(name="海河集团", manager=owner, phone="+86 22 5555 0000")
    CustomerFactory(name="=海河水务", manager=owner, parent=head, **values)

    def taken(file_format):
        client = sign_in(company.supervisor)
        answer = export(client, "/customers/", file_format)
        path = tmp_path / f"customers.{file_format}"
        path.write_bytes(answer.content)
        return path

    return taken


def stored():
    """Every importable field of every customer."""
    found = ("manager", "region", "industry", "level", "satisfaction", "credit", "parent__name")
    return list(Customer.objects.order_by("name").values(*CustomerImportForm.Meta.fields, *found))


@pytest.mark.parametrize("file_format", ["csv", "xlsx"])
def test_an_export_imported_again_adds_nothing(exported, file_format):
    path, before = exported(file_format), stored()
    Customer.objects.filter(name="海河集团").update(name="改名集团", name_normalized="改名集团")  # known by its number
    message, _ = run(path)
    assert "已新增客户 0 个，已存在 2 行" in message
    assert (
        "没有导入系统自己填写的列：客户编号、状态、上次下单、创建时间、近 12 个月（元）、最近交往、节奏、未回款（元）。"
        in message
    )
    assert len(stored()) == len(before)


@pytest.mark.parametrize("file_format", ["csv", "xlsx"])
def test_an_export_imported_into_an_empty_database_gives_the_same_customers(exported, file_format):
    path, before = exported(file_format), stored()
    Ownership.objects.all().delete()
    TimelineEntry.objects.all().delete()
    Customer.objects.update(parent=None)
    Customer.objects.all().delete()
    message, reasons = run(path, manager="")
    assert ("已新增客户 2 个" in message, reasons) == (True, [])
    assert stored() == before


def test_an_export_names_no_parent_that_its_reader_does_not_see(company, sign_in):
    hidden = CustomerFactory(name="别人的集团", manager=company.stranger)
    CustomerFactory(name="自己的客户", manager=company.manager, parent=hidden)
    file = export(sign_in(company.manager), "/customers/").content.decode("utf-8-sig")
    assert "自己的客户" in file
    assert "别人的集团" not in file


def test_unknown_regions_are_added_only_when_asked(tmp_path, owner):
    rows = [["甲", "华南"], ["乙", " 华南 "], ["丙", "华北"]]
    assert len(refused(tmp_path, rows)) == 2
    message, _ = run(table(tmp_path, rows), create_regions=True)
    assert "新增地区 1 个" in message
    entry = DictionaryEntry.objects.get(category="地区", item="华南")
    assert (entry.is_editable, Customer.objects.filter(region=entry).count()) == (True, 2)
    assert AuditEntry.objects.about(entry).get().verb == "新建"


def test_the_same_file_twice_adds_nothing(tmp_path, owner):
    headers = ["销售系统客户编号", "名称", "地区"]
    path = table(tmp_path, [["C1", "甲", "华南"], ["", "乙（大连）有限公司", "华北"]], headers=headers)
    run(path, create_regions=True)
    trail = AuditEntry.objects.count()
    message, _ = run(path)
    assert "已新增客户 0 个，已存在 2 行" in message
    assert (Customer.objects.count(), AuditEntry.objects.count()) == (2, trail)


def test_known_customers_are_left_alone(tmp_path, owner, company):
    CustomerFactory(name="甲方有限公司", manager=company.eastern, external_number="C1")
    CustomerFactory(name="乙方有限公司", manager=company.eastern, external_number="C3")
    rows = [["C1", "改了名的甲方"], ["", "乙方"], ["C2", "乙方有限公司"]]
    message, _ = run(table(tmp_path, rows, headers=["销售系统客户编号", "名称"]))
    assert "已新增客户 1 个，已存在 2 行" in message
    assert "其中 1 个与已有客户同名" in message
    assert Customer.objects.get(external_number="C1").name == "甲方有限公司"


def test_doubles_inside_the_file_name_both_lines(tmp_path, owner):
    headers = ["销售系统客户编号", "名称"]
    rows = [["C1", "甲"], ["C2", "甲"], ["C1", "乙"], ["", "甲有限公司"], ["", "丙"], ["", "丙"]]
    reasons = refused(tmp_path, rows, headers=headers)
    assert [reason.split("，")[0] for reason in reasons] == [
        "第 4 行「销售系统客户编号」：与第 2 行重复",
        "第 5 行「名称」：与第 2 行同名",
        "第 7 行「名称」：与第 6 行同名",
    ]


def test_parents_from_the_database_and_from_the_same_file(tmp_path, owner):
    group = CustomerFactory(name="集团有限公司", manager=owner)
    rows = [["孙", "子公司"], ["子公司", "集团"], ["另一家", group.number]]
    assert run(table(tmp_path, rows, headers=["名称", "上级单位"]))[1] == []
    names = {one.name: one.parent and one.parent.name for one in Customer.objects.select_related("parent")}
    assert names == {"集团有限公司": None, "子公司": "集团有限公司", "孙": "子公司", "另一家": "集团有限公司"}


def test_parents_in_a_circle(tmp_path, owner):
    rows = [["甲", "乙"], ["乙", "甲"], ["丙", "丙"]]
    assert len(refused(tmp_path, rows, headers=["名称", "上级单位"])) == 3


def test_people_of_the_same_name_need_a_username(tmp_path, owner, company):
    double = person("account_manager", name=owner.name, username="double", department=company.east)
    assert len(refused(tmp_path, [["甲", owner.name]], headers=["名称", "客户经理"])) == 1
    run(table(tmp_path, [["甲", "double"]], headers=["名称", "客户经理"]))
    assert Customer.objects.get().manager == double


def test_without_any_manager_every_row_says_so(tmp_path, owner):
    _, reasons = run(table(tmp_path, [["甲", "华北"], ["乙", "华北"]]), manager="")
    assert reasons == ["第 2 行「客户经理」：请填写。", "第 3 行「客户经理」：请填写。"]


def test_a_disabled_user_gets_no_new_customers(tmp_path, owner):
    owner.is_active = False
    owner.save()
    assert "没有用户名为" in run(table(tmp_path, [["甲", "华北"]]))[0]


def test_dry_run_writes_nothing(tmp_path, owner):
    message, _ = run(table(tmp_path, [["甲", "华南"]]), dry_run=True, create_regions=True)
    assert "检查通过，可新增客户 1 个" in message
    assert not Customer.objects.exists()
    assert not DictionaryEntry.objects.filter(item="华南").exists()
    assert not NumberSequence.objects.exists()


def test_customers_created_meanwhile_by_others(tmp_path, owner):
    task = CustomerImport(manager=owner)
    task.read(table(tmp_path, [["甲", "华北"], ["乙", "华北"]]))
    CustomerFactory(name="乙", manager=owner)
    with pytest.raises(ImportRefused, match="再运行一次"):
        task.write()
    assert Customer.objects.count() == 1


def statements(path, owner) -> tuple[int, int]:
    """(reads, inserts) of one import."""
    with CaptureQueriesContext(
        connection,
    ) as queries:
        task = CustomerImport(manager=owner)
        task.read(path)
        task.write()
    inserts = sum(query["sql"].startswith("INSERT") for query in queries)
    return len(queries) - inserts, inserts


def test_queries_do_not_grow_with_rows(tmp_path, owner):
    headers = ["名称", "地区", "客户等级", "客户满意度", "客户经理", "销售系统客户编号", "上级单位"]

    def rows(prefix, count):
        return [[f"{prefix}{n}", "华北", "大客户", "4", "owner", f"{prefix}{n}", ""] for n in range(count)]

    statements(table(tmp_path, rows("a", 3), headers=headers), owner)
    few = statements(table(tmp_path, rows("b", 5), headers=headers), owner)
    many = statements(table(tmp_path, rows("c", 400), headers=headers), owner)
    assert many[0] <= few[0] + 4  # savepoints around batches on SQLite are no work
    if connection.vendor == "postgresql":
        assert many == few


# A key that is missing is not one that differs

BOTH = ["销售系统客户编号", "名称"]


def test_a_customer_without_a_number_takes_over_the_one_that_comes_later(tmp_path, owner):
    run(table(tmp_path, [["甲方有限公司"], ["乙方"]], headers=["名称"]))
    message, _ = run(table(tmp_path, [["C1", "甲方"], ["C2", "乙方"], ["C3", "丙方"]], headers=BOTH))
    assert message == "已新增客户 1 个，已存在 2 行，2 个已有客户补上了销售系统客户编号。\n"
    numbers = dict(Customer.objects.values_list("name", "external_number"))
    assert numbers == {"甲方有限公司": "C1", "乙方": "C2", "丙方": "C3"}
    entry = AuditEntry.objects.about(Customer.objects.get(external_number="C1"))[0]
    assert (entry.verb, entry.changes["销售系统客户编号"]) == ("编辑", ["", "C1"])
    assert Customer.objects.get(external_number="C1").version == 1


def test_an_existing_number_is_never_overwritten_and_the_result_says_so(tmp_path, owner):
    CustomerFactory(name="甲方", manager=owner, external_number="C1", license_number="91110000600037341L")
    headers = ["销售系统客户编号", "名称", "统一社会信用代码"]
    message, _ = run(table(tmp_path, [["C9", "甲方集团", "9111 0000-6000 3734 1l"]], headers=headers))
    assert "它的销售系统客户编号是 C1，表中的 C9 没有写入" in message
    assert Customer.objects.get().external_number == "C1"


def test_two_customers_of_one_name_are_two_when_their_license_numbers_differ(tmp_path, owner):
    CustomerFactory(name="甲方", manager=owner, license_number="91110000600037341L")
    run(table(tmp_path, [["甲方", "110000000000001"]], headers=["名称", "统一社会信用代码"]))
    assert Customer.objects.count() == 2


def test_which_of_several_customers_of_one_name_takes_the_number_is_not_guessed(tmp_path, owner):
    for _ in range(2):
        CustomerFactory(name="甲方", manager=owner)
    message, _ = run(table(tmp_path, [["C1", "甲方"]], headers=BOTH))
    assert "有多个同名客户，销售系统客户编号 C1 没有写入" in message
    assert not Customer.objects.exclude(external_number="").exists()


@pytest.mark.parametrize("row", [["C1", "别名"], ["", "被并入的甲方"], ["C2", "被并入的甲方"]])
def test_a_row_of_a_customer_merged_away_belongs_to_its_survivor(tmp_path, owner, company, row):
    survivor = CustomerFactory(name="幸存的乙方", manager=owner)
    other = CustomerFactory(name="被并入的甲方", manager=owner, external_number=row[0] if row[0] == "C1" else "")
    survivor.merge(other, by=company.supervisor, reason="重复")
    message, _ = run(table(tmp_path, [row], headers=BOTH))
    assert "已新增客户 0 个，已存在 1 行" in message
    assert ("「幸存的乙方」" in message) == (row[0] != "C1")  # the number went with the merge: nothing to say
    assert Customer.objects.current().get().external_number == row[0]


@pytest.mark.parametrize("row", [["C1", "别名"], ["", "甲方有限公司"], ["C2", "甲方"]])
def test_a_deleted_customer_is_named_and_not_made_again(tmp_path, owner, company, row):
    gone = CustomerFactory(name="甲方", manager=owner, external_number="" if row[0] == "C2" else "C1")
    gone.remove(by=company.supervisor)
    message, _ = run(table(tmp_path, [row], headers=BOTH))
    assert f"是已删除的客户「甲方」（{gone.number}），没有导入；需要时请系统管理员恢复它。" in message
    assert Customer.objects.count() == 1


def test_the_same_customer_twice_in_a_file_is_seen_by_its_license_number(tmp_path, owner):
    headers = ["名称", "统一社会信用代码"]
    rows = [["甲", "91110000600037341L"], ["乙", "91110000600037341l"], ["甲", "110000000000001"]]
    reasons = refused(tmp_path, rows, headers=headers)
    assert [reason.split("，")[0] for reason in reasons] == [
        "第 3 行「统一社会信用代码（营业执照注册号）」：与第 2 行重复"
    ]


def test_of_two_rows_with_numbers_the_first_is_the_customer_without_one(tmp_path, owner):
    CustomerFactory(name="甲方", manager=owner)
    message, _ = run(table(tmp_path, [["C1", "甲方"], ["C2", "甲方"]], headers=BOTH))
    assert "已新增客户 1 个，已存在 1 行，1 个已有客户补上了销售系统客户编号" in message
    assert set(Customer.objects.values_list("external_number", flat=True)) == {"C1", "C2"}


def test_a_number_taken_meanwhile_is_not_taken_over(tmp_path, owner):
    known = CustomerFactory(name="甲方", manager=owner)
    task = CustomerImport()
    task.read(table(tmp_path, [["C1", "甲方"]], headers=BOTH))
    Customer.objects.filter(pk=known.pk).update(external_number="C2")
    with pytest.raises(ImportRefused, match="再运行一次"):
        task.write()
