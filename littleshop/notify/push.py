"""Web Push: RFC 8030 delivery, RFC 8291 encryption (aes128gcm), RFC 8292 identification (VAPID)."""

from __future__ import annotations

import json
import os
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import SplitResult, urlsplit

import http_ece
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

from littleshop.config import is_loopback
from littleshop.errors import Refused
from littleshop.notify.sms import Unwanted
from littleshop.wires import Wire

# An endpoint comes from a browser, so from anybody: only the push services browsers really use.
HOSTS = ("fcm.googleapis.com", "web.push.apple.com", "updates.push.services.mozilla.com")
FAMILIES = (".push.apple.com", ".push.services.mozilla.com", ".notify.windows.com")
LIFE = timedelta(hours=12)  # of a VAPID token; RFC 8292 allows 24 hours
WAIT_SECONDS = 24 * 3600  # how long the push service keeps a message for a sleeping phone
LONGEST_BYTES = 3000  # all push services take 4096 of ciphertext


class Push:
    """Our identity towards push services. Make it once per process, close it at shutdown."""

    def __init__(self, rail: Mapping[str, Any], *, demo: bool, wire: Wire | None = None) -> None:
        """`rail`: vapid_private_key (PEM, P-256), contact (mailto: or https:), allowed_hosts.

        Hosts of this machine count only in the demo.
        """
        key = serialization.load_pem_private_key(
            str(rail["vapid_private_key"]).encode(), password=None
        )
        if not isinstance(key, ec.EllipticCurvePrivateKey):
            raise ValueError("the VAPID key is not an elliptic curve key")
        self._key = key
        self._contact = str(rail["contact"])
        self._hosts = frozenset(
            host
            for host in rail.get("allowed_hosts") or ()
            if demo or not is_loopback(f"http://{host}")
        )
        self._wire = wire or Wire("push")

    async def close(self) -> None:
        await self._wire.close()

    @property
    def public_key(self) -> str:
        """What a page gives to `pushManager.subscribe` (base64url, uncompressed point)."""
        return encoded(_point(self._key.public_key()))

    def check(self, endpoint: str) -> None:
        """Raises Refused(push_endpoint) unless it is a push service we know."""
        try:
            parts = urlsplit(endpoint)
            own_path = parts.path.startswith("/push/") or not is_loopback(endpoint)
            ours = parts.netloc in self._hosts and own_path  # not the sandbox's other doors
            known = _is_public(parts) or ours
            safe = parts.scheme == "https" or (parts.scheme == "http" and is_loopback(endpoint))
        except ValueError:
            known = safe = False
        if not (known and safe):
            raise Refused("push_endpoint")

    async def send(
        self, endpoint: str, p256dh: bytes, auth: bytes, told: Mapping[str, str], at: datetime
    ) -> str:
        """Deliver `told` as JSON to one browser; the push service's address of the message.

        Raises Unwanted when the subscription is gone, else GatewayError (429, 5xx: retryable).
        """
        try:
            self.check(endpoint)
        except Refused:
            raise Unwanted("not a push service we know") from None
        content = json.dumps(told, ensure_ascii=False).encode()
        assert len(content) <= LONGEST_BYTES, "a push message is a line, not a letter"
        answer = await self._wire.post(
            endpoint,
            headers={
                "authorization": self.authorization(endpoint, at),
                "content-encoding": "aes128gcm",
                "content-type": "application/octet-stream",
                "ttl": str(WAIT_SECONDS),
                "urgency": "high",
            },
            content=encrypt(content, p256dh, auth),
        )
        if answer.status in (404, 410):
            raise Unwanted(f"subscription gone ({answer.status})")
        self._wire.refuse(answer, accepted=(200, 201, 202, 204))
        return answer.headers.get("location", "")[:200]

    def authorization(self, endpoint: str, at: datetime) -> str:
        """RFC 8292: a token for the origin of the endpoint, and our public key."""
        parts = urlsplit(endpoint)
        claims = {
            "aud": f"{parts.scheme}://{parts.netloc}",
            "exp": int((at + LIFE).timestamp()),
            "sub": self._contact,
        }
        signed = ".".join(
            encoded(json.dumps(part, separators=(",", ":")).encode())
            for part in ({"typ": "JWT", "alg": "ES256"}, claims)
        )
        r, s = decode_dss_signature(self._key.sign(signed.encode(), ec.ECDSA(hashes.SHA256())))
        signature = encoded(r.to_bytes(32, "big") + s.to_bytes(32, "big"))
        return f"vapid t={signed}.{signature}, k={self.public_key}"


def encrypt(
    content: bytes,
    p256dh: bytes,
    auth: bytes,
    *,
    salt: bytes | None = None,
    key: ec.EllipticCurvePrivateKey | None = None,
) -> bytes:
    """RFC 8291: for the browser's eyes only. `salt` (16 bytes) and `key` are fresh unless given."""
    body: bytes = http_ece.encrypt(
        content,
        salt=salt or os.urandom(16),
        private_key=key or ec.generate_private_key(ec.SECP256R1()),
        dh=p256dh,
        auth_secret=auth,
        version="aes128gcm",
    )
    return body


def check_keys(p256dh: bytes, auth: bytes) -> None:
    """Raises Refused(push_keys) unless they are a P-256 point and a 16 byte secret."""
    try:
        ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), p256dh)
    except ValueError:
        raise Refused("push_keys") from None
    if len(p256dh) != 65 or len(auth) != 16:
        raise Refused("push_keys")


def encoded(raw: bytes) -> str:
    """base64url without padding."""
    return urlsafe_b64encode(raw).rstrip(b"=").decode()


def decoded(text: str) -> bytes:
    """The bytes of base64url with or without padding. Raises Refused(push_keys)."""
    try:
        return urlsafe_b64decode(text.rstrip("=") + "=" * (-len(text.rstrip("=")) % 4))
    except ValueError:
        raise Refused("push_keys") from None


def _point(key: ec.EllipticCurvePublicKey) -> bytes:
    return key.public_bytes(
        serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint
    )


def _is_public(parts: SplitResult) -> bool:
    """A known service on its ordinary door, without a name and password before it."""
    host = parts.hostname or ""
    plain = parts.netloc == host or parts.netloc == f"{host}:443"
    return plain and parts.scheme == "https" and (host in HOSTS or host.endswith(FAMILIES))
