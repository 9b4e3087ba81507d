"""open.weixin.qq.com and api.weixin.qq.com: who is in front of the page (PROTOCOLS 1.4).

Whoever opens the sandbox in a browser is one person of WeChat, remembered by a cookie; for every
official account he has another openid. As with snsapi_base in life, nobody is asked.
"""

import hashlib
import secrets
from datetime import timedelta
from urllib.parse import urlencode, urlsplit

from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response

from sandbox.clock import stamp
from sandbox.pages import problem
from sandbox.wechat_pay import merchants
from sandbox.world import World, world_of

COOKIE = "weixin_person"
CODE_LIFE = timedelta(minutes=5)


async def authorize(request: Request) -> Response:
    """GET /wechat/connect/oauth2/authorize: a code for the page that asked, once."""
    world, told = world_of(request), request.query_params
    if merchants.of_app(world, told.get("appid", "")) is None:
        return problem(request, "10013", "AppID错误")
    if told.get("response_type") != "code" or told.get("scope") != "snsapi_base":
        return problem(request, "10005", "Scope参数错误或没有Scope权限")
    back = urlsplit(told.get("redirect_uri", ""))
    is_page = back.scheme in {"http", "https"} and bool(back.hostname)
    if not is_page or len(told.get("state", "")) > 128:
        return problem(request, "10003", "redirect_uri域名与后台配置不一致")
    person = person_of(request)
    openid = openid_of(world, told["appid"], person)
    code = secrets.token_hex(16)
    world.store.run(
        "insert into wechat_codes (code, appid, openid, expires_at) values (?, ?, ?, ?)",
        code,
        told["appid"],
        openid,
        stamp(world.clock.now() + CODE_LIFE),
    )
    joint = "&" if back.query else "?"
    query = urlencode({"code": code, "state": told.get("state", "")})
    answer = RedirectResponse(f"{told['redirect_uri']}{joint}{query}", 302)
    remember(answer, person)
    return answer


def person_of(request: Request) -> str:
    """Who opens this page: known by a cookie, or somebody new."""
    known = request.cookies.get(COOKIE, "")
    return known if known.isalnum() and len(known) == 32 else secrets.token_hex(16)


def remember(answer: Response, person: str) -> None:
    """Know this browser again."""
    answer.set_cookie(COOKIE, person, path="/wechat", httponly=True, samesite="lax")


def openid_of(world: World, appid: str, person: str) -> str:
    """The openid of a person for one official account, the same every time."""
    digest = hashlib.sha256(f"{appid} {person}".encode()).hexdigest()
    openid = f"o{digest[:27]}"
    world.store.run(
        "insert into wechat_people (appid, openid, person) values (?, ?, ?) on conflict do nothing",
        appid,
        openid,
        person,
    )
    return openid


async def access_token(request: Request) -> Response:
    """GET /wechat/sns/oauth2/access_token: a code becomes an openid. Always HTTP 200."""
    return JSONResponse(_exchange(world_of(request), dict(request.query_params)))


def _exchange(world: World, told: dict[str, str]) -> dict[str, object]:
    merchant = merchants.of_app(world, told.get("appid", ""))
    if merchant is None:
        return {"errcode": 40013, "errmsg": "invalid appid"}
    if told.get("secret") != merchant["app_secret"]:
        return {"errcode": 40125, "errmsg": "invalid appsecret"}
    if told.get("grant_type") != "authorization_code":
        return {"errcode": 40002, "errmsg": "invalid grant_type"}
    if world.faults.strikes("wechat_pay.login.busy"):
        return {"errcode": -1, "errmsg": "system error"}
    code = world.store.one(
        "select * from wechat_codes where code = ? and appid = ?",
        told.get("code", ""),
        merchant["appid"],
    )
    if code is None or code["expires_at"] <= stamp(world.clock.now()):
        return {"errcode": 40029, "errmsg": "invalid code"}
    if code["used"]:
        return {"errcode": 40163, "errmsg": "code been used"}
    world.store.run("update wechat_codes set used = 1 where code = ?", code["code"])
    return {
        "access_token": secrets.token_hex(32),
        "expires_in": 7200,
        "refresh_token": secrets.token_hex(32),
        "openid": code["openid"],
        "scope": "snsapi_base",
    }


async def bridge(_request: Request) -> Response:
    """GET /wechat/bridge.js: stands in for the bridge that WeChat's own browser has."""
    return Response(
        BRIDGE,
        media_type="text/javascript; charset=utf-8",
        headers={"Cache-Control": "max-age=300", "Cross-Origin-Resource-Policy": "cross-origin"},
    )


BRIDGE = """(function () {
  "use strict";
  if (window.WeixinJSBridge) { return; }
  var here = new URL(document.currentScript.src).origin;
  var pages = {getBrandWCPayRequest: "/wechat/jsapi", requestMerchantTransfer: "/wechat/transfer"};
  function said(name) {  // WeChat names this one otherwise in its answer
    return name === "getBrandWCPayRequest" ? "get_brand_wcpay_request" : name;
  }
  // In life the cashier slides over the page and the page is told how it ended. Here the page is
  // left for the sandbox's cashier, which leads back to it with #wechat=ok or #wechat=cancel: the
  // next call is the one that was under way, and is told that. The Back button is a cancel too.
  var came = /^#wechat=(ok|cancel)$/.exec(location.hash);
  var moved = performance.getEntriesByType("navigation")[0];
  var ended = came ? came[1] : moved && moved.type === "back_forward" ? "cancel" : null;
  if (came) { history.replaceState(null, "", location.pathname + location.search); }
  window.WeixinJSBridge = {
    invoke: function (name, told, heard) {
      var word = pages[name] ? ended : "fail";
      ended = null;
      if (word) {
        if (heard) { heard({err_msg: said(name) + ":" + word}); }
        return;
      }
      var query = new URLSearchParams(told || {});
      query.set("back", location.href.split("#")[0]);
      location.assign(here + pages[name] + "?" + query.toString());
    },
    call: function () {},
    on: function () {}
  };
  setTimeout(function () { document.dispatchEvent(new Event("WeixinJSBridgeReady")); }, 0);
})();
"""
