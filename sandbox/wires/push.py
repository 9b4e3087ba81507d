"""A browser's push service and the browser behind it: it really decrypts.

RFC 8030 (delivery), RFC 8291 (aes128gcm), RFC 8292 (VAPID: signature, aud, exp).
"""

import base64
import binascii
import json
import re
import secrets
import time

from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response

from sandbox.clock import stamp
from sandbox.store import Row
from sandbox.world import World, world_of

VAPID = re.compile(r"vapid\s+(?=.*\bt=([\w\-.]+))(?=.*\bk=([\w-]+)).*", re.I | re.S)
LARGEST = 4096
DAY = 86400


class Rejected(Exception):
    """A push this service does not take, with the HTTP status to say so."""

    def __init__(self, status: int, why: str) -> None:
        super().__init__(why)
        self.status = status


def _encode(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def _decode(text: str) -> bytes:
    try:
        return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except (binascii.Error, ValueError):
        raise Rejected(403, "not base64url") from None


def subscribe(world: World, server_key: str | None) -> dict[str, object]:
    """A fresh subscription, as a browser hands it to a page."""
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    private = ec.generate_private_key(ec.SECP256R1())
    public = private.public_key().public_bytes(
        serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint
    )
    pem = private.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    ).decode()
    name, auth = secrets.token_urlsafe(18), _encode(secrets.token_bytes(16))
    world.store.run(
        "insert into push_subscriptions (id, private_key, auth, server_key) values (?, ?, ?, ?)",
        name,
        pem,
        auth,
        server_key.rstrip("=") if server_key else None,
    )
    return {
        "endpoint": f"{world.public_url}/push/{name}",
        "expirationTime": None,
        "keys": {"p256dh": _encode(public), "auth": auth},
    }


async def new_subscription(request: Request) -> Response:
    """POST /push/subscriptions {"application_server_key": base64url, optional}."""
    try:
        told = json.loads(await request.body() or b"{}")
        server_key = told.get("application_server_key")
    except (ValueError, AttributeError):
        return JSONResponse({"error": "not a JSON object"}, 400)
    return JSONResponse(subscribe(world_of(request), server_key), 201)


async def receive(request: Request) -> Response:
    """POST /push/{id}: 201 when verified and decrypted; 404 unknown; 410 gone."""
    world, body = world_of(request), await request.body()
    try:
        row = _subscription(world, request.path_params["id"])
        if world.faults.strikes("push.fail"):
            raise Rejected(503, "try again later")
        if len(body) > LARGEST:
            raise Rejected(413, "at most 4096 bytes")
        if not request.headers.get("ttl", "").isdigit():
            raise Rejected(400, "TTL is missing")
        _check_sender(world, row, request.headers.get("authorization", ""))
        if request.headers.get("content-encoding", "").lower() != "aes128gcm":
            raise Rejected(400, "Content-Encoding is not aes128gcm")
        text = _decrypt(row, body)
    except Rejected as no:
        headers = {"Retry-After": "5"} if no.status == 503 else None
        return PlainTextResponse(f"{no}\n", no.status, headers)
    name = row["id"]
    world.store.run(
        "insert into push_messages (subscription_id, at, text, topic, urgency, ttl)"
        " values (?, ?, ?, ?, ?, ?)",
        name,
        stamp(world.clock.now()),
        text,
        request.headers.get("topic"),
        request.headers.get("urgency"),
        int(request.headers["ttl"]),
    )
    return Response(None, 201, {"Location": f"{world.public_url}/push/{name}/delivered"})


def _subscription(world: World, name: str) -> Row:
    row = world.store.one("select * from push_subscriptions where id = ?", name)
    if row is None:
        raise Rejected(404, "no such subscription")
    if not row["gone"] and world.faults.strikes("push.gone"):
        world.store.run("update push_subscriptions set gone = 1 where id = ?", name)
        raise Rejected(410, "the person has unsubscribed")
    if row["gone"]:
        raise Rejected(410, "the person has unsubscribed")
    return row


def _check_sender(world: World, row: Row, authorization: str) -> None:
    match = VAPID.fullmatch(authorization.strip())
    if not match:
        raise Rejected(401, "VAPID is missing")
    token, key = match.groups()
    if row["server_key"] not in {None, key}:
        raise Rejected(403, "this subscription belongs to another server key")
    claims = _claims(token, _decode(key))
    if claims.get("aud") != world.public_url:
        raise Rejected(403, f"aud is not {world.public_url}")
    expires = claims.get("exp")
    # senders may use real time or the demo's clock: both are honest presents here
    nows = (time.time(), world.clock.now().timestamp())
    if not isinstance(expires, int | float) or not any(
        now < expires <= now + DAY + 60 for now in nows
    ):
        raise Rejected(403, "exp is past or more than a day ahead")
    subject = str(claims.get("sub", ""))
    if not subject.startswith(("mailto:", "https:")):
        raise Rejected(403, "sub is neither mailto: nor https:")
    world.store.run("update push_subscriptions set server_key = ? where id = ?", key, row["id"])


def _claims(token: str, key: bytes) -> dict[str, object]:
    """The claims of an ES256 token signed by this raw P-256 key. Raises Rejected."""
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import ec, utils

    try:
        head, body, signature = token.split(".")
        raw = _decode(signature)
        if len(raw) != 64 or json.loads(_decode(head)).get("alg") != "ES256":
            raise Rejected(403, "the token is not ES256")
        der = utils.encode_dss_signature(
            int.from_bytes(raw[:32], "big"), int.from_bytes(raw[32:], "big")
        )
        public = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), key)
        public.verify(der, f"{head}.{body}".encode(), ec.ECDSA(hashes.SHA256()))
        claims = json.loads(_decode(body))
    except (ValueError, AttributeError, InvalidSignature):
        raise Rejected(403, "the token's signature is wrong") from None
    if not isinstance(claims, dict):
        raise Rejected(403, "the token's claims are no object")
    return claims


def _decrypt(row: Row, body: bytes) -> str:
    import http_ece
    from cryptography.hazmat.primitives import serialization

    private = serialization.load_pem_private_key(row["private_key"].encode(), None)
    try:
        plain = http_ece.decrypt(
            body, private_key=private, auth_secret=_decode(row["auth"]), version="aes128gcm"
        )
        return bytes(plain).decode()
    except Exception:  # http_ece and the ciphers below it raise many kinds
        raise Rejected(400, "cannot be decrypted") from None


async def read(request: Request) -> Response:
    """GET /push/{id}.json: what arrived, newest first."""
    world, name = world_of(request), request.path_params["id"]
    row = world.store.one("select gone from push_subscriptions where id = ?", name)
    if row is None:
        return JSONResponse({"error": "no such subscription"}, 404)
    messages = world.store.all(
        "select text, topic, urgency, ttl, at from push_messages where subscription_id = ?"
        " order by id desc limit 100",
        name,
    )
    return JSONResponse([dict(message) for message in messages])


async def drop(request: Request) -> Response:
    """DELETE /push/{id}: the person unsubscribes; from now on 410."""
    gone = world_of(request).store.run(
        "update push_subscriptions set gone = 1 where id = ?", request.path_params["id"]
    )
    return Response(None, 204 if gone else 404)
