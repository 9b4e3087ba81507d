"""WeChat Pay's keys: our own, the platform's (certificates or one public key), and AES-256-GCM.

Sources: PROTOCOLS 1.1 (which names the public pages). An answer or a notice names the key that
signed it: the serial number of a platform certificate, or an id `PUB_KEY_ID_…`. Both are kept
here; certificates come and go (`learn`), a public key is a setting.
"""

import base64
import binascii
import functools
import secrets
from collections.abc import Mapping
from datetime import datetime

import msgspec
from cryptography import x509
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.serialization import load_pem_private_key, load_pem_public_key

from littleshop.config import Misconfigured, is_loopback
from littleshop.pay.gateways import rsa_signatures

SCHEME = "WECHATPAY2-SHA256-RSA2048"
PUBLIC_KEY_PREFIX = "PUB_KEY_ID_"
APIV3_KEY_BYTES = 32
# WeChat seals names and card numbers with OAEP over SHA-1, whatever the year.
SEAL = padding.OAEP(padding.MGF1(hashes.SHA1()), hashes.SHA1(), None)


class WechatPaySettings(msgspec.Struct, frozen=True, kw_only=True):
    """The rail `wechat_pay` in DIR/rails.json.

    `serial_no` is the number of our own API certificate. With `public_key_id` and `public_key`
    that key is believed; platform certificates are fetched whenever one of them signs.
    `ecommerce`: the merchant is a platform (平台收付通) that may hold money for sub-merchants.
    """

    base_url: str
    appid: str
    mchid: str
    serial_no: str
    private_key: str
    apiv3_key: str
    app_secret: str | None = None
    api_base_url: str = "https://api.weixin.qq.com"
    open_base_url: str = "https://open.weixin.qq.com"
    public_key_id: str | None = None
    public_key: str | None = None
    ecommerce: bool = False
    refund_notify_url: str | None = None
    transfer_scene_id: str = "1009"  # 采购货款: paid for goods
    transfer_scene_info: str = "采购商品名称"

    def __repr__(self) -> str:
        return f"WechatPaySettings(mchid={self.mchid!r}, …)"

    @property
    def secrets(self) -> tuple[str, ...]:
        """What must be in no message."""
        lines = [line for line in self.private_key.split() if "-----" not in line]
        return (self.private_key, "".join(lines), *lines, self.apiv3_key, self.app_secret or "")


class UnknownKey(Exception):
    """Signed with a key we have not got, or no longer believe."""


class WechatPayKeys:
    """What signs our requests and checks WeChat's answers. Shows nothing when printed."""

    def __init__(self, settings: WechatPaySettings) -> None:
        """Raises Misconfigured, without the key's text, when a key cannot be used."""
        self._settings = settings
        self._private = private_key(settings.private_key)
        self._apiv3 = settings.apiv3_key.encode()
        if len(self._apiv3) != APIV3_KEY_BYTES:
            raise Misconfigured(f"wechat_pay: apiv3_key must be {APIV3_KEY_BYTES} bytes long")
        if bool(settings.public_key) != bool(settings.public_key_id):
            raise Misconfigured("wechat_pay: public_key and public_key_id belong together")
        if not (settings.public_key_id or PUBLIC_KEY_PREFIX).startswith(PUBLIC_KEY_PREFIX):
            raise Misconfigured(f"wechat_pay: public_key_id begins with {PUBLIC_KEY_PREFIX}")
        self._public = public_key(settings.public_key) if settings.public_key else None
        self._certificates: dict[str, x509.Certificate] = {}

    def __repr__(self) -> str:
        return "WechatPayKeys(…)"

    def sign(self, text: str) -> str:
        """SHA256withRSA of the UTF-8 text, in base64."""
        return rsa_signatures.sign(self._private, text)

    def authorization(self, method: str, target: str, body: bytes, at: datetime) -> str:
        """The header that proves a request to be ours; `target` is the path with its query."""
        stamp, nonce = int(at.timestamp()), secrets.token_hex(16).upper()
        signature = self.sign(f"{method}\n{target}\n{stamp}\n{nonce}\n{body.decode()}\n")
        return (
            f'{SCHEME} mchid="{self._settings.mchid}",nonce_str="{nonce}",'
            f'signature="{signature}",timestamp="{stamp}",serial_no="{self._settings.serial_no}"'
        )

    def learn(self, found: Mapping[str, x509.Certificate], at: datetime) -> None:
        """Add platform certificates by the numbers WeChat calls them, forget what ran out."""
        known = {**self._certificates, **found}
        self._certificates = {
            name: one for name, one in known.items() if one.not_valid_after_utc > at
        }

    def verifies(self, signer: str, content: bytes, signature: str, at: datetime) -> bool:
        """Whether the key named `signer` signed exactly these bytes. Raises UnknownKey."""
        return rsa_signatures.verifies(self._key(signer, at), content, signature)

    def seal(self, texts: Mapping[str, str], at: datetime) -> tuple[str, dict[str, str]]:
        """Encrypt personal data for WeChat alone; the number of the key, and the sealed texts.

        Raises UnknownKey when there is no key yet.
        """
        name, key = self._sealing(at)
        return name, {
            field: base64.b64encode(key.encrypt(text.encode(), SEAL)).decode()
            for field, text in texts.items()
        }

    def open(self, resource: Mapping[str, object]) -> bytes:
        """The text of an encrypted resource. Raises ValueError."""
        return decrypt(self._apiv3, resource)

    @property
    def names_itself(self) -> str | None:
        """The public key's id, to be named on every request in public-key mode."""
        return self._settings.public_key_id

    def _key(self, signer: str, at: datetime) -> rsa.RSAPublicKey:
        if self._public is not None and signer == self._settings.public_key_id:
            return self._public
        for name, one in self._certificates.items():
            if serial(name) == serial(signer) and _is_valid(one, at):
                return _rsa(one.public_key())
        raise UnknownKey

    def _sealing(self, at: datetime) -> tuple[str, rsa.RSAPublicKey]:
        if self._public is not None and self._settings.public_key_id is not None:
            return self._settings.public_key_id, self._public
        valid = [
            (one.not_valid_before_utc, name, one)
            for name, one in self._certificates.items()
            if _is_valid(one, at)
        ]
        if not valid:
            raise UnknownKey
        _, name, newest = max(valid, key=lambda one: one[0])
        return name, _rsa(newest.public_key())


