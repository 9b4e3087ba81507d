"""Kuaidi100: subscribe, be pushed to, and ask (PROTOCOLS 8.2).

Query and codes: https://api.kuaidi100.com/document/60509213a52d305ab4d2a1cb. Everything is a form
with a JSON text in it; signatures are upper case MD5 over that text and a secret.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any
from urllib.parse import parse_qs

from littleshop.errors import GatewayError
from littleshop.trade.carriers import Carrier
from littleshop.trade.trackers.contract import (
    Asked,
    PushRefused,
    Scan,
    Told,
    Unfollowed,
    fields,
    in_time,
    moment,
    rows,
    words,
)
from littleshop.wires import Answer, Wire

# Their states by code; three or four digits refine the first one or two. 304 is "signed" by a
# locker or a parcel shop: its recipient has nothing yet.
_STATES = {
    "0": "in_transit", "1": "picked_up", "2": "problem", "3": "delivered", "4": "returned",
    "5": "out_for_delivery", "6": "returning", "7": "in_transit", "8": "in_transit",
    "10": "in_transit", "11": "in_transit", "12": "in_transit", "13": "problem", "14": "problem",
    "101": "unknown", "102": "unknown", "304": "at_station", "401": "problem",
    "501": "at_station", "1001": "in_transit", "1002": "in_transit", "1003": "in_transit",
}  # fmt: skip
_NAMES = {
    "在途": "in_transit", "揽收": "picked_up", "疑难": "problem", "签收": "delivered",
    "退签": "returned", "派件": "out_for_delivery", "退回": "returning", "转投": "in_transit",
    "清关": "in_transit", "拒签": "problem",
}  # fmt: skip
_NEVER = frozenset({"700", "701", "702"})  # what they do not know, they will not know tomorrow
_LATER = frozenset({"500", "501", "502"})
_WANTS_PHONE = frozenset({"sf"})


class Kuaidi100:
    """One contract with Kuaidi100. Make it once per process, close it at shutdown."""

    name = "kuaidi100"
    answer_type = "application/json"

    def __init__(self, rail: Mapping[str, Any], wire: Wire | None = None) -> None:
        """`rail`: base_url, customer, key, salt (ours: pushes are signed with it)."""
        self._customer, self._key = str(rail["customer"]), str(rail["key"])
        self._salt = str(rail["salt"])
        secrets = [self._key, self._salt]
        base_url = str(rail["base_url"]).rstrip("/")
        self._wire = wire or Wire("courier", base_url, secrets=secrets)

    async def disconnect(self) -> None:
        """Let the connections go."""
        await self._wire.close()

    def follows(self, carrier: Carrier) -> bool:
        """All couriers: of one we do not know they find out by the number."""
        return True

    async def subscribe(self, asked: Asked) -> None:
        """POST /poll. Raises Unfollowed, GatewayError."""
        unknown = asked.carrier.kuaidi100 == "auto"
        parameters = {
            "callbackurl": asked.callback_url,
            "salt": self._salt,
            "resultv2": "4",
            **({"autoCom": "1"} if unknown else {}),
            **_phone(asked),
        }
        told = {
            "company": "" if unknown else asked.carrier.kuaidi100,
            "number": asked.number,
            "key": self._key,
            "parameters": parameters,
        }
        form = {"schema": "json", "param": _text(told)}
        said = self._read(await self._wire.post("/poll", form=form))
        code = str(said.get("returnCode", ""))
        if said.get("result") is True or code in ("200", "501"):  # 501: asked before
            return
        self._refuse(code, said)

    async def query(self, asked: Asked) -> Told | None:
        """POST /poll/query.do. Raises GatewayError, Unfollowed."""
        if asked.carrier.kuaidi100 == "auto":
            return None  # asking wants a courier; what was subscribed is pushed all the same
        param = _text(
            {"com": asked.carrier.kuaidi100, "num": asked.number, "resultv2": "4", **_phone(asked)}
        )
        sign = signed(f"{param}{self._key}{self._customer}")
        form = {"customer": self._customer, "param": param, "sign": sign}
        said = self._read(await self._wire.post("/poll/query.do", form=form))
        if str(said.get("status")) == "200":
            return _told(said)
        code = str(said.get("returnCode", ""))
        if code in _LATER:
            return None
        self._refuse(code, said)
        return None

    def parse_push(self, body: bytes) -> tuple[Told, ...]:
        """`param` and `sign` of a form. Raises PushRefused."""
        try:
            form = parse_qs(body.decode(), max_num_fields=20, keep_blank_values=True)
            [param], [sign] = form["param"], form["sign"]
            if not hmac.compare_digest(sign.encode(), signed(f"{param}{self._salt}").encode()):
                raise PushRefused("signature")
            pushed = fields(json.loads(param))
        except PushRefused:
            raise
        except (ValueError, KeyError, RecursionError) as fault:
            raise PushRefused("malformed") from fault
        told = _told(fields(pushed.get("lastResult")))
        ended = str(pushed.get("status")) in ("shutdown", "abort")
        return (Told(told.number, told.scans, over=ended),)

    def answer(self, at: datetime, *, heard: bool) -> bytes:
        """Their own words for a yes and a no; after a no it is pushed again."""
        said = ("200", "成功") if heard else ("500", "签名不正确")
        return _text({"result": heard, "returnCode": said[0], "message": said[1]}).encode()

    def _read(self, answer: Answer) -> Mapping[str, Any]:
        self._wire.refuse(answer)
        try:
            return fields(json.loads(answer.body))
        except (ValueError, RecursionError):
            raise GatewayError("kuaidi100 answered no JSON", retryable=True) from None

    def _refuse(self, code: str, said: Mapping[str, Any]) -> None:
        """Raises Unfollowed or GatewayError."""
        why = self._wire.scrub(f"{code} {words(said.get('message'))}"[:200])
        if code in _NEVER:
            raise Unfollowed(why)
        raise GatewayError(f"kuaidi100 refused: {why}", retryable=code in _LATER)


def signed(text: str) -> str:
    """MD5, upper case (theirs: it protects nothing but against accidents and strangers)."""
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest().upper()


def _text(told: Mapping[str, Any]) -> str:
    return json.dumps(told, ensure_ascii=False, separators=(",", ":"))


def _phone(asked: Asked) -> dict[str, str]:
    wanted = asked.carrier.code in _WANTS_PHONE and asked.phone_tail
    return {"phone": asked.phone_tail} if wanted else {}


def _told(result: Mapping[str, Any]) -> Told:
    """A result: its rows come newest first, and the state of all of it is that of the newest."""
    listed = rows(result.get("data"))
    scans = []
    for place, row in enumerate(listed):
        at = moment(row.get("ftime")) or moment(row.get("time"))
        if at is None:
            continue
        state = _state(row.get("statusCode")) or _state(row.get("status"))
        if place == 0:  # of old contracts the whole alone has a state
            state = state or _state(result.get("state"))
        scans.append(Scan(at, state or "in_transit", words(row.get("context"))))
    return Told(words(result.get("nu")), in_time(scans))


def _state(code: object) -> str | None:
    text = str(code if code is not None else "").strip()
    if text in _STATES:
        return _STATES[text]
    if len(text) in (3, 4) and text.isdigit():
        return _STATES.get(text[0])
    return _NAMES.get(text)
