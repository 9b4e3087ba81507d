"""In the demo: register with the sandbox as a merchant registers with each rail in life.

We make our own keys, the other side gives us its own; both end up in DIR/rails.json (0600), the
file that an operator writes by hand in live mode.
"""

from __future__ import annotations

import hashlib
import json
import secrets
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from littleshop import home as homes
from littleshop.notify import messages

NAME = "littleshop"
SANDBOX_SECONDS = 20
_PATHS = {
    "alipay": "/alipay/gateway.do",
    "wechat_pay": "/wechat",
    "stripe": "/stripe",
    "baidu_wallet": "/baidu",
    "bank": "/bank",
    "sms": "/sms/aliyun",
    "identity": "/identity",
    "courier": "/courier/kuaidi100",
}


class SandboxSilent(Exception):
    """The sandbox did not answer in time."""


def register(
    home: Path, sandbox_url: str, public_url: str, *, afresh: bool = False, custody: bool = False
) -> dict[str, dict[str, Any]]:
    """The rails of this demo: registered once, their addresses following the sandbox's port.

    `afresh` forgets an earlier registration: the sandbox has lost its books. `custody`: the bank
    account is opened as one that holds the money of many owners.
    Raises SandboxSilent when the sandbox does not answer within SANDBOX_SECONDS.
    """
    path = home / "rails.json"
    rails: dict[str, dict[str, Any]] = {}
    if path.exists() and not afresh:
        rails = json.loads(path.read_text())
    was, told = json.dumps(rails), digest(public_url)
    if not {*_LATER} <= {*rails} or rails["sms"].get("texts_for") != told:
        with httpx.Client(base_url=sandbox_url, timeout=10, trust_env=False) as client:
            _wait_for(client)
            rails = rails or _register(client, custody=custody)
            for name in {*_LATER} - {*rails}:
                rails[name] = _LATER[name](client)
            for code, text in messages.templates(public_url).items():
                _ask(client, "/control/sms/templates", {"code": code, "text": text})
            hook = {"account": rails["stripe"]["account"], "url": f"{public_url}/callbacks/stripe"}
            _ask(client, "/control/stripe/webhooks", hook)
            rails["sms"]["texts_for"] = told
    for name, tail in _PATHS.items():
        if name in rails:
            rails[name]["base_url"] = sandbox_url + tail
    _follow(rails["wechat_pay"], sandbox_url, public_url)
    rails["wechat_official"] = _official(rails["wechat_pay"], sandbox_url)
    rails["baidu_wallet"]["refund_notify_url"] = f"{public_url}/callbacks/baidu_wallet"
    rails["alipay"]["zft_site_url"] = f"{public_url}/"
    if "courier" in rails:  # the salt is ours: what is pushed is signed with it
        rails["courier"].setdefault("salt", secrets.token_urlsafe(24))
    rails["push"]["allowed_hosts"] = [urlsplit(sandbox_url).netloc]
    if json.dumps(rails) != was:
        homes.write(path, json.dumps(rails, indent=1))
    return rails


def digest(public_url: str) -> str:
    """Of all that the sandbox is told of our texts: a vendor knows a template as it was told."""
    told = json.dumps([public_url, messages.templates(public_url)], sort_keys=True)
    return hashlib.sha256(told.encode()).hexdigest()


def _follow(wechat_pay: dict[str, Any], sandbox_url: str, public_url: str) -> None:
    """WeChat's login stands beside its pay; notices of refunds want their own address."""
    login = sandbox_url + _PATHS["wechat_pay"]
    wechat_pay |= {"api_base_url": login, "open_base_url": login}
    wechat_pay["refund_notify_url"] = f"{public_url}/callbacks/wechat_pay"