def checked(settings: WechatPaySettings) -> WechatPaySettings:
    """The settings, when they fit together. Raises Misconfigured."""
    for name in ("appid", "mchid", "serial_no"):
        if not getattr(settings, name):
            raise Misconfigured(f"wechat_pay: {name} is empty")
    here = is_loopback(settings.base_url)
    for name in ("api_base_url", "open_base_url"):
        if is_loopback(getattr(settings, name)) is not here and settings.app_secret:
            raise Misconfigured(f"wechat_pay: base_url and {name} are not of the same world")
    return msgspec.structs.replace(settings, base_url=settings.base_url.rstrip("/"))


def serial(number: str) -> str:
    """A certificate's number as it is compared: hexadecimal, upper case, no leading zeros."""
    return number.upper().lstrip("0")


def decrypt(key: bytes, resource: Mapping[str, object]) -> bytes:
    """AEAD_AES_256_GCM: the tag ends the ciphertext, the associated data may be empty.

    Raises ValueError when it is not that, or was not sealed with this key.
    """
    if resource.get("algorithm", "AEAD_AES_256_GCM") != "AEAD_AES_256_GCM":
        raise ValueError("another algorithm")
    try:
        sealed = base64.b64decode(str(resource["ciphertext"]), validate=True)
        nonce = str(resource["nonce"]).encode()
        extra = str(resource.get("associated_data") or "").encode()
        return AESGCM(key).decrypt(nonce, sealed, extra)
    except (KeyError, binascii.Error, InvalidTag) as wrong:
        raise ValueError("cannot be decrypted") from wrong


def certificate(pem: bytes) -> x509.Certificate:
    """One platform certificate. Raises ValueError."""
    found = x509.load_pem_x509_certificate(pem)
    if not isinstance(found.public_key(), rsa.RSAPublicKey):
        raise ValueError("not an RSA certificate")
    return found


@functools.lru_cache(maxsize=4)
def private_key(text: str) -> rsa.RSAPrivateKey:
    """Our own key (apiclient_key.pem); Misconfigured when it cannot be read."""
    try:
        key = load_pem_private_key(text.strip().encode(), password=None)
    except (ValueError, TypeError):
        raise Misconfigured("wechat_pay: private_key cannot be read") from None
    if not isinstance(key, rsa.RSAPrivateKey):
        raise Misconfigured("wechat_pay: private_key is not an RSA key")
    return key


def public_key(text: str) -> rsa.RSAPublicKey:
    """WeChat Pay's public key (pub_key.pem); Misconfigured when it cannot be read."""
    try:
        return _rsa(load_pem_public_key(text.strip().encode()))
    except ValueError:
        raise Misconfigured("wechat_pay: public_key cannot be read") from None


def invoke(keys: WechatPayKeys, appid: str, prepay_id: str, at: datetime) -> dict[str, str]:
    """What a page hands to `getBrandWCPayRequest`; every value is text, timeStamp too."""
    stamp, nonce = str(int(at.timestamp())), secrets.token_hex(16)
    package = f"prepay_id={prepay_id}"
    return {
        "appId": appid,
        "timeStamp": stamp,
        "nonceStr": nonce,
        "package": package,
        "signType": "RSA",
        "paySign": keys.sign(f"{appid}\n{stamp}\n{nonce}\n{package}\n"),
    }


def is_old(stamp: str, at: datetime, limit_seconds: int = 300) -> bool:
    """Whether a Wechatpay-Timestamp is not of now (ValueError when it is no number)."""
    if not stamp.isascii() or not stamp.isdigit() or len(stamp) > 12:
        raise ValueError("not a timestamp")
    return abs(at.timestamp() - int(stamp)) > limit_seconds


def _is_valid(one: x509.Certificate, at: datetime) -> bool:
    return one.not_valid_before_utc <= at < one.not_valid_after_utc


def _rsa(key: object) -> rsa.RSAPublicKey:
    if not isinstance(key, rsa.RSAPublicKey):
        raise Misconfigured("wechat_pay: the public key is not an RSA key")
    return key
