"""The picker's table, and reading an address that somebody pasted from a chat."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from littleshop.trade import regions


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
