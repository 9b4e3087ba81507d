"""Inside WeChat: the login that tells who is there, the bridge, and paying as that person."""

from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from tests.sandbox.conftest import Program
from tests.sandbox.wechat_merchant import INSIDE, WechatMerchant

BACK = "http://127.0.0.1:9/back?order=7"


@pytest.fixture(scope="module")
def wechat(program: Program) -> WechatMerchant:
    """A merchant of his own."""
    return WechatMerchant(program, "He's stall")


@pytest.fixture
def browser(sandbox: Program) -> Iterator[httpx.Client]:
    """The browser inside WeChat of one person."""
    agent = {"User-Agent": INSIDE}
    with httpx.Client(base_url=sandbox.url, trust_env=False, headers=agent) as found:
        yield found


def openid_of(sandbox: Program, wechat: WechatMerchant, browser: httpx.Client) -> str:
    """The person's openid for this merchant."""
    asked = {
        "appid": wechat.appid,
        "redirect_uri": BACK,
        "response_type": "code",
        "scope": "snsapi_base",
        "state": "s1",
    }
    sent = browser.get("/wechat/connect/oauth2/authorize", params=asked)
    query = parse_qs(urlsplit(sent.headers["location"]).query)
    assert (query["order"], query["state"]) == (["7"], ["s1"])
    return str(exchanged(sandbox, wechat, query["code"][0])["openid"])


def exchanged(sandbox: Program, wechat: WechatMerchant, code: str, **more: str) -> dict[str, Any]:
    """What a code is exchanged for."""
    asked = {
        "appid": wechat.appid,
        "secret": wechat.told["app_secret"],
        "code": code,
        "grant_type": "authorization_code",
        **more,
    }
    answer = sandbox.client.get("/wechat/sns/oauth2/access_token", params=asked)
    found: dict[str, Any] = answer.json()
    return found


def invoked(wechat: WechatMerchant, prepay_id: str, **changes: str) -> dict[str, str]:
    """What a page hands to the bridge."""
    told = {
        "appId": wechat.appid,
        "timeStamp": str(int(wechat.now().timestamp())),
        "nonceStr": "abc",
        "package": f"prepay_id={prepay_id}",
        "signType": "RSA",
    }
    text = "".join(f"{told[name]}\n" for name in ("appId", "timeStamp", "nonceStr", "package"))
    return {**told, "paySign": wechat.sign(text), "back": BACK, **changes}


def test_inside_wechat_the_same_person_pays(
    sandbox: Program, wechat: WechatMerchant, browser: httpx.Client
) -> None:
    openid = openid_of(sandbox, wechat, browser)
    body = wechat.order(700, "http://127.0.0.1:9/x", payer={"openid": openid})
    prepay_id = wechat.ask("POST", "/v3/pay/transactions/jsapi", body)["prepay_id"]
    page = browser.get("/wechat/jsapi", params=invoked(wechat, prepay_id), follow_redirects=True)
    assert page.status_code == 200 and "7.00" in page.text
    left = browser.post(page.url.path + "/leave").headers["location"]
    paid = browser.post(page.url.path + "/pay").headers["location"]
    assert (left, paid) == (f"{BACK}#wechat=cancel", f"{BACK}#wechat=ok")  # bridge.js tells it
    number = body["out_trade_no"]
    found = wechat.ask("GET", f"/v3/pay/transactions/out-trade-no/{number}?mchid={wechat.mchid}")
    assert (found["trade_state"], found["payer"]) == ("SUCCESS", {"openid": openid})
    assert openid_of(sandbox, wechat, browser) == openid
    browser.cookies.clear()
    assert openid_of(sandbox, wechat, browser) != openid


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"paySign": "AAAA"}, "支付验证签名失败"),
        ({"nonceStr": "abd"}, "支付验证签名失败"),
        ({"signType": "MD5"}, "支付验证签名失败"),
        ({"package": "prepay_id=wx0"}, "订单不存在"),
    ],
)
def test_a_page_must_have_signed_what_it_hands_over(
    sandbox: Program,
    wechat: WechatMerchant,
    browser: httpx.Client,
    change: dict[str, str],
    words: str,
) -> None:
    openid = openid_of(sandbox, wechat, browser)
    body = wechat.order(700, "http://127.0.0.1:9/x", payer={"openid": openid})
    prepay_id = wechat.ask("POST", "/v3/pay/transactions/jsapi", body)["prepay_id"]
    page = browser.get("/wechat/jsapi", params=invoked(wechat, prepay_id, **change))
    assert words in page.text
    stranger = sandbox.client.get("/wechat/jsapi", params=invoked(wechat, prepay_id))
    assert "不一致" in stranger.text


def test_a_code_counts_once_and_only_for_its_account(
    sandbox: Program, wechat: WechatMerchant
) -> None:
    asked = {"appid": wechat.appid, "redirect_uri": BACK, "response_type": "code"}
    for wrong in ({"scope": "snsapi_login"}, {"scope": "snsapi_base", "redirect_uri": "x"}):
        page = sandbox.client.get("/wechat/connect/oauth2/authorize", params={**asked, **wrong})
        assert page.status_code == 400
    sent = sandbox.client.get(
        "/wechat/connect/oauth2/authorize", params={**asked, "scope": "snsapi_base"}
    )
    code = parse_qs(urlsplit(sent.headers["location"]).query)["code"][0]
    assert exchanged(sandbox, wechat, code, secret="x")["errcode"] == 40125
    assert exchanged(sandbox, wechat, "other")["errcode"] == 40029
    assert "openid" in exchanged(sandbox, wechat, code)
    assert exchanged(sandbox, wechat, code)["errcode"] == 40163


def test_the_bridge_is_a_script_any_page_may_load(sandbox: Program) -> None:
    answer = sandbox.client.get("/wechat/bridge.js")
    assert answer.headers["content-type"].startswith("text/javascript")
    assert answer.headers["cross-origin-resource-policy"] == "cross-origin"
    assert "getBrandWCPayRequest" in answer.text
