"""SHA256withRSA (RSASSA-PKCS1-v1_5), in base64: how Alipay (RSA2) and WeChat Pay sign.

Sources: PROTOCOLS 1.1 and 2.1.
"""

import base64
import binascii

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa


def sign(key: rsa.RSAPrivateKey, text: str) -> str:
    """The signature of the UTF-8 text."""
    signature = key.sign(text.encode(), padding.PKCS1v15(), hashes.SHA256())
    return base64.b64encode(signature).decode()


def verifies(key: rsa.RSAPublicKey, content: bytes, signature: str) -> bool:
    """Whether the key's owner signed exactly these bytes; what is no base64 is no signature."""
    try:
        given = base64.b64decode(signature, validate=True)
        key.verify(given, content, padding.PKCS1v15(), hashes.SHA256())
    except (InvalidSignature, binascii.Error, ValueError):
        return False
    return True
