"""What a shop's name may hold, for it goes by SMS to people who never heard of the shop."""

from __future__ import annotations

import pytest

from littleshop import linkless


@pytest.mark.parametrize(
    "name",
    [
        "小满·茶", "A&B", "No.1 Tea", "St.Mary's", "Mr. Coffee", "小满 No.1", "7-11", "S.H.E",
        "J.Crew", "Tea & Co., Ltd.", "青瓷。好茶", "1.5L 装", "v2.0", "a...b", "小满（北京）",
        "“茶”", "Ada's Knits 👩\u200d🌾", "茶.", "19:30 夜市", "1/2 Bakery", "ＡＢ小铺",
    ],
)  # fmt: skip
def test_a_shopkeepers_name_is_neither_a_sender_nor_a_link(name: str) -> None:
    assert not linkless.brackets(name) and not linkless.address(name)
    assert linkless.cut(name) == name


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("tea.com", "tea.com"), ("Tea.COM！", "Tea.COM"), ("http://evil.cn/a?b=1 茶", "http://evil.cn/a?b=1"),
        ("我的店a.cn是", "我的店a.cn"), ("小满.中国", "小满.中国"), ("www.小满", "www.小满"),
        ("ｅｖｉｌ．ｃｎ", "evil.cn"), ("evil\u200b.cn", "evil.cn"), ("evil。cn", "evil。cn"),
        ("pay.evil.shop/1", "pay.evil.shop/1"), ("1.2.3.4/x", "1.2.3.4/x"),
        ("a.xn--fiqs8s", "a.xn--fiqs8s"),
    ],
)  # fmt: skip
def test_what_a_phone_makes_a_link_of_is_an_address_however_it_is_dressed(
    text: str, address: str
) -> None:
    assert linkless.address(text) == address
    assert not linkless.address(linkless.cut(f"茶 {text} 茶"))


@pytest.mark.parametrize("name", ["【中国银行】", "[Bank]", "［中国银行］", "〖中国银行〗"])
def test_brackets_as_they_stand_around_a_sender_are_cut(name: str) -> None:
    assert linkless.brackets(name)
    assert linkless.cut(name) == name[1:-1]


def test_a_text_of_nothing_else_is_empty_and_a_long_one_takes_no_time() -> None:
    assert linkless.cut("【】 http://evil.cn") == ""
    assert (
        linkless.cut("【】 http://evil.cn", "（略）") == "（略）"
        and linkless.cut("", "（略）") == ""
    )
    assert linkless.address("a-" * 2000 + "1.2." * 1000 + "www" * 1000) == ""