def _official(wechat_pay: dict[str, Any], sandbox_url: str) -> dict[str, Any]:
    """The official account beside the merchant, which sets the cards of shared links."""
    side = sandbox_url + _PATHS["wechat_pay"]
    account = {"app_id": wechat_pay.get("appid"), "app_secret": wechat_pay.get("app_secret")}
    template = {"template_id": "littleshop-alert"}
    return {**account, **template, "base_url": side, "script_url": f"{side}/jweixin.js"}


def _wait_for(client: httpx.Client) -> None:
    until = time.monotonic() + SANDBOX_SECONDS
    while True:
        try:
            client.get("/books.json").raise_for_status()
            return
        except httpx.HTTPError as fault:
            if time.monotonic() > until:
                raise SandboxSilent(f"{client.base_url} does not answer: {fault}") from fault
            time.sleep(0.03)


def _register(client: httpx.Client, *, custody: bool) -> dict[str, dict[str, Any]]:
    app_key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    app = _ask(
        client,
        "/control/alipay/apps",
        {"public_key": _public(app_key), "name": NAME, "mode": "cert", "zft": True},
    )
    account = _ask(client, "/control/bank/accounts", {"name": NAME, "custody": custody})
    return {
        "alipay": {
            "app_id": app["app_id"],
            "seller_id": app["seller_id"],
            "private_key": _private(app_key),
            "alipay_public_key": app["alipay_public_key"],
            "app_cert": app.get("app_cert"),
            "alipay_cert": app.get("alipay_cert"),
            "alipay_root_cert": app.get("alipay_root_cert"),
            "zft": True,
        },
        "bank": {
            "debtor_name": NAME,
            "debtor_account": account["account"],
            "debtor_cnaps": account["cnaps"],
            "key": account["key"],
        },
        "sms": {"vendor": "aliyun", "sign_name": NAME, **_ask(client, "/control/sms/keys", {})},
        "push": {
            "vapid_private_key": _private(ec.generate_private_key(ec.SECP256R1())),
            "contact": "mailto:demo@littleshop.invalid",
        },
        "identity": _ask(client, "/control/identity/keys", {}),
        "courier": {"vendor": "kuaidi100", **_ask(client, "/control/courier/keys", {})},
    }


def _wechat_pay(client: httpx.Client) -> dict[str, Any]:
    """A merchant that may also hold money for sub-merchants."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    asked = {"public_key": _public(key), "name": NAME, "mode": "key", "ecommerce": True}
    told = _ask(client, "/control/wechat_pay/merchants", asked)
    return {**told, "private_key": _private(key)}


def _stripe(client: httpx.Client) -> dict[str, Any]:
    """An account in test mode. Where its webhooks go is told with the public address."""
    told = _ask(client, "/control/stripe/accounts", {"name": NAME})
    secrets = [told.pop("webhook_secret")]
    return {**told, "webhook_secrets": secrets, "currencies": ["CNY", "USD"]}


def _baidu_wallet(client: httpx.Client) -> dict[str, Any]:
    """A merchant; the rail is off unless its settings say otherwise, so they do."""
    return {**_ask(client, "/control/baidu_wallet/merchants", {"name": NAME}), "enabled": True}


def _ask(client: httpx.Client, path: str, told: dict[str, Any]) -> dict[str, Any]:
    answer = client.post(path, json=told)
    answer.raise_for_status()
    return dict(answer.json())


def _private(key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey) -> str:
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    ).decode()


def _public(key: rsa.RSAPrivateKey) -> str:
    return (
        key.public_key()
        .public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
        .decode()
    )


def _mail(client: httpx.Client) -> dict[str, Any]:
    """The mail server of this machine: no name, no password, no TLS."""
    there = _ask(client, "/control/mail", {})
    return {**there, "sender": f"{NAME} <shop@littleshop.invalid>", "tls": "none"}


# Rails that came after the first demos: a home that was registered without them learns them.
_LATER: dict[str, Callable[[httpx.Client], dict[str, Any]]] = {
    "wechat_pay": _wechat_pay,
    "stripe": _stripe,
    "baidu_wallet": _baidu_wallet,
    "mail": _mail,
}
