"""WeChat Pay's signatures and sealed texts, against its published examples; keys that change."""

import base64
import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import padding

from littleshop.clock import Clock
from littleshop.config import Misconfigured
from littleshop.errors import GatewayError
from littleshop.pay import gateways
from littleshop.pay.gateways import wechat_pay_answers, wechat_pay_keys
from littleshop.pay.gateways.contract import NoticeRefused
from littleshop.pay.gateways.wechat_pay import open_rail
from littleshop.pay.gateways.wechat_pay_calls import open_calls
from littleshop.pay.gateways.wechat_pay_keys import SEAL, UnknownKey, WechatPayKeys
from tests.pay.gateways.conftest import StillClock
from tests.pay.gateways.small_alipay import key_of, public_pem, signature
from tests.pay.gateways.small_wechat_pay import APIV3_KEY, NOW, SmallWechatPay, sealed

VECTORS = Path(__file__).parents[3].parent / "shared" / "vectors" / "wechat_pay_v3.json"
published = pytest.mark.skipif(
    not VECTORS.exists(), reason="the published examples are not beside us"
)
REFERENCE = "R0000000000000000001"
QUERY = f"GET /v3/pay/transactions/out-trade-no/{REFERENCE}?mchid=1900000001"
UNPAID = {
    "appid": "wx0000000000000001",
    "mchid": "1900000001",
    "out_trade_no": REFERENCE,
    "trade_state": "NOTPAY",
    "amount": {"total": 8888, "currency": "CNY"},
}


def example(at: int) -> Mapping[str, Any]:
    found: Mapping[str, Any] = json.loads(VECTORS.read_text())["cases"][at]
    return found


def keys(**settings: Any) -> WechatPayKeys:
    """The keys of a merchant with these settings."""
    rail = {**SmallWechatPay().rail, **settings}
    return open_calls(rail, StillClock()).keys


@published
def test_the_text_to_be_signed_is_the_published_one() -> None:
    case = example(0)
    found = keys()
    at = datetime.fromtimestamp(int(case["timestamp"]), UTC)
    header = found.authorization("GET", case["url_path"], b"", at)
    told = dict(part.split("=", 1) for part in header.partition(" ")[2].split(","))
    nonce = told["nonce_str"].strip('"')
    text = case["message"].replace(case["nonce"], nonce)
    assert told["timestamp"] == f'"{case["timestamp"]}"'
    given = base64.b64decode(told["signature"].strip('"'))
    assert signature(key_of("merchant"), text) == base64.b64encode(given).decode()


@published
@pytest.mark.parametrize("body", ["whole", "changed"])
def test_a_real_answer_of_wechat_is_verified(body: str) -> None:
    case = example(1)
    name = "PUB_KEY_ID_0100000000000000000000000000"
    found = keys(public_key=case["public_key_pem"], public_key_id=name)
    text = case["body"] if body == "whole" else case["body"].replace("JyC", "JyD")
    content = f"{case['timestamp']}\n{case['nonce']}\n{text}\n".encode()
    assert found.verifies(name, content, case["signature"], NOW) is (body == "whole")


@published
def test_a_whole_notice_is_verified_and_decrypted() -> None:
    case = example(2)
    at = datetime.fromtimestamp(case["fixed_now"], UTC)
    found = keys()
    headers = {name.lower(): value for name, value in case["headers"].items()}
    pem = case["platform_certificate_pem"].encode()
    found.learn({headers["wechatpay-serial"]: wechat_pay_keys.certificate(pem)}, at)
    wechat_pay_answers._verify(found, headers, case["body"].encode(), at)
    resource = json.loads(case["body"])["resource"]
    opened = wechat_pay_keys.decrypt(case["apiv3_key"].encode(), resource)
    assert opened.decode() == case["plaintext"]
    with pytest.raises(NoticeRefused):
        wechat_pay_answers._verify(found, headers, case["body"].encode() + b" ", at)
    with pytest.raises(NoticeRefused, match="old"):
        later = at + timedelta(seconds=301)
        wechat_pay_answers._verify(found, headers, case["body"].encode(), later)


@published
def test_a_sealed_text_is_opened() -> None:
    case = example(3)
    resource = {name: case[name] for name in ("ciphertext", "nonce", "associated_data")}
    assert wechat_pay_keys.decrypt(case["apiv3_key"].encode(), resource) == b"message"
    for change in ({"associated_data": ""}, {"ciphertext": "AAAA"}, {"nonce": "uluk4a9R25RX"}):
        with pytest.raises(ValueError):
            wechat_pay_keys.decrypt(case["apiv3_key"].encode(), {**resource, **change})


@published
def test_the_published_certificate_verifies_its_message() -> None:
    case = example(4)
    certificate = wechat_pay_keys.certificate(case["certificate_pem"].encode())
    found, at = keys(), datetime(2023, 1, 1, tzinfo=UTC)
    name = f"{certificate.serial_number:X}"
    found.learn({name: certificate}, at)
    assert found.verifies(name.lower(), case["message"].encode(), case["signature"], at)
    with pytest.raises(UnknownKey):  # it ended in 2025
        found.verifies(name, case["message"].encode(), case["signature"], NOW)


