"""Inside WeChat we learn who is there, once, and only from WeChat."""

from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from littleshop.config import Misconfigured
from littleshop.errors import GatewayError
from littleshop.pay.gateways import wechat_openid
from littleshop.pay.gateways.contract import Declined, Reason
from tests.pay.gateways.small_wechat_pay import APPID, SmallWechatPay


def login(
    answer: Callable[[httpx.Request], httpx.Response] | None = None,
) -> wechat_openid.WechatOpenid:
    """The login, wired to an answer."""
    transport = httpx.MockTransport(answer) if answer else None
    return wechat_openid.open_login(SmallWechatPay().rail, transport)


def test_a_person_is_sent_to_wechat_with_a_state_nobody_guesses() -> None:
    begun, again = (login().begin("https://shop.test/o/1?x=茶") for _ in range(2))
    address = urlsplit(begun.url)
    query = parse_qs(address.query)
    assert (address.netloc, address.fragment) == ("open.weixin.qq.com", "wechat_redirect")
    assert query["redirect_uri"] == ["https://shop.test/o/1?x=茶"]
    assert (query["appid"], query["scope"]) == ([APPID], ["snsapi_base"])
    assert query["state"] == [begun.state] and len(begun.state) >= 32
    assert begun.state != again.state
    assert wechat_openid.is_same(begun.state, query["state"][0])
    for other in (again.state, "", None):
        assert not wechat_openid.is_same(begun.state, other)
    assert not wechat_openid.is_same(None, None) and not wechat_openid.is_same("", "")


async def test_a_code_becomes_an_openid() -> None:
    heard: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        heard.append(request)
        return httpx.Response(200, json={"openid": "oUpF8uMuAJO_M2pxb1Q9zNjWeS6o"})

    here = login(answer)
    assert await here.openid("001abc") == "oUpF8uMuAJO_M2pxb1Q9zNjWeS6o"
    assert heard[0].url.host == "api.weixin.qq.com"
    assert heard[0].url.params["grant_type"] == "authorization_code"
    await here.disconnect()


@pytest.mark.parametrize(
    ("errcode", "reason", "again"),
    [
        (40029, Reason.BAD_REQUEST, False),
        (40163, Reason.BAD_REQUEST, False),
        (40125, Reason.NOT_ALLOWED, False),
        (-1, Reason.UNKNOWN, True),
        (45011, Reason.UNKNOWN, True),
        (99999, Reason.OTHER, False),
    ],
)
async def test_a_no_is_told_by_its_number(errcode: int, reason: Reason, again: bool) -> None:
    secret = SmallWechatPay().rail["app_secret"]
    told = {"errcode": errcode, "errmsg": f"invalid code {secret}"}
    here = login(lambda _: httpx.Response(200, json=told))
    with pytest.raises(Declined) as no:
        await here.openid("001abc")
    assert (no.value.reason, no.value.retryable) == (reason, again)
    assert secret not in f"{no.value!r} {here!r}"
    await here.disconnect()


@pytest.mark.parametrize("body", [b"", b"[]", b'{"openid":7}', b'{"openid":"a b"}', b"{}"])
async def test_an_answer_that_names_nobody_is_asked_for_again(body: bytes) -> None:
    here = login(lambda _: httpx.Response(200, content=body))
    with pytest.raises(GatewayError) as told:
        await here.openid("001abc")
    assert told.value.retryable
    await here.disconnect()


@pytest.mark.parametrize("code", ["", "a b", "../x", "a" * 600])
async def test_what_is_no_code_is_not_asked_about(code: str) -> None:
    with pytest.raises(Declined) as told:
        await login().openid(code)
    assert told.value.reason is Reason.BAD_REQUEST


def test_without_a_secret_nobody_can_be_known() -> None:
    rail: dict[str, Any] = {**SmallWechatPay().rail, "app_secret": None}
    with pytest.raises(Misconfigured, match="app_secret"):
        wechat_openid.open_login(rail)
