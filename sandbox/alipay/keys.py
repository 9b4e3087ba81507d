"""Keys, certificates and RSA2 signatures of the payment gateway (PROTOCOLS 2.1).

`cryptography` is imported on first use: a sandbox nobody pays through stays small.
"""

import base64
import functools
import hashlib
import re
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from sandbox.store import Store

if TYPE_CHECKING:
    from cryptography import x509
    from cryptography.hazmat.primitives.asymmetric import rsa


class BadKey(ValueError):
    """A public key that cannot be used for RSA2."""


def new_private_key() -> str:
    """A fresh RSA key, 2048 bits, PKCS#8 PEM."""
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import rsa

    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    ).decode()


@functools.lru_cache(maxsize=8)
def private_of(pem: str) -> "rsa.RSAPrivateKey":
    """A key as it is used; reading one costs more than signing with it."""
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import rsa

    key = serialization.load_pem_private_key(pem.encode(), password=None)
    assert isinstance(key, rsa.RSAPrivateKey)
    return key


@functools.lru_cache(maxsize=32)
def _public(pem: str) -> "rsa.RSAPublicKey":
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import rsa

    try:
        key = serialization.load_pem_public_key(pem.encode())
    except ValueError as unreadable:
        raise BadKey("not a PEM public key") from unreadable
    if not isinstance(key, rsa.RSAPublicKey) or key.key_size < 2048:
        raise BadKey("RSA2 wants an RSA key of at least 2048 bits")
    return key


def read_public_key(text: str) -> str:
    """A merchant's public key, with or without PEM armour, as PEM. Raises BadKey."""
    body = "".join(re.sub(r"-----[A-Z ]+-----", "", text).split())
    lines = "\n".join(body[at : at + 64] for at in range(0, len(body), 64))
    pem = f"-----BEGIN PUBLIC KEY-----\n{lines}\n-----END PUBLIC KEY-----\n"
    _public(pem)
    return pem


def public_of(private_pem: str) -> str:
    """The public half, as PEM."""
    from cryptography.hazmat.primitives import serialization

    return (
        private_of(private_pem)
        .public_key()
        .public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
        .decode()
    )


def sign(private_pem: str, text: str) -> str:
    """RSA2: SHA256withRSA over the UTF-8 bytes, in base64."""
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import padding

    signature = private_of(private_pem).sign(text.encode(), padding.PKCS1v15(), hashes.SHA256())
    return base64.b64encode(signature).decode()


def verify(public_pem: str, text: str, signature: str) -> bool:
    """Whether the base64 signature belongs to the text."""
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import padding

    try:
        raw = base64.b64decode(signature, validate=True)
        _public(public_pem).verify(raw, text.encode(), padding.PKCS1v15(), hashes.SHA256())
    except (InvalidSignature, ValueError):
        return False
    return True


def signed_text(params: dict[str, str], without: frozenset[str]) -> str:
    """The string to sign: sorted, empty values and the named keys left out."""
    return "&".join(
        f"{name}={params[name]}"
        for name in sorted(params)
        if params[name] != "" and name not in without
    )


def certificate(
    public_pem: str, name: str, issuer: str, issuer_key: str, authority: bool = False
) -> str:
    """An X.509 certificate over a public key, ten years long, as PEM."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization

    today = datetime.now(UTC)
    built = (
        x509.CertificateBuilder()
        .subject_name(_name(name))
        .issuer_name(_name(issuer))
        .public_key(_public(public_pem))
        .serial_number(x509.random_serial_number())
        .not_valid_before(today - timedelta(days=400))
        .not_valid_after(today + timedelta(days=3650))
        .add_extension(x509.BasicConstraints(ca=authority, path_length=None), critical=True)
        .sign(private_of(issuer_key), hashes.SHA256())
    )
    return built.public_bytes(serialization.Encoding.PEM).decode()


def _name(common: str) -> "x509.Name":
    from cryptography import x509
    from cryptography.x509.oid import NameOID

    return x509.Name(
        [
            x509.NameAttribute(NameOID.COUNTRY_NAME, "CN"),
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, "littleshop sandbox"),
            x509.NameAttribute(NameOID.ORGANIZATIONAL_UNIT_NAME, "Certification Authority"),
            x509.NameAttribute(NameOID.COMMON_NAME, common),
        ]
    )


def serial_number(pem: str) -> str:
    """The gateway's SN: md5 of the issuer, most specific part first, and the serial."""
    from cryptography import x509

    read = x509.load_pem_x509_certificate(pem.encode())
    text = f"{read.issuer.rfc4514_string()}{read.serial_number}"
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()


ROOT = "littleshop sandbox root"


class GatewayKeys:
    """The gateway's own key pair, root authority and certificate, made at first use."""

    def __init__(self, store: Store) -> None:
        self.store = store

    def _kept(self, name: str) -> str:
        kept = self.store.setting(f"alipay.{name}")
        if kept is None:
            self._make_root()
            self.rotate()
            kept = self.store.setting(f"alipay.{name}")
        assert kept is not None
        return kept

    def _make_root(self) -> None:
        root_key = new_private_key()
        root = certificate(public_of(root_key), ROOT, ROOT, root_key, authority=True)
        with self.store.transaction():
            self.store.set_setting("alipay.root_key", root_key)
            self.store.set_setting("alipay.root_cert", root)

    def rotate(self) -> None:
        """A new key pair and certificate for the gateway; the root stays."""
        root_key = self.store.setting("alipay.root_key")
        if root_key is None:
            self._make_root()
            root_key = self._kept("root_key")
        private = new_private_key()
        cert = certificate(public_of(private), "littleshop sandbox gateway", ROOT, root_key)
        with self.store.transaction():
            self.store.set_setting("alipay.private_key", private)
            self.store.set_setting("alipay.cert", cert)
            self.store.set_setting("alipay.cert_sn", serial_number(cert))
            self.store.set_setting("alipay.root_sn", serial_number(self._kept("root_cert")))

    @property
    def private(self) -> str:
        """The gateway's private key, PEM."""
        return self._kept("private_key")

    @property
    def cert(self) -> str:
        """The gateway's certificate, PEM."""
        return self._kept("cert")

    @property
    def cert_sn(self) -> str:
        """What `alipay_cert_sn` says."""
        return self._kept("cert_sn")

    @property
    def root_cert(self) -> str:
        """The root authority's certificate, PEM."""
        return self._kept("root_cert")

    @property
    def root_sn(self) -> str:
        """What `alipay_root_cert_sn` must say."""
        return self._kept("root_sn")

    def issue(self, public_pem: str, app_id: str) -> str:
        """The app certificate a merchant downloads for his key."""
        return certificate(public_pem, f"sandbox app {app_id}", ROOT, self._kept("root_key"))
