"""WeChat's counterpart for platforms: whom it admits, and what it does with frozen money."""

import secrets
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.sandbox.conftest import Program
from tests.sandbox.wechat_merchant import WechatMerchant

SHARES = "/v3/ecommerce/profitsharing"
FUND = "/v3/ecommerce/fund"
TRANSFERS = "/v3/fund-app/mch-transfer/transfer-bills"
COMBINED = "/v3/combine-transactions/native"


@pytest.fixture(scope="module")
def platform(program: Program) -> WechatMerchant:
    """A merchant that may hold money."""
    return WechatMerchant(program, "Ivy's market", ecommerce=True)


@pytest.fixture(scope="module")
def seller(platform: WechatMerchant) -> str:
    """The number of a seller whom it has admitted."""
    return admitted(platform)


def application(platform: WechatMerchant, **changes: Any) -> dict[str, Any]:
    """What a platform says of a seller, sealed."""
    name, identity = platform.sealed("王小满"), platform.sealed("11010519491231002X")
    return {
        "out_request_no": f"A{secrets.token_hex(9)}",
        "organization_type": "2500",
        "id_card_info": {"id_card_name": name, "id_card_number": identity},
        "account_info": {
            "bank_account_type": "75",
            "account_bank": "工商银行",
            "account_name": platform.sealed("王小满"),
            "account_number": platform.sealed("6222020200112230099"),
        },
        "contact_info": {
            "contact_type": "65",
            "contact_name": name,
            "contact_id_card_number": identity,
            "mobile_phone": platform.sealed("13800138000"),
        },
        "sales_scene_info": {"store_name": "小满的茶"},
        "merchant_shortname": "小满的茶",
        **changes,
    }


def apply(platform: WechatMerchant, body: dict[str, Any]) -> dict[str, Any]:
    """Apply, naming the key that sealed."""
    serial = {"Wechatpay-Serial": platform.told["public_key_id"]}
    return platform.ask("POST", "/v3/ecommerce/applyments/", body, **serial)


def admitted(platform: WechatMerchant) -> str:
    """A seller who has signed."""
    body = application(platform)
    apply(platform, body)
    number = body["out_request_no"]
    path = f"/v3/ecommerce/applyments/out-request-no/{number}"
    assert platform.ask("GET", path)["applyment_state"] == "NEED_SIGN"
    platform.program.post(f"/control/wechat_pay/applyments/{number}/sign")
    return str(platform.ask("GET", path)["sub_mchid"])


def combined(platform: WechatMerchant, seller: str, total: int, **changes: Any) -> dict[str, Any]:
    """An order whose money is to be held."""
    number = secrets.token_hex(10).upper()
    order = {
        "mchid": platform.mchid,
        "sub_mchid": seller,
        "out_trade_no": number,
        "attach": number,
        "description": "cup",
        "amount": {"total_amount": total, "currency": "CNY"},
        "settle_info": {"profit_sharing": True},
        **changes,
    }
    return {
        "combine_appid": platform.appid,
        "combine_mchid": platform.mchid,
        "combine_out_trade_no": f"C{number}",
        "notify_url": "http://127.0.0.1:9/x",
        "sub_orders": [order],
    }


def held(platform: WechatMerchant, seller: str, total: int = 10_000) -> dict[str, str]:
    """What names a frozen payment that is old enough to be shared."""
    body = combined(platform, seller, total)
    platform.ask("POST", COMBINED, body)
    number = body["sub_orders"][0]["out_trade_no"]
    platform.program.post(f"/control/wechat_pay/trades/{number}/pay")
    path = f"/v3/combine-transactions/out-trade-no/C{number}"
    (order,) = platform.ask("GET", path)["sub_orders"]
    platform.program.jump(seconds=31)
    return {"sub_mchid": seller, "transaction_id": order["transaction_id"]}


def share(platform: WechatMerchant, minor: int, **changes: Any) -> dict[str, Any]:
    """The body of a commission."""
    receiver = {
        "type": "MERCHANT_ID",
        "receiver_account": platform.mchid,
        "amount": minor,
        "description": "commission",
        **changes,
    }
    return {
        "appid": platform.appid,
        "out_order_no": f"S{secrets.token_hex(9)}",
        "receivers": [receiver],
        "finish": False,
    }


def test_a_seller_who_has_not_signed_is_nobody(sandbox: Program, platform: WechatMerchant) -> None:
    body = application(platform)
    first = apply(platform, body)
    assert apply(platform, body)["applyment_id"] == first["applyment_id"]
    assert platform.refused("POST", COMBINED, combined(platform, "1700000000", 100)) == "NO_AUTH"
    assert platform.refused("GET", f"{FUND}/balance/1700000000") == "NO_AUTH"


