"""KDNiao: one address for every call, told apart by RequestType (PROTOCOLS 8.2).

DataSign is base64 over the *hexadecimal* MD5 of the text and the key. News are pushed to one
address that is set in their console; `Callback` is what we said and hear again.
"""

from __future__ import annotations

import base64
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
    BEIJING,
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

PATH = "/Ebusiness/EbusinessOrderHandle.aspx"
PUSHES = ("101", "102")
_STATES = {
    "0": "unknown", "1": "picked_up", "2": "in_transit", "3": "delivered", "4": "problem",
    "201": "in_transit", "202": "out_for_delivery", "211": "at_station", "311": "delivered",
    "404": "returning", "412": "at_station",
}  # fmt: skip
_WANTS_PHONE = frozenset({"sf"})
_DENIED = ("非法", "签名", "密钥", "余额", "欠费", "权限", "过期")  # it is about us, not the parcel


class Kdniao:
    """One contract with KDNiao. Make it once per process, close it at shutdown."""

    name = "kdniao"
    answer_type = "application/json"

    def __init__(self, rail: Mapping[str, Any], wire: Wire | None = None) -> None:
        """`rail`: base_url, business_id, key; `query_type` 1002 (free) or 8001 (paid),
        `subscribe_type` 1008 or 8008."""
        self._business_id, self._key = str(rail["business_id"]), str(rail["key"])
        self._query = str(rail.get("query_type") or "1002")
        self._subscribe = str(rail.get("subscribe_type") or "1008")
        base_url = str(rail["base_url"]).rstrip("/")
        self._wire = wire or Wire("courier", base_url, secrets=[self._key])

    async def disconnect(self) -> None:
        """Let the connections go."""
        await self._wire.close()

    def follows(self, carrier: Carrier) -> bool:
        """Couriers that have a code there."""
        return bool(carrier.kdniao)

    async def subscribe(self, asked: Asked) -> None:
        """RequestType 1008. Raises Unfollowed, GatewayError."""
        self._accepted(
            await self._call(self._subscribe, {**_parcel(asked), "Callback": asked.token})
        )

    async def query(self, asked: Asked) -> Told | None:
        """RequestType 1002 or 8001. Raises GatewayError, Unfollowed."""
        said = await self._call(self._query, _parcel(asked))
        told = _told(said)
        if told.scans or str(said.get("State")) == "0":
            return told
        self._accepted(said)
        return None

    def parse_push(self, body: bytes) -> tuple[Told, ...]:
        """`RequestData`, `RequestType` and `DataSign` of a form. Raises PushRefused."""
        try:
            form = parse_qs(body.decode(), max_num_fields=20, keep_blank_values=True)
            [text], [sign], [kind] = form["RequestData"], form["DataSign"], form["RequestType"]
            if not hmac.compare_digest(sign.encode(), signed(text, self._key).encode()):
                raise PushRefused("signature")
            pushed = fields(json.loads(text))
        except PushRefused:
            raise
        except (ValueError, KeyError, RecursionError) as fault:
            raise PushRefused("malformed") from fault
        if kind not in PUSHES or str(pushed.get("EBusinessID")) != self._business_id:
            raise PushRefused("not_ours")
        return tuple(_told(each) for each in rows(pushed.get("Data")))

    def answer(self, at: datetime, *, heard: bool) -> bytes:
        """Their own words for a yes and a no; after a no it is pushed again."""
        said = {
            "EBusinessID": self._business_id,
            "UpdateTime": at.astimezone(BEIJING).strftime("%Y-%m-%d %H:%M:%S"),
            "Success": heard,
            "Reason": "" if heard else "签名不正确",
        }
        return _text(said).encode()

    async def _call(self, kind: str, told: Mapping[str, Any]) -> Mapping[str, Any]:
        text = _text(told)
        form = {
            "RequestData": text,
            "EBusinessID": self._business_id,
            "RequestType": kind,
            "DataSign": signed(text, self._key),
            "DataType": "2",
        }
        return self._read(await self._wire.post(PATH, form=form))

    def _read(self, answer: Answer) -> Mapping[str, Any]:
        self._wire.refuse(answer)
        try:
            return fields(json.loads(answer.body))
        except (ValueError, RecursionError):
            raise GatewayError("kdniao answered no JSON", retryable=True) from None

    def _accepted(self, said: Mapping[str, Any]) -> None:
        """Raises Unfollowed or GatewayError unless they said yes."""
        if said.get("Success") is True:
            return
        why = self._wire.scrub(words(said.get("Reason"))[:200])
        if not why or any(word in why for word in _DENIED):
            raise GatewayError(f"kdniao refused: {why}", retryable=not why)
        raise Unfollowed(why)


def signed(text: str, key: str) -> str:
    """base64 of the hexadecimal MD5; what a form needs beyond that, the form does."""
    digest = hashlib.md5(f"{text}{key}".encode(), usedforsecurity=False).hexdigest()
    return base64.b64encode(digest.encode()).decode()


def _text(told: Mapping[str, Any]) -> str:
    return json.dumps(told, ensure_ascii=False, separators=(",", ":"))


def _parcel(asked: Asked) -> dict[str, str]:
    """ShipperCode and LogisticCode; CustomerName is the phone's tail where a courier wants it."""
    told = {"ShipperCode": asked.carrier.kdniao, "LogisticCode": asked.number}
    if asked.carrier.code in _WANTS_PHONE and asked.phone_tail:
        told["CustomerName"] = asked.phone_tail
    return told


def _told(result: Mapping[str, Any]) -> Told:
    """A result: traces come oldest first; the state of all of it is that of the newest."""
    scans = []
    for trace in rows(result.get("Traces")):
        at = moment(trace.get("AcceptTime"))
        if at is not None:
            state = _STATES.get(str(trace.get("Action") or ""))
            scans.append(Scan(at, state or "", words(trace.get("AcceptStation"))))
    whole = result.get("StateEx") or result.get("State")
    last = max(range(len(scans)), key=lambda place: (scans[place].at, place), default=-1)
    for place, scan in enumerate(scans):
        if not scan.state:
            state = _state(whole) if place == last else "in_transit"
            scans[place] = Scan(scan.at, state, scan.words)
    token = result.get("Callback") or result.get("CallBack") or ""
    return Told(words(result.get("LogisticCode")), in_time(scans), token=str(token)[:100])


def _state(code: object) -> str:
    text = str(code if code is not None else "").strip()
    return _STATES.get(text) or _STATES.get(text[:1], "in_transit")
