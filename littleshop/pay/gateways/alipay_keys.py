"""Alipay's keys and certificates: reading them in every form they are handed out, RSA2.

Sources: PROTOCOLS 2.1; alipay-sdk-nodejs-all (certificate serial numbers).
"""

import base64
import functools
import hashlib
import re
from collections.abc import Mapping
from typing import Annotated, Literal

import msgspec
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import load_der_private_key, load_der_public_key

from littleshop.config import Misconfigured
from littleshop.pay.gateways import rsa_signatures

RSA_SIGNATURES = "1.2.840.113549.1.1."  # the family of RSA signature algorithms (RFC 8017)
ARMOUR = re.compile(r"-----[A-Z0-9 ]+-----")
CERTIFICATE = re.compile(r"-----BEGIN CERTIFICATE-----.+?-----END CERTIFICATE-----", re.DOTALL)
NAMES = {"2.5.4.3": "CN", "2.5.4.11": "OU", "2.5.4.10": "O", "2.5.4.6": "C"}


class AlipaySettings(msgspec.Struct, frozen=True, kw_only=True):
    """The rail `alipay` in DIR/rails.json: a plain public key, or all three certificates.

    `seller_id` is the 2088 number that receives the money; `bill_hosts` are where a bill may be.
    `card_identity_type` is what a payee with a bank card is called: merchants report
    BANKCARD_ACCOUNT, a comment in Alipay's Java SDK says BANKCARD_NO. `transfer_scene_name` and
    `transfer_scene_info` are the scene agreed on for transfers, when one was.

    `zft`: we are a platform (直付通) whose sellers' money Alipay holds for `settle_period_days`,
    then it settles by itself; refunds end after ninety, so no longer than that. `zft_mcc` is the
    sellers' trade, `zft_site_url` the address they sell at. `zft_admission`: quickcreate gives the
    seller a link to sign; create tells who he is, and he is asked in his Alipay.
    `zft_settles_to`: Alipay settles individuals to their Alipay accounts alone, says its SDK.
    """

    base_url: str
    app_id: str
    seller_id: str
    private_key: str
    alipay_public_key: str | None = None
    app_cert: str | None = None
    alipay_cert: str | None = None
    alipay_root_cert: str | None = None
    wap_product_code: str = "QUICK_WAP_WAY"
    bill_hosts: tuple[str, ...] = ("dwbillcenter.alipay.com",)
    card_identity_type: str = "BANKCARD_ACCOUNT"
    transfer_scene_name: str = ""
    transfer_scene_info: str = ""
    zft: bool = False
    zft_admission: Literal["quickcreate", "create"] = "quickcreate"
    zft_settles_to: Literal["account", "card"] = "account"
    zft_mcc: str = "5331"
    zft_site_url: str = ""
    settle_period_days: Annotated[int, msgspec.Meta(ge=1, le=365)] = 90

    def __repr__(self) -> str:
        return f"AlipaySettings(app_id={self.app_id!r}, …)"

    @property
    def by_certificate(self) -> bool:
        """Whether the certificates are to be used instead of the plain public key."""
        return bool(self.app_cert and self.alipay_cert and self.alipay_root_cert)


