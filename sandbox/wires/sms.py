"""SMS, compatible with Aliyun's SendSms of 2017-05-25 signed by ACS3-HMAC-SHA256.

Parameters are read from the form body alone: a phone number or a code in a URL ends up in
access logs, so here it simply does not count.
"""

import hashlib
import hmac
import json
import re
import secrets
from datetime import UTC, datetime, timedelta
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from sandbox.clock import BEIJING, stamp, unstamp
from sandbox.pages import render
from sandbox.store import Row
from sandbox.world import World, world_of

SKEW = timedelta(minutes=15)
AUTHORIZATION = re.compile(
    r"ACS3-HMAC-SHA256 Credential=([^,]+),\s*SignedHeaders=([^,]+),\s*Signature=([0-9a-f]{64})"
)
NEEDED = {"host", "x-acs-action", "x-acs-version", "x-acs-date", "x-acs-signature-nonce"}
PHONE = re.compile(r"(?:(?:\+|00)?86)?(1\d{10})|(?:\+|00)?([1-9]\d{6,14})", re.ASCII)
CODE = re.compile(r"(?<!\d)\d{4,8}(?!\d)", re.ASCII)


class Refusal(Exception):
    """The vendor's no: a Code, words and an HTTP status."""

    def __init__(self, code: str, words: str, status: int = 200) -> None:
        super().__init__(words)
        self.code = code
        self.status = status


def new_key(world: World) -> dict[str, str]:
    """A fresh access key."""
    key = {
        "access_key_id": "LTAI" + secrets.token_hex(10),
        "access_key_secret": secrets.token_urlsafe(24),
    }
    world.store.run(
        "insert into sms_keys (access_key_id, access_key_secret) values (?, ?)", *key.values()
    )
    return key


async def send(request: Request) -> Response:
    """POST /sms/aliyun: verify, write into the inbox, answer as the vendor does."""
    world, body = world_of(request), await request.body()
    request_id = secrets.token_hex(16).upper()
    if world.faults.strikes("sms.fail"):
        return JSONResponse({"Code": "InternalError", "RequestId": request_id}, 500)
    try:
        _verify(world, request, body)
        async with request.form() as form:
            params = {name: str(value) for name, value in form.items()}
        _deliver(world, params)
    except Refusal as no:
        answer = {"Code": no.code, "Message": str(no), "RequestId": request_id}
        return JSONResponse(answer, no.status)
    business = secrets.token_hex(10)
    answer = {"Code": "OK", "Message": "OK", "BizId": business, "RequestId": request_id}
    return JSONResponse(answer)


def _verify(world: World, request: Request, body: bytes) -> None:
    match = AUTHORIZATION.fullmatch(request.headers.get("authorization", ""))
    if not match:
        raise Refusal("IncompleteSignature", "no ACS3-HMAC-SHA256 Authorization", 400)
    key_id, names, given = match.groups()
    key = world.store.one("select * from sms_keys where access_key_id = ?", key_id)
    if key is None:
        raise Refusal("InvalidAccessKeyId.NotFound", "unknown access key", 404)
    signed = names.split(";")
    digest = hashlib.sha256(body).hexdigest()
    if NEEDED - set(signed) or signed != sorted(signed):
        raise Refusal("IncompleteSignature", "SignedHeaders lacks a header or an order", 400)
    if request.headers.get("x-acs-content-sha256") != digest:
        raise Refusal("InvalidContentSHA256", "x-acs-content-sha256 is not of this body", 400)
    text = _canonical(request, signed, digest)
    to_sign = "ACS3-HMAC-SHA256\n" + hashlib.sha256(text.encode()).hexdigest()
    wanted = hmac.new(key["access_key_secret"].encode(), to_sign.encode(), hashlib.sha256)
    if not hmac.compare_digest(wanted.hexdigest(), given):
        raise Refusal("SignatureDoesNotMatch", "the signature is not ours", 400)
    if request.headers["x-acs-action"] != "SendSms":
        raise Refusal("InvalidAction.NotFound", "only SendSms", 404)
    if request.headers["x-acs-version"] != "2017-05-25":
        raise Refusal("InvalidVersion", "only 2017-05-25", 400)
    _check_fresh(world, request)


