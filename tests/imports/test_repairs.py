"""Wrong values find what was meant, once for all their rows; where two fit, nobody guesses."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kit.imports.places import AREAS, PROVINCES, is_place, locate
from kit.imports.repairs import Candidate, Known, propose
from kit.imports.targets import Kind

from .office import INDUSTRIES, LEVELS, REGIONS, STAFF, candidates, staff


def answer(value: str, known: list[Candidate], kind: Kind = Kind.CHOICE) -> tuple[str, str, bool]:
    (proposal,) = propose({value: 3}, known, kind)
    assert (proposal.value, proposal.rows) == (value, 3)
    return proposal.candidate.label if proposal.candidate else "", proposal.why, proposal.sure


@pytest.mark.parametrize(
    ("value", "region", "why"),
    [
        ("江苏", "华东", "江苏属于华东"),
        ("江苏省", "华东", "江苏属于华东"),
        ("河北省唐山市", "华北", "唐山属于华北"),
        ("唐山", "华北", "唐山属于华北"),
        ("河北唐山", "华北", "唐山属于华北"),
        ("河北-唐山", "华北", "唐山属于华北"),
        ("河北/石家庄", "华北", "石家庄属于华北"),
        ("中国山东", "华东", "山东属于华东"),
        ("华中", "中南", "华中属于中南"),
        ("华北大区", "华北", "就是「华北」"),
        ("北京市", "北京", "就是「北京」"),
        ("北京市朝阳区", "北京", "就是「北京」"),
        ("内蒙", "华北", "内蒙古属于华北"),
        ("内蒙古自治区包头市", "华北", "包头属于华北"),
        ("广西壮族自治区", "中南", "广西属于中南"),
        ("台湾", "", "字典里没有台湾"),
        ("新疆", "西部", "新疆属于西部"),
        ("凉山彝族自治州", "西部", "凉山属于西部"),
        ("鲁", "华东", "山东属于华东"),
        ("吉林市", "东北", "吉林属于东北"),
        ("海南", "中南", "海南属于中南"),
        ("河北青岛", "", "青岛属于山东，不属于河北"),
        ("朝阳区", "", "没有认出"),
        ("火星", "", "没有认出"),
        ("长三角", "华东", "长三角属于华东"),
        ("花北", "华北", "读音相同"),
        ("大连 ", "东北", "大连属于东北"),
        ("全国", "", "没有认出"),
    ],
)
def test_a_place_stands_for_the_region_that_holds_it(value, region, why):
    found, reason, _ = answer(value, candidates(*REGIONS), Kind.REGION)
    assert found == region
    assert why in reason


def test_the_narrowest_region_of_the_dictionary_is_meant():
    known = candidates("华东", "山东", "青岛市", "江苏省", "西部", "西北")
    assert answer("山东省青岛市", known, Kind.REGION)[0] == "青岛市"
    assert answer("烟台", known, Kind.REGION)[0] == "山东"
    assert answer("苏州", known, Kind.REGION)[0] == "江苏省"
    assert answer("宁波", known, Kind.REGION)[0] == "华东"
    assert answer("兰州", known, Kind.REGION)[0] == "西北"
    assert answer("成都", known, Kind.REGION)[0] == "西部"


def test_an_area_with_several_provinces_in_the_dictionary_is_asked():
    (proposal,) = propose({"华东": 2}, candidates("山东", "江苏", "河北"), Kind.REGION)
    assert proposal.candidate is None
    assert [option.label for option in proposal.options] == ["山东", "江苏"]
    assert "华东里有「山东」、「江苏」" in proposal.why


def test_a_place_with_more_behind_it_is_proposed_but_not_sure():
    assert answer("青岛办事处", candidates(*REGIONS), Kind.REGION) == ("华东", "青岛属于华东", False)
    assert is_place("青岛市市南区")
    assert not is_place("青岛海天机械有限公司")


@pytest.mark.parametrize("province", PROVINCES)
def test_every_province_and_city_is_found(province):
    for word in PROVINCES[province].split():
        place = locate(word)
        assert place.province == province, word
        assert not place.clash
        if len(word) > 1 and word not in (province, "内蒙", f"{province}市", "首都"):
            assert locate(f"{province}{word}").province == province


def test_every_area_consists_of_provinces():
    assert {name for names in AREAS.values() for name in names.split()} <= set(PROVINCES)


@pytest.mark.parametrize(
    ("value", "level"),
    [
        ("重点客户", "重点开发客户"),
        ("重点", "重点开发客户"),
        ("一般客户", "普通客户"),
        ("普通", "普通客户"),
        ("战略客户", "战略合作伙伴"),
        ("大客戶", "大客户"),
        ("KA", "大客户"),
        ("重点开发客护", "重点开发客户"),
        ("VIP", ""),
        ("A", ""),
        ("三星", ""),
        ("合作客户", ""),
    ],
)
def test_levels_are_understood(value, level):
    assert answer(value, candidates(*LEVELS))[0] == level


@pytest.mark.parametrize(
    ("value", "industry"),
    [
        ("电厂", "电力能源"),
        ("化公", "化工"),
        ("化学", "化工"),
        ("食品行业", "食品饮料"),
        ("制药", "医药"),
        ("污水处理", "水务环保"),
        ("地铁", "轨道交通"),
        ("机械", "机械制造"),
        ("机械制造业", "机械制造"),
        ("其它", "其他"),
        ("半导体", "电子"),
        ("玻璃制造", ""),
        ("电力能原", "电力能源"),
        ("殡葬", ""),
        ("电", ""),
    ],
)
def test_industries_are_understood(value, industry):
    assert answer(value, candidates(*INDUSTRIES))[0] == industry


@pytest.mark.parametrize(
    ("value", "person", "why"),
    [
        ("小周", "周晓明", "姓氏相同的只有一人"),
        ("老周", "周晓明", "姓氏相同的只有一人"),
        ("周经理", "周晓明", "姓氏相同的只有一人"),
        ("周总", "周晓明", "姓氏相同的只有一人"),
        ("周工", "周晓明", "姓氏"),
        ("欧阳经理", "欧阳锋", "姓氏"),
        ("小欧阳", "欧阳锋", "姓氏"),
        ("小红", "王小红", "名字相同的只有一人"),
        ("晓明", "周晓明", "名字相同的只有一人"),
        ("晓明经理", "周晓明", "姓名相同"),
        ("周晓明经理", "周晓明", "有姓名"),
        ("周 晓 明", None, ""),
        ("ZHOUXM", None, ""),
        ("zhou xiaoming", "周晓明", "拼音"),
        ("xiaoming zhou", "周晓明", "拼音"),
        ("ZXM", "周晓明", "首字母"),
        ("周小明", "周晓明", "读音相同"),
        ("周晓亮", "周晓明", "只差一个字"),
        ("销售部-周晓明", "周晓明", "有姓名"),
        ("周晓明 13800001234", "周晓明", "有姓名"),
        ("周晓明（已调岗）", "周晓明", "姓名相同"),
        ("zhouxm@corp.com", "周晓明", ""),
        ("小王", "", "「王小红」、「王伟」都像"),
        ("王经理", "", "都像"),
        ("张三", "", "没有这个人"),
        ("周晓明/陈志刚", "", "不止一个人"),
        ("周晓明、陈志刚", "", "不止一个人"),
        ("无", "", "没有写人"),
        ("公海", "", "没有写人"),
        ("周", "", "没有这个人"),
        ("经理", "", "没有这个人"),
    ],
)
def test_people_are_understood(value, person, why):
    if person is None:  # it is the name or the account itself
        assert propose({value: 1}, staff(), Kind.PERSON) == []
        return
    found, reason, _ = answer(value, staff(), Kind.PERSON)
    assert found == person
    assert why in reason


def test_two_people_of_one_name_are_asked():
    known = [
        Candidate("a", "王伟", account="wangwei"),
        Candidate("b", "王伟", account="wangwei2"),
        Candidate("c", "李明"),
    ]
    (proposal,) = propose({"王伟": 4, "wangwei": 1}, known, Kind.PERSON)
    assert proposal.candidate is None
    assert [option.key for option in proposal.options] == ["a", "b"]
    assert proposal.why == "有 2 个都叫「王伟」，请选一个"


def test_known_values_are_found_by_name_account_and_words_in_any_width_and_case():
    known = Known([Candidate("1", "ＡＢＣ类", ("甲类",)), Candidate("2", "周晓明", account="ZhouXM")])
    assert known.find("abc类").key == "1"
    assert known.find(" 甲 类").key == "1"
    assert known.find("zhouxm").key == "2"
    assert known.find("乙类") is None


def test_what_was_chosen_before_goes_first_unless_it_is_gone():
    known = candidates("甲类客户", "乙类客户")
    values = {"VIP": 5, "贵宾": 2}
    found = propose(values, known, remembered={"vip": "乙类客户", "贵宾": "没有了"})
    assert [(each.candidate and each.candidate.key, each.why) for each in found] == [
        ("乙类客户", "上次的选择"),
        (None, "没有相近的值，请选一个，或留空"),
    ]


def test_values_of_most_rows_come_first_and_known_or_empty_ones_not_at_all():
    found = propose({"电厂": 2, "化公": 9, "化工": 100, "  ": 7}, candidates(*INDUSTRIES))
    assert [each.value for each in found] == ["化公", "电厂"]


VALUES = st.one_of(st.text(max_size=10), st.sampled_from([*STAFF.values(), *INDUSTRIES, *REGIONS, "小王", "河北"]))


@settings(max_examples=150, deadline=None)
@given(st.dictionaries(VALUES, st.integers(1, 99), max_size=6), st.lists(VALUES, max_size=6), st.sampled_from(Kind))
def test_any_value_has_at_most_one_candidate_and_always_a_reason(values, labels, kind):
    known = [Candidate(str(place), label) for place, label in enumerate(labels)]
    for proposal in propose(values, known, kind):
        assert proposal.why
        assert proposal.candidate is None or proposal.candidate in known
        assert proposal.candidate is not None or not proposal.sure
        assert proposal.rows == values[proposal.value]
