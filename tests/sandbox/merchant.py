"""A merchant's side of the gateway's wire, written from the protocol, not from the sandbox."""

import base64
import hashlib
import json
import secrets
from datetime import UTC, datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

if TYPE_CHECKING:
    from tests.sandbox.conftest import Program

BEIJING = timezone(timedelta(hours=8))


def certificate_number(pem: str) -> str:
    """md5 of the reversed issuer and the serial (PROTOCOLS 2.1)."""
    cert = x509.load_pem_x509_certificate(pem.encode())
    parts = [f"{a.rfc4514_attribute_name}={a.value!s}" for a in reversed(list(cert.issuer))]
    text = ",".join(parts) + str(cert.serial_number)
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()


class Merchant:
    """Signs requests, verifies answers and notices."""

    def __init__(self, program: "Program", name: str, mode: str, *, zft: bool = False) -> None:
        self.program = program
        self.key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        public = self.key.public_key().public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
        )
        self.account = program.post("/control/bank/accounts", {"name": name})
        asked = {"public_key": public.decode(), "name": name, "mode": mode, "zft": zft}
        self.app = program.post("/control/alipay/apps", asked)

    def params(self, method: str, biz: dict[str, Any], **more: str) -> dict[str, str]:
        """A signed request; `more` replaces or adds parameters before signing."""
        offset = self.program.get("/control/clock")["offset_seconds"]
        now = datetime.now(UTC) + timedelta(seconds=offset)
        params = {
            "app_id": self.app["app_id"],
            "method": method,
            "format": "JSON",
            "charset": "utf-8",
            "sign_type": "RSA2",
            "timestamp": now.astimezone(BEIJING).strftime("%Y-%m-%d %H:%M:%S"),
            "version": "1.0",
            "biz_content": json.dumps(biz, ensure_ascii=False),
        }
        if "app_cert" in self.app:
            params["app_cert_sn"] = certificate_number(self.app["app_cert"])
            params["alipay_root_cert_sn"] = certificate_number(self.app["alipay_root_cert"])
        params |= more
        text = "&".join(f"{k}={params[k]}" for k in sorted(params) if params[k])
        raw = self.key.sign(text.encode(), padding.PKCS1v15(), hashes.SHA256())
        return {**params, "sign": base64.b64encode(raw).decode()}

    def call(self, method: str, biz: dict[str, Any], **more: str) -> dict[str, Any]:
        """Ask the gateway; the answer's signature is verified over its raw text."""
        answer = self.program.client.post(
            "/alipay/gateway.do", data=self.params(method, biz, **more)
        )
        assert answer.status_code == 200
        return self.read(answer.text, method)

    def read(self, text: str, method: str) -> dict[str, Any]:
        """The verified inner object of an answer."""
        name = method.replace(".", "_") + "_response"
        if f'"{name}"' not in text:
            name = "error_response"
        start = text.index(f'"{name}":') + len(name) + 3
        inner, end = json.JSONDecoder().raw_decode(text, start)
        whole = json.loads(text)
        assert self.signed(text[start:end], whole["sign"])
        if "app_cert" in self.app:
            assert whole["alipay_cert_sn"] == certificate_number(self.app["alipay_cert"])
        assert isinstance(inner, dict)
        return inner

    def signed(self, text: str, signature: str) -> bool:
        """Whether the gateway's key signed this text."""
        public = serialization.load_pem_public_key(self.app["alipay_public_key"].encode())
        assert isinstance(public, rsa.RSAPublicKey)
        try:
            public.verify(
                base64.b64decode(signature), text.encode(), padding.PKCS1v15(), hashes.SHA256()
            )
        except InvalidSignature:
            return False
        return True

    def genuine(self, form: dict[str, str]) -> bool:
        """Whether a notice or a browser return is signed by the gateway."""
        left = {k: v for k, v in form.items() if k not in {"sign", "sign_type"} and v}
        return self.signed("&".join(f"{k}={left[k]}" for k in sorted(left)), form["sign"])

    def wap(self, total: str, notify_url: str = "", **more: Any) -> tuple[str, str]:
        """(out_trade_no, address of the signed phone payment page)."""
        number = secrets.token_hex(10).upper()
        biz = {
            "out_trade_no": number,
            "total_amount": total,
            "subject": "手工杯 <b>cup</b>",
            "product_code": "QUICK_WAP_WAY",
            **more,
        }
        urls = {"return_url": "http://127.0.0.1:9/back?order=7"}
        if notify_url:
            urls["notify_url"] = notify_url
        params = self.params("alipay.trade.wap.pay", biz, **urls)
        return number, "/alipay/gateway.do?" + urlencode(params)

    def paid(self, total: str, notify_url: str = "") -> str:
        """A trade a buyer has opened and paid; its out_trade_no."""
        number, address = self.wap(total, notify_url)
        assert self.program.client.get(address).status_code == 303
        self.program.post(f"/control/alipay/trades/{number}/pay")
        return number

    def refund(self, number: str, amount: str, request_no: str) -> dict[str, Any]:
        """Ask for a refund."""
        return self.call(
            "alipay.trade.refund",
            {"out_trade_no": number, "refund_amount": amount, "out_request_no": request_no},
        )