def _canonical(request: Request, signed: list[str], digest: str) -> str:
    query = "&".join(
        f"{quote(name, safe='-_.~')}={quote(value, safe='-_.~')}"
        for name, value in sorted(request.query_params.multi_items())
    )
    headers = "".join(f"{name}:{request.headers.get(name, '').strip()}\n" for name in signed)
    path = request.scope["raw_path"].decode()
    return "\n".join([request.method, path, query, headers, ";".join(signed), digest])


def _check_fresh(world: World, request: Request) -> None:
    now = world.clock.now()
    try:
        at = datetime.strptime(request.headers["x-acs-date"], "%Y-%m-%dT%H:%M:%SZ")
    except ValueError:
        raise Refusal("InvalidTimeStamp.Format", "x-acs-date", 400) from None
    if abs(at.replace(tzinfo=UTC) - now) > SKEW:
        raise Refusal("InvalidTimeStamp.Expired", "x-acs-date is too far away", 400)
    world.store.run("delete from sms_nonces where at < ?", stamp(now - 2 * SKEW))
    nonce = request.headers["x-acs-signature-nonce"]
    if not world.store.run(
        "insert into sms_nonces (nonce, at) values (?, ?) on conflict do nothing",
        nonce,
        stamp(now),
    ):
        raise Refusal("SignatureNonceUsed", "this nonce was used before", 400)


def _deliver(world: World, params: dict[str, str]) -> None:
    for name in ("PhoneNumbers", "SignName", "TemplateCode"):
        if not params.get(name):
            raise Refusal(f"Missing{name}", f"{name} is missing", 400)
    try:
        filling = json.loads(params.get("TemplateParam") or "{}")
    except ValueError:
        raise Refusal("isv.INVALID_JSON_PARAM", "TemplateParam is not JSON") from None
    if not isinstance(filling, dict):
        raise Refusal("isv.INVALID_JSON_PARAM", "TemplateParam is not an object")
    phones = params["PhoneNumbers"].split(",")
    if not all(PHONE.fullmatch(phone) for phone in phones):
        raise Refusal("isv.MOBILE_NUMBER_ILLEGAL", "not a phone number")
    if world.faults.strikes("sms.limit"):
        raise Refusal("isv.BUSINESS_LIMIT_CONTROL", "触发分钟级流控Permits:1")
    text = _text(world, params, {name: str(value) for name, value in filling.items()})
    code = filling.get("code")
    found = CODE.search(str(code)) if code is not None else None
    for phone in phones:
        world.store.run(
            "insert into sms_messages (phone, text, code, at) values (?, ?, ?, ?)",
            plain(phone),
            text,
            found.group() if found else None,
            stamp(world.clock.now()),
        )


def _text(world: World, params: dict[str, str], filling: dict[str, str]) -> str:
    row = world.store.one("select text from sms_templates where code = ?", params["TemplateCode"])
    head = f"【{params['SignName']}】"
    if row is None:
        return head + " · ".join(filling.values())
    text = str(row["text"])
    for name, value in filling.items():
        text = text.replace(f"${{{name}}}", value)
    return head + text


def plain(phone: str) -> str:
    """A mainland number without its country code, others with; digits only."""
    match = PHONE.fullmatch(phone.strip().replace(" ", ""))
    if not match:
        return phone.strip()
    return match[1] or f"+{match[2]}"


def _messages(request: Request) -> list[Row]:
    world, phone = world_of(request), request.query_params.get("phone", "")
    number = plain(phone.replace(" ", "+", 1) if phone.startswith(" ") else phone)
    return world.store.all(
        "select * from sms_messages where ? in ('', phone) order by id desc limit 50", number
    )


async def inbox_json(request: Request) -> Response:
    """GET /inbox.json?phone= : newest first, [{phone, text, code, at}]."""
    return JSONResponse(
        [{name: row[name] for name in ("phone", "text", "code", "at")}
         for row in _messages(request)]
    )  # fmt: skip


async def inbox(request: Request) -> Response:
    """GET /inbox?phone= : the inbox of a phone, or of all, for people."""
    messages = [
        {**dict(row), "when": unstamp(row["at"]).astimezone(BEIJING).strftime("%m-%d %H:%M:%S")}
        for row in _messages(request)
    ]
    phone = request.query_params.get("phone", "").strip()
    return render(request, "inbox.html", messages=messages, phone=phone, refresh=5)