@pytest.mark.parametrize(
    "change",
    [
        {"organization_type": "9999"},
        {"account_info": {}},
        {"merchant_shortname": ""},
        {"id_card_info": {"id_card_name": "王小满", "id_card_number": "11010519491231002X"}},
    ],
)
def test_an_application_that_is_wrong_or_not_sealed_is_refused(
    sandbox: Program, platform: WechatMerchant, change: dict[str, Any]
) -> None:
    serial = {"Wechatpay-Serial": platform.told["public_key_id"]}
    body = application(platform, **change)
    answer = platform.call("POST", "/v3/ecommerce/applyments/", body, **serial)
    assert (answer.status_code, answer.json()["code"]) == (400, "PARAM_ERROR")


def test_what_was_sealed_for_another_key_cannot_be_read(
    sandbox: Program, platform: WechatMerchant
) -> None:
    body = application(platform)
    for serial in ({"Wechatpay-Serial": "A1"}, {}):
        answer = platform.call("POST", "/v3/ecommerce/applyments/", body, **serial)
        assert "解密失败" in answer.json()["message"]


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"settle_info": {"profit_sharing": False}}, "PARAM_ERROR"),
        ({"mchid": "1600000000"}, "PARAM_ERROR"),
        ({"attach": ""}, "PARAM_ERROR"),
        ({"sub_mchid": "1700000000"}, "NO_AUTH"),
        ({"amount": {"total": 100}}, "PARAM_ERROR"),
    ],
)
def test_a_combined_order_that_is_wrong_is_refused(
    sandbox: Program, platform: WechatMerchant, seller: str, change: dict[str, Any], code: str
) -> None:
    assert platform.refused("POST", COMBINED, combined(platform, seller, 100, **change)) == code


def test_a_plain_merchant_holds_nothing(sandbox: Program) -> None:
    plain = WechatMerchant(sandbox, "Joe's stall")
    assert plain.refused("POST", COMBINED, combined(plain, "1700000000", 100)) == "NO_AUTH"
    assert plain.refused("POST", f"{SHARES}/orders", share(plain, 1)) == "NO_AUTH"
    assert plain.refused("POST", f"{FUND}/withdraw", {}) == "NO_AUTH"


def test_frozen_money_is_shared_and_released_once(
    sandbox: Program, platform: WechatMerchant, seller: str
) -> None:
    before = platform.ask("GET", f"{FUND}/balance/{seller}")
    payment = held(platform, seller)
    body = share(platform, 1_000) | payment
    asked = platform.ask("POST", f"{SHARES}/orders", body)
    assert asked["out_order_no"] == body["out_order_no"]
    # the number of the split answers well and releases nothing
    trap = {"out_order_no": body["out_order_no"], "description": "release", **payment}
    assert platform.ask("POST", f"{SHARES}/finish-order", trap)["order_id"] == asked["order_id"]
    now = platform.ask("GET", f"{FUND}/balance/{seller}")
    assert now["pending_amount"] - before["pending_amount"] == 9_000
    release = trap | {"out_order_no": f"L{secrets.token_hex(9)}"}
    for _ in range(2):
        platform.ask("POST", f"{SHARES}/finish-order", release)
    now = platform.ask("GET", f"{FUND}/balance/{seller}")
    assert now["available_amount"] - before["available_amount"] == 9_000
    other = release | {"out_order_no": f"L{secrets.token_hex(9)}"}
    assert platform.refused("POST", f"{SHARES}/finish-order", other) == "INVALID_REQUEST"
    late = share(platform, 1) | payment
    assert platform.refused("POST", f"{SHARES}/orders", late) == "INVALID_REQUEST"


@pytest.mark.parametrize(
    ("minor", "change", "code"),
    [
        (3_001, {}, "RULE_LIMIT"),
        (10_001, {}, "NOT_ENOUGH"),
        (100, {"receiver_account": "1600000000"}, "NO_AUTH"),
        (100, {"type": "PERSONAL_OPENID"}, "PARAM_ERROR"),
    ],
)
def test_a_share_that_may_not_be_is_refused(
    sandbox: Program,
    platform: WechatMerchant,
    seller: str,
    minor: int,
    change: dict[str, str],
    code: str,
) -> None:
    body = share(platform, minor, **change) | held(platform, seller)
    assert platform.refused("POST", f"{SHARES}/orders", body) == code


def test_shares_wait_half_a_minute_and_for_the_money(
    sandbox: Program, platform: WechatMerchant, seller: str
) -> None:
    body = combined(platform, seller, 1_000)
    platform.ask("POST", COMBINED, body)
    number = body["sub_orders"][0]["out_trade_no"]
    shown = sandbox.post(f"/control/wechat_pay/trades/{number}/pay")
    payment = {"sub_mchid": seller, "transaction_id": shown["transaction_id"]}
    wanted = share(platform, 100) | payment
    assert platform.refused("POST", f"{SHARES}/orders", wanted) == "ORDER_NOT_READY"
    sandbox.jump(seconds=31)
    assert platform.ask("POST", f"{SHARES}/orders", wanted)["sub_mchid"] == seller