class AlipayKeys:
    """What signs our requests and checks Alipay's answers. Shows nothing when printed."""

    def __init__(self, settings: AlipaySettings) -> None:
        """Raises Misconfigured, without the key's text, when a key cannot be read."""
        self._private = private_key(settings.private_key)
        self.serials: dict[str, str] = {}
        self.alipay_cert_sn: str | None = None
        if settings.by_certificate:
            alipay = certificate(settings.alipay_cert or "")
            app = certificate(settings.app_cert or "")
            self._public = _rsa(alipay.public_key())
            if _rsa(app.public_key()).public_numbers() != (
                self._private.public_key().public_numbers()
            ):
                raise Misconfigured("alipay: app_cert does not belong to private_key")
            self.alipay_cert_sn = serial(alipay)
            self.serials = {
                "app_cert_sn": serial(app),
                "alipay_root_cert_sn": root_serial(settings.alipay_root_cert or ""),
            }
        elif settings.alipay_public_key:
            self._public = public_key(settings.alipay_public_key)
        else:
            raise Misconfigured("alipay: needs alipay_public_key or the three certificates")

    def __repr__(self) -> str:
        return "AlipayKeys(…)"

    def sign(self, text: str) -> str:
        """SHA256withRSA of the UTF-8 text, in base64."""
        return rsa_signatures.sign(self._private, text)

    def verifies(self, content: bytes, signature: str) -> bool:
        """Whether Alipay signed exactly these bytes."""
        return rsa_signatures.verifies(self._public, content, signature)


def joined(parameters: Mapping[str, str]) -> str:
    """The text to be signed: sorted by name, `k=v` joined by `&`, values raw."""
    return "&".join(f"{name}={parameters[name]}" for name in sorted(parameters))


@functools.lru_cache(maxsize=4)  # the key is proved as it is read, which takes 45 ms
def private_key(text: str) -> rsa.RSAPrivateKey:
    """Read PKCS#1 or PKCS#8, with or without armour; Misconfigured when it is neither."""
    try:
        key = load_der_private_key(_der(text), password=None)
    except (ValueError, TypeError):
        raise Misconfigured("alipay: private_key cannot be read") from None
    if not isinstance(key, rsa.RSAPrivateKey):
        raise Misconfigured("alipay: private_key is not an RSA key")
    return key


def public_key(text: str) -> rsa.RSAPublicKey:
    """Read a public key (or PKCS#1), with or without armour; Misconfigured otherwise."""
    try:
        return _rsa(load_der_public_key(_der(text)))
    except ValueError:
        raise Misconfigured("alipay: alipay_public_key cannot be read") from None


def certificate(text: str) -> x509.Certificate:
    """Read the first certificate of a PEM text; Misconfigured when it cannot be read."""
    blocks = CERTIFICATE.findall(text)
    try:
        return x509.load_pem_x509_certificate(blocks[0].encode())
    except (IndexError, ValueError):
        raise Misconfigured("alipay: a certificate cannot be read") from None


def serial(cert: x509.Certificate) -> str:
    """Alipay's number of a certificate: md5(issuer written backwards + decimal serial).

    Not a use of md5 for safety: it is the name by which Alipay knows the certificate.
    """
    parts = [
        f"{NAMES.get(part.oid.dotted_string, part.rfc4514_attribute_name)}={part.value!s}"
        for part in reversed(list(cert.issuer))
    ]
    named = ",".join(parts) + str(cert.serial_number)
    return hashlib.md5(named.encode(), usedforsecurity=False).hexdigest()


def root_serial(bundle: str) -> str:
    """The numbers of the RSA certificates of the root bundle, joined by `_`.

    The bundle also holds SM2 certificates and one with extra bytes, which `cryptography`
    refuses to read: they are skipped, as Alipay's own number leaves them out too.
    """
    numbers = []
    for block in CERTIFICATE.findall(bundle):
        try:
            cert = x509.load_pem_x509_certificate(block.encode())
            if cert.signature_algorithm_oid.dotted_string.startswith(RSA_SIGNATURES):
                numbers.append(serial(cert))
        except ValueError:
            continue
    if not numbers:
        raise Misconfigured("alipay: alipay_root_cert holds no RSA certificate")
    return "_".join(numbers)


def _der(text: str) -> bytes:
    bare = ARMOUR.sub("", text)
    return base64.b64decode("".join(bare.split()), validate=True)


def _rsa(key: object) -> rsa.RSAPublicKey:
    if not isinstance(key, rsa.RSAPublicKey):
        raise Misconfigured("alipay: the public key is not an RSA key")
    return key
