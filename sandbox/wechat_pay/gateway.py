"""/wechat/v3/...: check everything, act once, answer signed (PROTOCOLS 1.1)."""

import json
import re
from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp

from sandbox.alipay.keys import new_private_key, verify
from sandbox.store import Row
from sandbox.wechat_pay import media, merchants, methods, platforms, settling
from sandbox.wechat_pay.keys import sign_headers
from sandbox.wechat_pay.methods import Call
from sandbox.wechat_pay.orders import Denied
from sandbox.world import Silence, World, world_of

SCHEME = "WECHATPAY2-SHA256-RSA2048 "
PART = re.compile(r'(\w+)="([^"]*)"(?:,|$)')
PARTS = {"mchid", "nonce_str", "signature", "timestamp", "serial_no"}
SKEW_SECONDS = 300
METHODS = [*methods.METHODS, *platforms.METHODS]


@dataclass(frozen=True)
class Said:
    """An answer before it is signed; `body` is what is signed. Files are not."""

    status: int
    body: bytes
    is_file: bool = False


async def gateway(request: Request) -> Response | ASGIApp:
    """The one door for every call."""
    world, content = world_of(request), await request.body()
    path = "/v3/" + request.path_params["rest"]
    here = (world.faults.word("wechat_pay.gateway.path") or "") in path
    if here and world.faults.strikes("wechat_pay.gateway.fail"):
        return Response(b"<html>502 Bad Gateway</html>", 502, media_type="text/html")
    try:
        upload = await media.read(request) if path == media.PATH else None
        merchant = _proven(world, request, upload.meta if upload else content)
    except Denied as no:
        return Response(_refusal(no).body, no.status, media_type="application/json")
    if here and world.faults.strikes("wechat_pay.gateway.busy"):
        said = _refusal(Denied(429, "FREQUENCY_LIMITED", "频率超限"))
        return _signed(world, merchant, said)
    said = _act(world, merchant, request, path, content, upload)
    return _perhaps_broken(world, merchant, said) if here else _signed(world, merchant, said)


def _act(
    world: World,
    merchant: Row,
    request: Request,
    path: str,
    content: bytes,
    upload: media.Upload | None,
) -> Said:
    """What WeChat does, and says."""
    try:
        settling.settle_due(world)
        act, named = _method(request.method, path)
        query = dict(request.query_params)
        sealed_by = request.headers.get("wechatpay-serial", "")
        call = Call(world, merchant, named, query, content, sealed_by, upload)
    except Denied as no:
        return _refusal(no)
    with world.store.transaction():
        try:
            status, fields = act(call)
        except Denied as no:  # said before anything is written: only a counted fault is kept
            return _refusal(no)
    if isinstance(fields, bytes):
        return Said(status, fields, is_file=True)
    return Said(status, b"" if fields is None else _json(fields))


def _method(verb: str, path: str) -> tuple[methods.Method, dict[str, str]]:
    for wanted, pattern, act in METHODS:
        match = pattern.fullmatch(path)
        if match and wanted == verb:
            return act, match.groupdict()
    raise Denied(404, "NOT_FOUND", "请求的资源不存在")


def _proven(world: World, request: Request, content: bytes) -> Row:
    """The merchant who signed this request. Raises Denied."""
    _check_headers(request, content)
    told = request.headers.get("authorization", "")
    found = dict(PART.findall(told.removeprefix(SCHEME)))
    if not told.startswith(SCHEME) or set(found) != PARTS:
        raise Denied(401, "SIGN_ERROR", "Http头Authorization值格式错误")
    merchant = merchants.find(world, found["mchid"])
    if merchant is None or merchant["serial_no"] != found["serial_no"]:
        raise Denied(401, "SIGN_ERROR", "商户证书序列号有误")
    if not found["timestamp"].isdigit() or len(found["nonce_str"]) > 32:
        raise Denied(401, "SIGN_ERROR", "Http头Authorization值格式错误")
    if abs(world.clock.now().timestamp() - int(found["timestamp"])) > SKEW_SECONDS:
        raise Denied(401, "SIGN_ERROR", "Http头Authorization中的timestamp与当前时间相差过大")
    head = f"{request.method}\n{_target(request)}\n{found['timestamp']}\n{found['nonce_str']}\n"
    try:
        text = head + content.decode() + "\n"
    except UnicodeDecodeError as wrong:
        raise Denied(400, "PARAM_ERROR", "请求体不是UTF-8") from wrong
    if not verify(merchant["public_key"], text, found["signature"]):
        raise Denied(401, "SIGN_ERROR", "错误的签名，验签失败")
    return merchant


def _target(request: Request) -> str:
    """The path and query as they came, also for a wire of the past."""
    path = bytes(request.scope.get("said_path") or request.scope["raw_path"])
    query = bytes(request.scope["query_string"])
    return (path + (b"?" + query if query else b"")).decode("ascii", "replace")


def _check_headers(request: Request, content: bytes) -> None:
    accept = request.headers.get("accept", "")
    if not any(kind in accept for kind in ("application/json", "*/*")):
        raise Denied(406, "PARAM_ERROR", "Http头Accept不正确")
    if not request.headers.get("user-agent"):
        raise Denied(403, "PARAM_ERROR", "Http头缺少User-Agent")
    kind = request.headers.get("content-type", "")
    if content and not kind.startswith(("application/json", "multipart/form-data")):
        raise Denied(415, "PARAM_ERROR", "Http头Content-Type不正确")


def _refusal(no: Denied) -> Said:
    return Said(no.status, _json({"code": no.code, "message": no.words}))


def _json(fields: dict[str, object]) -> bytes:
    return json.dumps(fields, ensure_ascii=False, separators=(",", ":")).encode()


def _perhaps_broken(world: World, merchant: Row, said: Said) -> Response | ASGIApp:
    """The honest answer, unless a fault strikes; by now the money has moved."""
    faults = world.faults
    if faults.strikes("wechat_pay.gateway.timeout"):
        return Silence(faults.number("wechat_pay.gateway.timeout_seconds"))
    if faults.strikes("wechat_pay.gateway.malformed"):
        status = 200 if said.status == 204 else said.status
        half = said.body[: len(said.body) // 2].decode("utf-8", "ignore").encode()
        return _signed(world, merchant, Said(status, half or b"{"))
    if faults.strikes("wechat_pay.gateway.system_error"):
        said = _refusal(Denied(500, "SYSTEM_ERROR", "系统异常，请稍后重试"))
    if said.body and not said.is_file and faults.strikes("wechat_pay.gateway.awkward"):
        fields = {"store_name": '小店}"{/一号', **json.loads(said.body)}
        said = Said(said.status, _json(fields).replace(b"/", b"\\/"))
    if faults.strikes("wechat_pay.gateway.forge"):
        return _signed(world, merchant, said, new_private_key())
    return _signed(world, merchant, said)


def _signed(world: World, merchant: Row, said: Said, key: str | None = None) -> Response:
    if said.is_file:
        return Response(said.body, said.status, media_type="text/plain")
    headers = sign_headers(world, merchant, said.body, key)
    kind = "application/json" if said.body else None
    return Response(said.body, said.status, headers, media_type=kind)
