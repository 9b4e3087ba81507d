"""Merchants' applications: who may call the gateway and with which key."""

from sandbox.alipay.keys import GatewayKeys, public_of, read_public_key, serial_number
from sandbox.clock import stamp
from sandbox.store import Row
from sandbox.world import World, digits


def register(
    world: World, public_key: str, name: str, mode: str, *, platform: bool = False
) -> dict[str, str]:
    """Open an application for a merchant's public key. Raises BadKey, ValueError.

    Answers app_id, seller_id, the gateway's public key and, in mode `cert`, the three
    certificates of certificate mode. A `platform` may have money held for its sellers.
    """
    if mode not in {"key", "cert"}:
        raise ValueError("mode is key or cert")
    pem = read_public_key(public_key)
    keys = GatewayKeys(world.store)
    app_id, seller_id = "2021" + digits(12), "2088" + digits(12)
    app_cert = keys.issue(pem, app_id) if mode == "cert" else None
    answer = {
        "app_id": app_id,
        "seller_id": seller_id,
        "alipay_public_key": public_of(keys.private),
    }
    if app_cert:
        answer |= {
            "app_cert": app_cert,
            "alipay_cert": keys.cert,
            "alipay_root_cert": keys.root_cert,
        }
    world.store.run(
        "insert into alipay_apps (app_id, seller_id, name, mode, public_key, app_cert,"
        " app_cert_sn, opened_at) values (?, ?, ?, ?, ?, ?, ?, ?)",
        app_id,
        seller_id,
        name,
        mode,
        pem,
        app_cert,
        serial_number(app_cert) if app_cert else None,
        stamp(world.clock.now()),
    )
    if platform:
        world.store.run("insert into alipay_platforms (app_id) values (?)", app_id)
    return answer


def find(world: World, app_id: str) -> Row | None:
    """The application with this number, or None."""
    return world.store.one("select * from alipay_apps where app_id = ?", app_id)
