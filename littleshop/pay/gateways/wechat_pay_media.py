"""Pictures of papers for WeChat: uploaded one by one, then named by their media ids.

Source: PROTOCOLS 1.1. The request is multipart; only its `meta` part (JSON) is signed, and it holds
the hash of the picture. At most 2 MB, JPEG, PNG or BMP.
"""

import hashlib
import json
import secrets

from littleshop.errors import GatewayError
from littleshop.pay.gateways.contract import Declined, Reason
from littleshop.pay.gateways.wechat_pay_calls import WechatPayCalls

PATH = "/v3/merchant/media/upload"
MOST_BYTES = 2 * 1024 * 1024


async def upload(calls: WechatPayCalls, picture: bytes) -> str:
    """Give WeChat a JPEG; its media id. Raises Declined, GatewayError."""
    if len(picture) > MOST_BYTES:
        raise Declined("wechat_pay takes no picture of more than 2 MB", Reason.BAD_REQUEST)
    digest = hashlib.sha256(picture).hexdigest()
    name = f"{digest[:24]}.jpg"
    meta = json.dumps({"filename": name, "sha256": digest}, separators=(",", ":")).encode()
    mark = secrets.token_hex(16)
    body = b"".join(
        (
            b"--%b\r\n" % mark.encode(),
            b'Content-Disposition: form-data; name="meta"\r\n',
            b"Content-Type: application/json\r\n\r\n",
            meta,
            b"\r\n--%b\r\n" % mark.encode(),
            b'Content-Disposition: form-data; name="file"; filename="%b"\r\n' % name.encode(),
            b"Content-Type: image/jpeg\r\n\r\n",
            picture,
            b"\r\n--%b--\r\n" % mark.encode(),
        )
    )
    found = await calls.upload(PATH, meta, body, f"multipart/form-data; boundary={mark}")
    calls.accept(found)
    if not found.text("media_id"):
        raise GatewayError("wechat_pay's answer lacks media_id", retryable=True)
    return found.text("media_id")
