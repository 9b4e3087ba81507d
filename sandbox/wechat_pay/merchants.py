"""Merchants: who may call WeChat Pay, with which key, and the official account beside him."""

import secrets

from sandbox.alipay.keys import read_public_key
from sandbox.clock import stamp
from sandbox.pockets import OPENING_MINOR
from sandbox.store import Row
from sandbox.wechat_pay import pockets
from sandbox.wechat_pay.keys import PUBLIC_KEY_ID, PlatformKeys
from sandbox.world import World, digits


def register(world: World, told: dict[str, object]) -> dict[str, object]:
    """Open a merchant number for `public_key`. Raises BadKey, ValueError.

    `mode` key (WeChat answers with its public key) or cert (platform certificates); `ecommerce`
    makes it a platform that holds money for sub-merchants; `apiv3_key` is the merchant's choice.
    """
    name, mode = told.get("name", "shop"), told.get("mode", "key")
    apiv3_key = told.get("apiv3_key") or secrets.token_hex(16)
    if mode not in {"key", "cert"} or not isinstance(name, str) or not name:
        raise ValueError("name is text, mode is key or cert")
    if not isinstance(apiv3_key, str) or len(apiv3_key.encode()) != 32:
        raise ValueError("apiv3_key is 32 bytes")
    keys = PlatformKeys(world.store)
    answer: dict[str, object] = {
        "mchid": "16" + digits(8),
        "appid": "wx" + secrets.token_hex(8),
        "app_secret": secrets.token_hex(16),
        "serial_no": secrets.token_hex(20).upper(),
        "apiv3_key": apiv3_key,
        "ecommerce": told.get("ecommerce") is True,
    }
    world.store.run(
        "insert into wechat_merchants (mchid, appid, app_secret, name, mode, ecommerce, serial_no,"
        " public_key, apiv3_key, opened_at) values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        str(answer["mchid"]),
        str(answer["appid"]),
        str(answer["app_secret"]),
        name,
        str(mode),
        int(bool(answer["ecommerce"])),
        str(answer["serial_no"]),
        read_public_key(str(told.get("public_key", ""))),
        apiv3_key,
        stamp(world.clock.now()),
    )
    pockets.move(world, str(answer["mchid"]), "operation", OPENING_MINOR, "opening", name)
    if mode == "key":
        answer |= {"public_key_id": PUBLIC_KEY_ID, "public_key": keys.public_key()}
    return answer


def find(world: World, mchid: str) -> Row | None:
    """The merchant with this number, or None."""
    return world.store.one("select * from wechat_merchants where mchid = ?", mchid)


def of_app(world: World, appid: str) -> Row | None:
    """The merchant with this official account, or None."""
    return world.store.one("select * from wechat_merchants where appid = ?", appid)