def test_the_platform_sees_only_its_own(
    sandbox: Program, platform: WechatMerchant, seller: str
) -> None:
    other = WechatMerchant(sandbox, "Kai's market", ecommerce=True)
    payment = held(platform, seller)
    body = share(other, 100) | payment
    assert other.refused("POST", f"{SHARES}/orders", body) == "RESOURCE_NOT_EXISTS"
    assert other.refused("GET", f"{FUND}/balance/{seller}") == "NO_AUTH"
    withdrawal = {"sub_mchid": seller, "out_request_no": "W123456", "amount": 1}
    assert other.refused("POST", f"{FUND}/withdraw", withdrawal) == "NO_AUTH"


def test_commissions_arrive_with_the_platforms_own_takings(sandbox: Program) -> None:
    platform = WechatMerchant(sandbox, "Lia's market", ecommerce=True)
    seller = admitted(platform)
    body = share(platform, 1_000) | held(platform, seller)
    platform.ask("POST", f"{SHARES}/orders", body)
    platform.paid(500)
    sandbox.jump(days=2)
    lumps = [
        entry["amount_minor"]
        for entry in sandbox.get("/books.json")["bank"]["entries"]
        if entry["account"] == platform.account["account"]
    ]
    assert sum(lumps) == 1_500


def test_what_lies_at_wechat_always_adds_up(sandbox: Program) -> None:
    """Everything that was paid is in some pocket, went back, was a fee, or left for a bank."""
    platform = WechatMerchant(sandbox, "Mia's market", ecommerce=True)
    seller = admitted(platform)
    sandbox.faults(wechat_pay={"fee_bps": 60})
    payment = held(platform, seller, 9_999)
    platform.ask("POST", f"{SHARES}/orders", share(platform, 777) | payment)
    release = {"out_order_no": "L123456789", "description": "release", **payment}
    platform.ask("POST", f"{SHARES}/finish-order", release)
    withdrawal = {"sub_mchid": seller, "out_request_no": "W1234567", "amount": 5_000}
    platform.ask("POST", f"{FUND}/withdraw", withdrawal)
    sandbox.jump(days=2)
    books = sandbox.get("/books.json")
    mine = {platform.mchid, seller}
    moves = [
        move
        for move in books["wechat_pay"]["moves"]
        if move["owner"] in mine and move["pocket"] != "operation"
    ]
    left = sum(move["amount_minor"] for move in moves)
    lumps = sum(
        entry["amount_minor"]
        for entry in books["bank"]["entries"]
        if entry["account"] == platform.account["account"]
    )
    fee = 60  # 59.994 rounded
    assert left + lumps + 5_000 == 9_999 - fee


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"appid": "wx1"}, "APPID_MCHID_NOT_MATCH"),
        ({"openid": "oNobody"}, "PARAM_ERROR"),
        ({"out_bill_no": "a-b"}, "PARAM_ERROR"),
        ({"transfer_amount": 200_000}, "PARAM_ERROR"),  # a name is needed
        ({"transfer_scene_report_infos": []}, "PARAM_ERROR"),
        ({"transfer_remark": "x" * 33}, "PARAM_ERROR"),
    ],
)
def test_a_transfer_that_is_wrong_is_refused(
    sandbox: Program, platform: WechatMerchant, change: dict[str, Any], code: str
) -> None:
    body = {
        "appid": platform.appid,
        "out_bill_no": secrets.token_hex(10),
        "transfer_scene_id": "1009",
        "transfer_scene_report_infos": [{"info_type": "采购商品名称", "info_content": "茶"}],
        "openid": "oNobody",
        "transfer_amount": 100,
        "transfer_remark": "tea",
    }
    assert platform.refused("POST", TRANSFERS, body | change) == code


def test_who_signs_finds_the_way_back_to_his_shop_and_to_no_script(
    platform: WechatMerchant,
) -> None:
    body, client = application(platform), platform.program.client
    apply(platform, body)
    path = f"/v3/ecommerce/applyments/out-request-no/{body['out_request_no']}"
    page, shop = urlsplit(platform.ask("GET", path)["sign_url"]).path, "http://127.0.0.1:1/c?d=1&e"
    back = f'href="{shop.replace("&", "&amp;")}"'
    assert back in client.get(page, params={"back": shop}).text
    signed = client.post(page, params={"back": shop}, follow_redirects=True)
    assert back in signed.text and platform.ask("GET", path)["applyment_state"] == "FINISH"
    assert "alert" not in client.get(page, params={"back": "javascript:alert(1)"}).text
