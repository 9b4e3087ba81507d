"""api.weixin.qq.com for an official account: its access token, its ticket, and its JS-SDK.

The account is the one beside a merchant (appid, app_secret). Token and ticket live for two hours;
asked again meanwhile, the same ones are given. `jweixin.js` stands in for WeChat's browser: it has
the signature checked here, with code that shares nothing with littleshop's, and keeps what the page
wants on its card.
"""

import hmac
import json
import secrets
from datetime import datetime, timedelta
from hashlib import sha1

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from sandbox.clock import stamp
from sandbox.wechat_pay import merchants
from sandbox.world import World, world_of

LIFE = timedelta(seconds=7200)
CLOSE = timedelta(minutes=5)  # so near to its end another one is given


async def stable_token(request: Request) -> Response:
    """POST /wechat/cgi-bin/stable_token. Always HTTP 200."""
    world = world_of(request)
    try:
        told = json.loads(await request.body())
    except ValueError:
        return JSONResponse({"errcode": 47001, "errmsg": "data format error"})
    account = merchants.of_app(world, str(told.get("appid", "")))
    if account is None:
        return JSONResponse({"errcode": 40013, "errmsg": "invalid appid"})
    if told.get("secret") != account["app_secret"]:
        return JSONResponse({"errcode": 40125, "errmsg": "invalid appsecret"})
    if told.get("grant_type") != "client_credential":
        return JSONResponse({"errcode": 40002, "errmsg": "invalid grant_type"})
    if world.faults.strikes("wechat_pay.login.busy"):
        return JSONResponse({"errcode": -1, "errmsg": "system error"})
    token, left = _lent(world, account["appid"], "token", fresh=told.get("force_refresh") is True)
    return JSONResponse({"access_token": token, "expires_in": left})


async def ticket(request: Request) -> Response:
    """GET /wechat/cgi-bin/ticket/getticket?access_token&type=jsapi. Always HTTP 200."""
    world, token = world_of(request), request.query_params.get("access_token", "")
    appid = world.store.setting(f"official token {token}") if token else None
    if appid is None or _current(world, appid, "token")[0] != token:
        return JSONResponse({"errcode": 40001, "errmsg": "invalid credential"})
    if request.query_params.get("type") != "jsapi":
        return JSONResponse({"errcode": 40097, "errmsg": "invalid args"})
    found, left = _lent(world, appid, "ticket")
    return JSONResponse({"errcode": 0, "errmsg": "ok", "ticket": found, "expires_in": left})


async def tell(request: Request) -> Response:
    """POST /wechat/cgi-bin/message/template/send?access_token: into the inbox of this openid.
    Always HTTP 200."""
    world, token = world_of(request), request.query_params.get("access_token", "")
    appid = world.store.setting(f"official token {token}") if token else None
    if appid is None or _current(world, appid, "token")[0] != token:
        return JSONResponse({"errcode": 40001, "errmsg": "invalid credential"})
    try:
        told = json.loads(await request.body())
        openid, template = str(told["touser"]), str(told["template_id"])
        words = [str(each["value"]) for each in dict(told["data"]).values()]
    except (ValueError, KeyError, TypeError):
        return JSONResponse({"errcode": 47001, "errmsg": "data format error"})
    if not template:
        return JSONResponse({"errcode": 40037, "errmsg": "invalid template_id"})
    if world.faults.strikes("wechat_pay.login.busy"):
        return JSONResponse({"errcode": -1, "errmsg": "system error"})
    if not world.store.one(
        "select 1 from wechat_people where appid = ? and openid = ?", appid, openid
    ):
        return JSONResponse({"errcode": 40003, "errmsg": "invalid openid"})
    if any(len(each) > 20 for each in words):
        return JSONResponse({"errcode": 47003, "errmsg": "argument invalid! data.thing"})
    text = " · ".join([*words, str(told.get("url", ""))])
    world.store.run(
        "insert into sms_messages (phone, text, code, at) values (?, ?, null, ?)",
        openid, text, stamp(world.clock.now()),
    )  # fmt: skip
    return JSONResponse({"errcode": 0, "errmsg": "ok", "msgid": secrets.randbelow(10**15)})


