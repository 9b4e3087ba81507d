"""WeChat Pay's own keys: platform certificates that rotate, one public key, and AES-256-GCM."""

import base64
import json
import secrets
from datetime import datetime

from sandbox.alipay.keys import certificate, new_private_key, private_of, public_of, sign
from sandbox.clock import BEIJING
from sandbox.store import Row, Store
from sandbox.world import World

ISSUER = "littleshop sandbox WeChat Pay root"
PUBLIC_KEY_ID = "PUB_KEY_ID_0100000000202611220000000001"
KEPT = 2  # certificates that are listed: the new one and the one before


class Unreadable(ValueError):
    """A sealed text that none of our keys opens."""


class PlatformKeys:
    """The platform's keys, made at first use and kept in the books."""

    def __init__(self, store: Store) -> None:
        self.store = store

    def certificates(self) -> list[dict[str, str]]:
        """All that are valid, newest first: serial_no, key, pem."""
        kept = self.store.setting("wechat.certificates")
        if kept is None:
            return self.rotate()
        found: list[dict[str, str]] = json.loads(kept)
        return found

    def rotate(self) -> list[dict[str, str]]:
        """From now on another certificate signs; the one before stays listed."""
        before = self.store.setting("wechat.certificates")
        key, root = new_private_key(), self._kept("wechat.root_key")
        pem = certificate(public_of(key), "Tenpay.com sign", ISSUER, root)
        fresh = {"serial_no": serial_of(pem), "key": key, "pem": pem}
        found = [fresh, *(json.loads(before) if before else [])][:KEPT]
        self.store.set_setting("wechat.certificates", json.dumps(found))
        return found

    def signing(self, mode: str) -> tuple[str, str]:
        """(name of the key, private key) with which a merchant of this mode is answered."""
        if mode == "key":
            return PUBLIC_KEY_ID, self._kept("wechat.private_key")
        newest = self.certificates()[0]
        return newest["serial_no"], newest["key"]

    def public_key(self) -> str:
        """The public key of public-key mode, PEM."""
        return public_of(self._kept("wechat.private_key"))

    def open(self, name: str, sealed: str) -> str:
        """Personal data that a merchant sealed with the key of this name. Raises Unreadable."""
        from cryptography.hazmat.primitives import hashes
        from cryptography.hazmat.primitives.asymmetric import padding

        keys = {one["serial_no"]: one["key"] for one in self.certificates()}
        pem = self._kept("wechat.private_key") if name == PUBLIC_KEY_ID else keys.get(name)
        if pem is None:
            raise Unreadable("no such key")
        oaep = padding.OAEP(padding.MGF1(hashes.SHA1()), hashes.SHA1(), None)
        try:
            return private_of(pem).decrypt(base64.b64decode(sealed, validate=True), oaep).decode()
        except ValueError as wrong:
            raise Unreadable("not sealed for us") from wrong

    def _kept(self, name: str) -> str:
        kept = self.store.setting(name)
        if kept is None:
            kept = new_private_key()
            self.store.set_setting(name, kept)
        return kept


def sign_headers(
    world: World, merchant: Row, body: bytes, key: str | None = None, late_seconds: int = 0
) -> dict[str, str]:
    """The headers that prove a body to be WeChat's; signed with `key` instead when it is given."""
    name, own = PlatformKeys(world.store).signing(merchant["mode"])
    stamp, nonce = int(world.clock.now().timestamp()) - late_seconds, secrets.token_hex(16)
    return {
        "Wechatpay-Timestamp": str(stamp),
        "Wechatpay-Nonce": nonce,
        "Wechatpay-Signature": sign(key or own, f"{stamp}\n{nonce}\n{body.decode()}\n"),
        "Wechatpay-Serial": name,
        "Wechatpay-Signature-Type": "WECHATPAY2-SHA256-RSA2048",
        "Request-ID": secrets.token_hex(16),
    }


def serial_of(pem: str) -> str:
    """A certificate's number, hexadecimal."""
    from cryptography import x509

    return f"{x509.load_pem_x509_certificate(pem.encode()).serial_number:X}"


def sealed(apiv3_key: str, original_type: str, text: str) -> dict[str, str]:
    """A text as an encrypted resource that only this merchant opens."""
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    nonce = secrets.token_hex(6)
    box = AESGCM(apiv3_key.encode()).encrypt(nonce.encode(), text.encode(), original_type.encode())
    return {
        "algorithm": "AEAD_AES_256_GCM",
        "ciphertext": base64.b64encode(box).decode(),
        "associated_data": original_type,
        "nonce": nonce,
    }


def rfc3339(at: datetime) -> str:
    """A time as WeChat writes it."""
    return at.astimezone(BEIJING).isoformat(timespec="seconds")


def validity(pem: str) -> tuple[datetime, datetime]:
    """From when and until when a certificate counts."""
    from cryptography import x509

    read = x509.load_pem_x509_certificate(pem.encode())
    return read.not_valid_before_utc, read.not_valid_after_utc
