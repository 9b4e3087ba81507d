"""The picker's table, and reading an address that somebody pasted from a chat."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from littleshop.trade import regions

_HAN = re.compile("[\u4e00-\u9fff]")


def test_the_table_is_whole() -> None:
    assert len(regions.provinces()) == 34
    assert len(regions.every()) == 3479
    assert regions.cities("江西省")[1] == "景德镇市"
    assert regions.districts("江西省", "景德镇市") == ("昌江区", "珠山区", "浮梁县", "乐平市")
    assert regions.cities("Atlantis") == ()


def test_a_choice_of_the_picker_is_checked() -> None:
    chosen = regions.match("浙江省", "杭州市", "西湖区")
    assert chosen is not None and regions.find(chosen.code) == chosen
    assert regions.match("浙江省", "南昌市", "西湖区") is None


@pytest.mark.parametrize(
    ("pasted", "name", "phone", "place", "detail"),
    [
        (
            "陈婉婷，13912345678，广东深圳南山区科技园南路88号",
            "陈婉婷", "13912345678", "广东省 深圳市 南山区", "科技园南路88号",
        ),
        (
            "收货人：王大力\n手机号码：138-1234-5678\n所在地区：浙江省 杭州市 西湖区\n"
            "详细地址：文三路 100 号",
            "王大力", "13812345678", "浙江省 杭州市 西湖区", "文三路 100 号",
        ),
        (
            "北京市朝阳区建国路93号院 李雷 +86 138 1234 5678",
            "李雷", "13812345678", "北京市 北京市 朝阳区", "建国路93号院",
        ),
        (
            "上海浦东新区张江路1号 13800001111 韩梅梅",
            "韩梅梅", "13800001111", "上海市 上海市 浦东新区", "张江路1号",
        ),
        (
            "内蒙古呼和浩特市新城区海拉尔大街 5 号, 乌云其其格 15012345678",
            "乌云其其格", "15012345678", "内蒙古自治区 呼和浩特市 新城区", "海拉尔大街 5 号",
        ),
        (
            "广东省东莞市长安镇振安路 9 号 刘洋 13500001111 523850",
            "刘洋", "13500001111", "广东省 东莞市 长安镇", "振安路 9 号",
        ),
        (
            "浙江省 杭州市 余杭区 五常街道 文一西路969号 陈婉婷(收) 13912345678",
            "陈婉婷", "13912345678", "浙江省 杭州市 余杭区", "五常街道 文一西路969号",
        ),
        (
            "香港特别行政区湾仔区轩尼诗道1号 陳大文 +852 9123 4567",
            "陳大文", "+85291234567", "香港特别行政区 香港岛 湾仔区", "轩尼诗道1号",
        ),
        ("杭州市西湖区龙井路1号", "", "", "浙江省 杭州市 西湖区", "龙井路1号"),
        ("吉林省吉林市船营区松江路1号", "", "", "吉林省 吉林市 船营区", "松江路1号"),
        (
            "Emily Carter, 138 0000 2046, Room 301, 478 Wensan Road, Xihu, Hangzhou, Zhejiang",
            "Emily Carter", "13800002046", "浙江省 杭州市 西湖区", "Room 301, 478 Wensan Road",
        ),
        (
            "Name: Ben Osei\nFlat 3, 12 Xikang Road, Jing'an, Shanghai 200040, China\n13800002046",
            "Ben Osei", "13800002046", "上海市 上海市 静安区", "Flat 3, 12 Xikang Road",
        ),
        (
            "Deliver to: Ann Lee, 13800002046, 5 Century Avenue, Pudong, Shanghai City 200120",
            "Ann Lee", "13800002046", "上海市 上海市 浦东新区", "5 Century Avenue",
        ),
        ("Ann Lee, +44 7700 900123, 12 Rose Lane, London", "Ann Lee", "+447700900123", "",
         "12 Rose Lane, London"),
        ("Ann Lee 138 0000 2046", "Ann Lee", "13800002046", "", ""),
        ("12 Rose Lane 13800002046", "", "13800002046", "", "12 Rose Lane"),
        ("西湖区龙井路1号", "", "", "", "西湖区龙井路1号"),  # there are two; a person must say
        ("", "", "", "", ""),
        ("🎁", "", "", "", "🎁"),
    ],
)  # fmt: skip
def test_a_pasted_address_is_split(
    pasted: str, name: str, phone: str, place: str, detail: str
) -> None:
    read = regions.parse_address(pasted)
    assert (read.name, read.phone) == (name, phone)
    assert " ".join(filter(None, (read.province, read.city, read.district))) == place
    assert read.detail == detail
    assert bool(read.code) == bool(place)


@given(st.text(max_size=300))
def test_whatever_is_pasted_is_read_without_a_crash(pasted: str) -> None:
    regions.parse_address(pasted)


def test_readers_of_english_find_a_province_and_the_value_stays_chinese() -> None:
    assert regions.written("zh-CN", "浙江省") == "浙江省"
    assert regions.written("en", "浙江省") == "Zhejiang 浙江省"
    assert regions.written("en", "陕西省") == "Shaanxi 陕西省"
    assert regions.written("en", "山西省") == "Shanxi 山西省"
    for province in regions.provinces():
        assert regions.written("en", province).endswith(f" {province}")


def test_every_city_and_district_has_a_name_for_readers_of_english() -> None:
    static = Path(regions.__file__).parent.parent / "static"
    table = json.loads((static / "regions.json").read_text(encoding="utf-8"))
    english = json.loads((static / "regions_en.json").read_text(encoding="utf-8"))
    named: dict[tuple[str, ...], str] = {}
    for (_, province, cities), (_, names) in zip(table, english, strict=True):
        for (_, city, districts), (name, below) in zip(cities, names, strict=True):
            named[province, city] = name
            entries = [entry[2:] for entry in districts.split()]
            pairs = zip(entries, below.split(",") if below else [], strict=True)
            named |= {(province, city, entry): read for entry, read in pairs}
    assert all(name and name.isprintable() and not _HAN.search(name) for name in named.values())
    assert named["安徽省", "六安市"] == "Lu’an"
    assert (
        named["四川省", "乐山市"] == "Leshan" and named["浙江省", "温州市", "乐清市"] == "Yueqing"
    )
    assert named["山西省", "长治市", "长子县"] == "Zhangzi"
    assert named["上海市", "上海市", "浦东新区"] == "Pudong New Area"
    assert named["内蒙古自治区", "呼和浩特市"] == "Hohhot"
    assert named["吉林省", "延边朝鲜族自治州"] == "Yanbian"
    assert named["广东省", "梅州市", "大埔县"] == "Dabu"
    assert named["香港特别行政区", "新界", "大埔区"] == "Tai Po"


def test_a_municipality_which_is_its_own_city_is_said_once() -> None:
    assert (
        regions.line("上海市", "上海市", "浦东新区", "世纪大道 8 号")
        == "上海市 浦东新区 世纪大道 8 号"
    )
    assert regions.line("浙江省", "杭州市", "", "文三路 478 号") == "浙江省 杭州市 文三路 478 号"
    assert regions.line("海南省", "省直辖县", "五指山市") == "海南省 五指山市"
