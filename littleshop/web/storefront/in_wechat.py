"""A page inside WeChat: who the payer is there (his openid).

The openid is asked for once, without asking the person anything, and kept sealed in a cookie of
this browser; WeChat wants it for every payment from inside (PROTOCOLS 1.4).
"""

from __future__ import annotations

from base64 import urlsafe_b64decode, urlsafe_b64encode
from datetime import datetime, timedelta

import msgspec
from cryptography.exceptions import InvalidTag
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from littleshop import http
from littleshop.errors import GatewayError, Refused
from littleshop.pay.gateways import wechat_openid
from littleshop.web import names

OPENID, STATE = "wx", "wx_state"
OPENID_KEPT, STATE_KEPT = 30 * 86_400, 600  # seconds
CALL_LIFE = timedelta(minutes=4)  # WeChat takes the parameters of a call for five


def openid(request: Request) -> str | None:
    """Who this browser's person is for our official account, as the cookie we sealed says."""
    try:
        sealed = urlsafe_b64decode(request.cookies.get(OPENID, ""))
        return http.house(request).keyring.open(sealed) if sealed else None
    except (ValueError, KeyError, InvalidTag):
        return None


def log_in(request: Request, back_to: str) -> Response:
    """To WeChat and back to a page of ours, to learn the openid; the state in a cookie says that
    it was us."""
    house = http.house(request)
    assert house.wechat_login is not None
    begun = house.wechat_login.begin(names.origin(request) + back_to)
    answer = RedirectResponse(begun.url, status_code=303)
    http.set_cookie(request, answer, STATE, begun.state, max_age=STATE_KEPT)
    return answer


async def logged_in(request: Request) -> str:
    """The openid behind the code that came back. Raises Refused("wechat_login")."""
    login, query = http.house(request).wechat_login, request.query_params
    if login is None or not wechat_openid.is_same(request.cookies.get(STATE), query.get("state")):
        raise Refused("wechat_login")
    try:
        return await login.openid(query.get("code", ""))
    except GatewayError as fault:
        raise Refused("wechat_login") from fault


def remember(request: Request, answer: Response, found: str) -> Response:
    """Keep the openid in this browser."""
    sealed = urlsafe_b64encode(http.house(request).keyring.seal(found)).decode()
    http.set_cookie(request, answer, OPENID, sealed, max_age=OPENID_KEPT)
    answer.delete_cookie(STATE, path="/")
    return answer


def is_fresh(invoke: str, at: datetime) -> bool:
    """Whether WeChat still takes these parameters (JSON) of a call of its cashier."""
    made = int(msgspec.json.decode(invoke, type=dict[str, str])["timeStamp"])
    return at.timestamp() - made < CALL_LIFE.total_seconds()