def test_names_and_cards_are_sealed_for_wechat_alone() -> None:
    name, found = keys().seal({"name": "王小满"}, NOW)
    assert name.startswith("PUB_KEY_ID_")
    opened = key_of("wechat").decrypt(base64.b64decode(found["name"]), SEAL)
    assert opened.decode() == "王小满"
    assert isinstance(SEAL, padding.OAEP)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"apiv3_key": "a" * 31}, "32 bytes"),
        ({"apiv3_key": "茶" * 32}, "32 bytes"),
        ({"private_key": "no key"}, "private_key cannot be read"),
        ({"private_key": public_pem(key_of("merchant"))}, "private_key cannot be read"),
        ({"public_key": "no key"}, "public_key cannot be read"),
        ({"public_key": None}, "belong together"),
        ({"public_key_id": "7132"}, "begins with PUB_KEY_ID_"),
        ({"mchid": ""}, "mchid is empty"),
        ({"appid": 7}, "appid"),
        ({"api_base_url": "http://127.0.0.1:9"}, "not of the same world"),
    ],
)
def test_settings_that_do_not_fit_are_told_in_a_sentence(
    change: dict[str, object], words: str
) -> None:
    rail = {**SmallWechatPay().rail, **change}
    with pytest.raises(Misconfigured, match=words) as told:
        gateways.open({"wechat_pay": rail}, Clock())
    assert SmallWechatPay().rail["private_key"][60:90] not in str(told.value)


def test_plain_http_to_another_machine_is_refused() -> None:
    base = dict.fromkeys(("base_url", "api_base_url", "open_base_url"), "http://pay.test")
    with pytest.raises(GatewayError):
        open_rail({**SmallWechatPay().rail, **base}, Clock())


class TurningClock(Clock):
    """18:00 Beijing time, and whatever was added to it."""

    def now(self) -> datetime:
        return NOW + self.offset


async def test_certificates_are_fetched_when_one_signs_and_again_when_it_changes() -> None:
    small, clock = SmallWechatPay(), TurningClock()
    small.issues(0xA1)
    rail = open_rail(small.certified, clock, small.transport())
    small.answers[QUERY] = (200, UNPAID)
    for _ in range(2):
        await rail.query(REFERENCE)
    assert [call.url.path for call in small.heard].count("/v3/certificates") == 1
    clock.offset = timedelta(minutes=2)
    small.now = clock.now()
    small.issues(0xB2, whose="wechat's second")
    await rail.query(REFERENCE)
    assert [call.url.path for call in small.heard].count("/v3/certificates") == 2
    await rail.disconnect()


async def test_an_unknown_signer_makes_us_fetch_at_most_once_a_minute() -> None:
    small = SmallWechatPay()
    small.issues(0xA1)
    rail = open_rail(small.certified, TurningClock(), small.transport())
    small.answers[QUERY] = (200, UNPAID)
    await rail.query(REFERENCE)
    small.signer = "C3"
    for _ in range(3):
        with pytest.raises(GatewayError) as told:
            await rail.query(REFERENCE)
        assert told.value.retryable
        await rail.refresh_keys()
    assert [call.url.path for call in small.heard].count("/v3/certificates") == 1
    await rail.disconnect()


@pytest.mark.parametrize("days", [(-30, -1), (1, 30)])
async def test_a_certificate_that_is_not_valid_now_is_not_believed(days: tuple[int, int]) -> None:
    small = SmallWechatPay()
    small.issues(0xA1, days=days)
    rail = open_rail(small.certified, TurningClock(), small.transport())
    small.answers[QUERY] = (200, UNPAID)
    with pytest.raises(GatewayError) as told:
        await rail.query(REFERENCE)
    assert told.value.retryable
    await rail.disconnect()


async def test_certificates_sealed_by_somebody_else_are_not_taken() -> None:
    small = SmallWechatPay()
    small.issues(0xA1)
    rail = open_rail(
        {**small.certified, "apiv3_key": APIV3_KEY[::-1]}, TurningClock(), small.transport()
    )
    small.answers[QUERY] = (200, UNPAID)
    with pytest.raises(GatewayError, match="certificates cannot be read"):
        await rail.query(REFERENCE)
    await rail.disconnect()


async def test_a_merchant_with_a_public_key_takes_certificates_while_wechat_changes_over() -> None:
    small = SmallWechatPay()
    small.issues(0xA1, whose="wechat's certificate")
    rail = open_rail({**small.rail}, TurningClock(), small.transport())
    small.answers[QUERY] = (200, UNPAID)
    await rail.query(REFERENCE)
    small.certificates.clear()
    await rail.refresh_keys()
    assert all(call.headers["wechatpay-serial"].startswith("PUB_KEY_ID_") for call in small.heard)
    await rail.disconnect()


async def test_in_public_key_mode_there_may_be_no_certificates() -> None:
    small = SmallWechatPay()
    rail = open_rail(small.rail, TurningClock(), small.transport())
    await rail.refresh_keys()
    assert len(small.heard) == 1
    await rail.disconnect()


def test_nothing_secret_is_printed() -> None:
    small = SmallWechatPay()
    calls = open_calls(small.rail, StillClock())
    pem = small.rail["private_key"]
    shown = f"{calls!r} {calls.keys!r} {calls.settings!r} {calls.scrub(pem)}"
    shown += calls.scrub(f"signature: {signature(small.merchant, 'x')} {APIV3_KEY}")
    shown += repr(open_rail(small.rail, StillClock()))
    for secret in (pem.splitlines()[1], APIV3_KEY, small.rail["app_secret"]):
        assert secret not in shown
    assert signature(small.merchant, "x")[:40] not in shown
    assert sealed("x", "y")["algorithm"] == "AEAD_AES_256_GCM"