def _current(world: World, appid: str, kind: str) -> tuple[str, datetime | None]:
    """What was given last and until when, while it is good."""
    kept = world.store.setting(f"official {kind} of {appid}")
    if kept is None:
        return "", None
    value, until = kept.split(" ", 1)
    end = datetime.fromisoformat(until)
    return (value, end) if end > world.clock.now() else ("", None)


def _lent(world: World, appid: str, kind: str, *, fresh: bool = False) -> tuple[str, int]:
    now = world.clock.now()
    value, end = _current(world, appid, kind)
    if fresh or end is None or end - now < CLOSE:
        value, end = secrets.token_hex(32), now + LIFE
        world.store.set_setting(f"official {kind} of {appid}", f"{value} {stamp(end)}")
        if kind == "token":
            world.store.set_setting(f"official token {value}", appid)
    return value, int((end - now).total_seconds())


async def check(request: Request) -> Response:
    """GET /wechat/jssdk/check.js: what WeChat's browser asks before it believes wx.config."""
    world, told = world_of(request), request.query_params
    ticket, _ = _current(world, told.get("appid", ""), "ticket")
    signed = "&".join(
        f"{name}={value}"
        for name, value in (
            ("jsapi_ticket", ticket),
            ("noncestr", told.get("noncestr", "")),
            ("timestamp", told.get("timestamp", "")),
            ("url", told.get("url", "")),
        )
    )
    right = sha1(signed.encode(), usedforsecurity=False).hexdigest()
    fits = bool(ticket) and hmac.compare_digest(right, told.get("signature", ""))
    word = "config:ok" if fits else "config:invalid signature"
    return _script(f"window.wx._heard({json.dumps(fits)}, {json.dumps(word)});")


async def jweixin(_request: Request) -> Response:
    """GET /wechat/jweixin.js: stands in for res.wx.qq.com/open/js/jweixin-1.6.0.js."""
    return _script(JWEIXIN)


def _script(text: str) -> Response:
    headers = {"Cache-Control": "no-store", "Cross-Origin-Resource-Policy": "cross-origin"}
    return Response(text, media_type="text/javascript; charset=utf-8", headers=headers)


JWEIXIN = """(function () {
  "use strict";
  if (window.wx) { return; }
  var here = new URL(document.currentScript.src).origin;
  var believed = null, ready = [], failed = [];
  function card(name, fields) {
    return function (told) {
      var lacks = fields.filter(function (field) { return !told[field]; });
      if (!believed || lacks.length) {
        if (told.fail) { told.fail({errMsg: name + ":fail " + lacks.join(",")}); }
        return;
      }
      var kept = {};
      fields.forEach(function (field) { kept[field] = told[field]; });
      document.documentElement.setAttribute("data-" + name.toLowerCase(), JSON.stringify(kept));
      if (told.success) { told.success({errMsg: name + ":ok"}); }
    };
  }
  window.wx = {
    config: function (told) {
      var asked = document.createElement("script");
      asked.src = here + "/wechat/jssdk/check.js?" + new URLSearchParams({
        appid: told.appId, timestamp: told.timestamp, noncestr: told.nonceStr,
        signature: told.signature, url: location.href.split("#")[0]
      });
      document.head.append(asked);
    },
    _heard: function (fits, word) {
      believed = fits;
      (fits ? ready : failed).forEach(function (hear) { hear({errMsg: word}); });
    },
    ready: function (hear) { if (believed) { hear(); } else { ready.push(hear); } },
    error: function (hear) {
      if (believed === false) { hear({errMsg: "config:fail"}); } else { failed.push(hear); }
    },
    updateAppMessageShareData:
      card("updateAppMessageShareData", ["title", "desc", "link", "imgUrl"]),
    updateTimelineShareData: card("updateTimelineShareData", ["title", "link", "imgUrl"])
  };
})();
"""
