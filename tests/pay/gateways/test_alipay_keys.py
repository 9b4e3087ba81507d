"""Keys and certificates in every form, against Alipay's published examples."""

import base64
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

from littleshop.clock import Clock
from littleshop.config import Misconfigured
from littleshop.errors import GatewayError
from littleshop.money import Money
from littleshop.pay import gateways
from littleshop.pay.gateways import alipay_answers, alipay_keys
from littleshop.pay.gateways.alipay import open_rail
from littleshop.pay.gateways.alipay_keys import AlipayKeys, AlipaySettings
from tests.pay.gateways.small_alipay import SmallAlipay, key_of, private_pem

VECTORS = Path(__file__).parents[3].parent / "shared" / "vectors"
published = pytest.mark.skipif(
    not (VECTORS / "alipay.json").exists(), reason="the published examples are not beside us"
)


def examples() -> list[Mapping[str, Any]]:
    found: list[Mapping[str, Any]] = json.loads((VECTORS / "alipay.json").read_text())["cases"]
    return found


@published
@pytest.mark.parametrize("tampered", [False, True])
def test_a_real_answer_of_alipay_is_verified(tampered: bool) -> None:
    case = examples()[0]
    key = (VECTORS / case["alipay_public_key_pem_file"]).read_text()
    settings = AlipaySettings(
        base_url="https://a.test",
        app_id="1",
        seller_id="2",
        private_key=private_pem(key_of("merchant")),
        alipay_public_key=key,
    )
    raw = case["raw"].replace("Success", "success") if tampered else case["raw"]
    if tampered:
        with pytest.raises(GatewayError):
            alipay_answers.outcome(AlipayKeys(settings), "alipay.open.file.upload", raw)
    else:
        found = alipay_answers.outcome(AlipayKeys(settings), "alipay.open.file.upload", raw)
        assert found.text("file_id") == "CAxAToWB1JsAAAAAAAAAAAAADgSLAQBr"


@published
def test_certificate_numbers_are_those_alipay_expects() -> None:
    case = examples()[1]
    for name in ("app_cert", "alipay_cert"):
        found = alipay_keys.certificate((VECTORS / case[name]).read_text())
        assert alipay_keys.serial(found) == case[f"{name}_sn"]
    bundle = (VECTORS / case["root_cert"]).read_text()
    assert alipay_keys.root_serial(bundle) == case["alipay_root_cert_sn"]


@pytest.mark.parametrize("form", [PrivateFormat.PKCS8, PrivateFormat.TraditionalOpenSSL])
@pytest.mark.parametrize("armour", [True, False])
def test_a_private_key_is_read_in_every_form(form: PrivateFormat, armour: bool) -> None:
    key = key_of("merchant")
    encoding = Encoding.PEM if armour else Encoding.DER
    content = key.private_bytes(encoding, form, NoEncryption())
    text = content.decode() if armour else base64.b64encode(content).decode()
    assert alipay_keys.private_key(text).private_numbers() == key.private_numbers()


@pytest.mark.parametrize("form", [PublicFormat.PKCS1, PublicFormat.SubjectPublicKeyInfo])
def test_a_public_key_is_read_in_every_form(form: PublicFormat) -> None:
    key = key_of("merchant").public_key()
    for encoding in (Encoding.PEM, Encoding.DER):
        content = key.public_bytes(encoding, form)
        armoured = encoding is Encoding.PEM
        text = content.decode() if armoured else base64.b64encode(content).decode()
        assert alipay_keys.public_key(text).public_numbers() == key.public_numbers()


@pytest.mark.parametrize(
    "changes",
    [
        {"private_key": "SECRETSECRET"},
        {"private_key": "-----BEGIN PRIVATE KEY-----\nU0VDUkVU\n-----END PRIVATE KEY-----"},
        {"alipay_public_key": None},
        {"alipay_public_key": "SECRETSECRET"},
        {"app_cert": "x", "alipay_cert": "y", "alipay_root_cert": "SECRETSECRET"},
        {"app_id": 7},
    ],
)
def test_unusable_settings_are_told_without_their_text(changes: dict[str, Any]) -> None:
    rail = {**SmallAlipay().rail, **changes}
    with pytest.raises(Misconfigured) as told:
        open_rail(rail, Clock())
    assert "SECRET" not in repr(told.value)
    assert told.value.__cause__ is None


@pytest.mark.parametrize(
    ("text", "minor"), [("88.88", 8888), ("88.8", 8880), ("88", 8800), ("0.01", 1)]
)
def test_yuan_text_is_read_exactly(text: str, minor: int) -> None:
    assert alipay_answers.money(text) == Money(minor, "CNY")


@pytest.mark.parametrize("text", ["", "1.234", "1,000.00", "-1", "+1", " 1", "NaN", "1e2", "٣"])
def test_what_is_not_yuan_text_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="yuan"):
        alipay_answers.money(text)


def test_a_rail_without_settings_is_off() -> None:
    assert gateways.open({}, Clock()) == {}
    assert list(gateways.open({"alipay": SmallAlipay().rail}, Clock())) == ["alipay"]
