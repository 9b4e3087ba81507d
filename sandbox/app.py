"""All routes of the sandbox, and the two guards in front of them."""

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from sandbox import wechat_official
from sandbox.alipay import bills, cashier, gateway, sellers
from sandbox.baidu_wallet import cashier as baidu_cashier
from sandbox.baidu_wallet import gateway as baidu_gateway
from sandbox.bank import wire
from sandbox.clock import standing_at, unstamp
from sandbox.control import alipay as alipay_control
from sandbox.control import api, books, history, panel
from sandbox.control import baidu_wallet as baidu_control
from sandbox.control import courier as courier_control
from sandbox.control import stripe as stripe_control
from sandbox.control import wechat_pay as wechat_control
from sandbox.courier import kdniao, kuaidi100
from sandbox.pages import icon, policy, stylesheet
from sandbox.stripe import api as stripe_api
from sandbox.stripe import checkout as stripe_checkout
from sandbox.wechat_pay import cashier as wechat_cashier
from sandbox.wechat_pay import gateway as wechat_gateway
from sandbox.wechat_pay import login as wechat_login
from sandbox.wechat_pay import sellers as wechat_sellers
from sandbox.wechat_pay import transfers as wechat_transfers
from sandbox.wires import identity, push, sms
from sandbox.world import World


async def healthz(_request: Request) -> Response:
    """GET /healthz"""
    return JSONResponse({"ok": True})


def _rails() -> list[Route]:
    """What merchants and buyers reach."""
    return [
        Route("/alipay/gateway.do", gateway.gateway, methods=["GET", "POST"]),
        Route("/alipay/qr/{trade_no}", cashier.scan),
        Route("/alipay/cashier/{trade_no}", cashier.show),
        Route("/alipay/cashier/{trade_no}/pay", cashier.pay, methods=["POST"]),
        Route("/alipay/cashier/{trade_no}/leave", cashier.leave, methods=["POST"]),
        Route("/alipay/sign/{order_id}", sellers.show),
        Route("/alipay/sign/{order_id}", sellers.agree, methods=["POST"]),
        Route("/alipay/bill.zip", bills.download),
        Route("/bank/pain.001", wire.take_pain001, methods=["POST"]),
        Route("/bank/pain.002", wire.give_pain002),
        Route("/bank/camt.053", wire.give_camt053),
        Route("/bank/sub-ledger", wire.take_sub_ledger, methods=["POST"]),
        Route("/sms/aliyun", sms.send, methods=["POST"]),
        Route("/sms/aliyun/", sms.send, methods=["POST"]),
        Route("/inbox", sms.inbox),
        Route("/inbox.json", sms.inbox_json),
        Route("/identity/verify", identity.verify, methods=["POST"]),
        Route("/push/subscriptions", push.new_subscription, methods=["POST"]),
        Route("/push/{id}.json", push.read),
        Route("/push/{id}", push.receive, methods=["POST"]),
        Route("/push/{id}", push.drop, methods=["DELETE"]),
    ]


def _wechat() -> list[Route]:
    """WeChat Pay, its cashier, WeChat's login, and what a test or a person may do to them."""
    post, control = ["POST"], "/control/wechat_pay"
    trade, answering = control + "/trades/{out_trade_no}", api.answering
    return [
        Route("/wechat/v3/{rest:path}", wechat_gateway.gateway, methods=["GET", "POST"]),
        Route("/wechat/h5", wechat_cashier.phone),
        Route("/wechat/qr/{prepay_id}", wechat_cashier.scan),
        Route("/wechat/jsapi", wechat_cashier.inside),
        Route("/wechat/cashier/{prepay_id}", wechat_cashier.show),
        Route("/wechat/cashier/{prepay_id}/pay", wechat_cashier.pay, methods=post),
        Route("/wechat/cashier/{prepay_id}/leave", wechat_cashier.leave, methods=post),
        Route("/wechat/sign/{applyment_id}", wechat_sellers.show),
        Route("/wechat/sign/{applyment_id}", wechat_sellers.agree, methods=post),
        Route("/wechat/transfer", wechat_transfers.show),
        Route("/wechat/transfer", wechat_transfers.take, methods=post),
        Route("/wechat/bridge.js", wechat_login.bridge),
        Route("/wechat/connect/oauth2/authorize", wechat_login.authorize),
        Route("/wechat/sns/oauth2/access_token", wechat_login.access_token),
        Route("/wechat/cgi-bin/stable_token", wechat_official.stable_token, methods=post),
        Route("/wechat/cgi-bin/ticket/getticket", wechat_official.ticket),
        Route("/wechat/cgi-bin/message/template/send", wechat_official.tell, methods=post),
        Route("/wechat/jweixin.js", wechat_official.jweixin),
        Route("/wechat/jssdk/check.js", wechat_official.check),
        Route(control + "/merchants", answering(wechat_control.merchant), methods=post),
        Route(control + "/certificates/rotate", answering(wechat_control.rotate), methods=post),
        Route(control + "/history", answering(wechat_control.past), methods=post),
        Route(trade, answering(wechat_control.trade)),
        Route(trade + "/pay", answering(wechat_control.pay), methods=post),
        Route(trade + "/resend", answering(wechat_control.resend), methods=post),
        Route(trade + "/notices", answering(wechat_control.told_of), methods=["GET", "POST"]),
        Route(
            control + "/refunds/{out_refund_no}/unstick",
            answering(wechat_control.unstick),
            methods=post,
        ),
        Route(
            control + "/applyments/{out_request_no}/sign",
            answering(wechat_control.sign),
            methods=post,
        ),
        Route(
            control + "/transfers/{out_bill_no}/confirm",
            answering(wechat_control.confirm),
            methods=post,
        ),
    ]


def _stripe() -> list[Route]:
    """Everything of Stripe."""
    post, control, act = ["POST"], "/control/stripe", stripe_control
    payment = control + "/payments/{reference}"
    return [
        Route("/stripe/v1/{rest:path}", stripe_api.door, methods=["GET", "POST"]),
        Route("/stripe/pay/{session}", stripe_checkout.show),
        Route("/stripe/pay/{session}/pay", stripe_checkout.pay, methods=post),
        Route("/stripe/pay/{session}/leave", stripe_checkout.leave, methods=post),
        Route(control + "/accounts", api.answering(act.account), methods=post),
        Route(control + "/webhooks", api.answering(act.webhook), methods=post),
        Route(control + "/webhooks/roll", api.answering(act.roll), methods=post),
        Route(control + "/payouts", api.answering(act.pay_out), methods=post),
        Route(control + "/refunds/{refund}/fail", api.answering(act.fail_refund), methods=post),
        Route(payment, api.answering(act.payment)),
        Route(payment + "/pay", api.answering(act.pay), methods=post),
        Route(payment + "/settle", api.answering(act.settle), methods=post),
        Route(payment + "/resend", api.answering(act.resend), methods=post),
        Route(payment + "/dispute", api.answering(act.dispute), methods=post),
        Route(payment + "/dispute/close", api.answering(act.decide), methods=post),
        Route(payment + "/notices", api.answering(act.told_of), methods=["GET", "POST"]),
    ]


def _baidu() -> list[Route]:
    """Baidu Wallet: its calls, its cashier, its control."""
    post, control, act = ["POST"], "/control/baidu_wallet", baidu_control
    trade, page = control + "/trades/{order_no}", "/baidu/cashier/{bfb_order_no}"
    doors = ("wapdirect", "wapdirect/0", "direct", "direct/0")
    return [
        *(Route(f"/baidu/api/0/pay/0/{door}", baidu_gateway.open_cashier) for door in doors),
        *(Route(f"/baidu/{path}", baidu_gateway.call) for path in baidu_gateway.ACTS),
        Route(page, baidu_cashier.show),
        Route(page + "/pay", baidu_cashier.pay, methods=post),
        Route(page + "/leave", baidu_cashier.leave, methods=post),
        Route(control + "/merchants", api.answering(act.merchant), methods=post),
        Route(trade, api.answering(act.trade)),
        Route(trade + "/pay", api.answering(act.pay), methods=post),
        Route(trade + "/resend", api.answering(act.resend), methods=post),
        Route(trade + "/notices", api.answering(act.told_of), methods=["GET", "POST"]),
    ]


def _couriers() -> list[Route]:
    """Both tracking services, and what a test or a person may do to parcels."""
    post, control, act = ["POST"], "/control/courier", courier_control
    parcel, answering = control + "/parcels/{number}", api.answering
    return [
        Route("/courier/kuaidi100/poll", kuaidi100.poll, methods=post),
        Route("/courier/kuaidi100/poll/query.do", kuaidi100.query, methods=post),
        Route("/courier/kdniao/Ebusiness/EbusinessOrderHandle.aspx", kdniao.handle, methods=post),
        Route(control + "/keys", answering(act.key), methods=post),
        Route(control + "/kdniao", answering(act.bird), methods=post),
        Route(control + "/history", answering(act.past), methods=post),
        Route(parcel, answering(act.parcel)),
        Route(parcel + "/scan", answering(act.scan), methods=post),
        Route(parcel + "/resend", answering(act.resend), methods=post),
        Route("/control/page/courier/{number}/{state:str}", act.press, methods=post),
    ]


def _controls() -> list[Route]:
    """What the demo's supervisor, tests and the person at the control page reach."""
    both, post = ["GET", "POST"], ["POST"]
    trade = "/control/alipay/trades/{out_trade_no}"
    return [
        Route("/control", panel.show),
        Route("/control/trades/{trade_no}", panel.show_trade),
        Route("/control/page/faults", panel.change_faults, methods=post),
        Route("/control/page/clock", panel.move_clock, methods=post),
        Route("/control/page/trades/{trade_no}/{act:str}", panel.act_on_trade, methods=post),
        Route("/control/alipay/apps", api.answering(api.alipay_app), methods=post),
        Route("/control/alipay/keys/rotate", api.answering(api.rotate_keys), methods=post),
        Route("/control/alipay/history", api.answering(history.alipay), methods=post),
        Route(
            "/control/alipay/sellers/{external_id}/{act}",
            api.answering(alipay_control.decide),
            methods=post,
        ),
        Route(
            "/control/page/alipay/sellers/{external_id}/{act}",
            panel.decide,
            methods=post,
        ),
        Route(
            "/control/alipay/transfers/{out_biz_no}/return",
            api.answering(alipay_control.send_back),
            methods=post,
        ),
        Route("/control/page/alipay/transfers/{order_id}", panel.send_back, methods=post),
        Route("/control/bank/accounts", api.answering(api.bank_account), methods=post),
        Route("/control/sms/keys", api.answering(api.sms_key), methods=post),
        Route("/control/sms/templates", api.answering(api.sms_template), methods=post),
        Route("/control/identity/keys", api.answering(api.identity_key), methods=post),
        Route("/control/mail", api.answering(api.mail), methods=post),
        Route("/control/clock", api.answering(api.clock), methods=both),
        Route("/control/faults", api.answering(api.faults), methods=both),
        Route("/control/faults/clear", api.answering(api.clear_faults), methods=post),
        Route(trade, api.answering(api.trade)),
        Route(trade + "/pay", api.answering(api.pay), methods=post),
        Route(trade + "/resend", api.answering(api.resend), methods=post),
        Route(trade + "/notices", api.answering(api.trade_notices), methods=both),
    ]


GUARDED = (
    "/control",
    "/alipay/cashier",
    "/alipay/sign",
    "/wechat/cashier",
    "/wechat/sign",
    "/wechat/transfer",
    "/stripe/pay",
    "/baidu/cashier",
)


class Guard:
    """Refuses control posts from other sites, and forbids scripts on whatever is answered."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or answer 403."""
        headers = dict(scope["headers"])
        foreign = headers.get(b"sec-fetch-site", b"none") not in {b"none", b"same-origin"}
        guarded = scope["path"].startswith(GUARDED)
        if foreign and guarded and scope["method"] != "GET":
            await PlainTextResponse("another site may not press here\n", 403)(scope, receive, send)
            return

        async def strict(message: dict[str, object]) -> None:
            found = message.get("headers")
            if isinstance(found, list) and not any(
                name == b"content-security-policy" for name, _ in found
            ):
                found.append((b"content-security-policy", policy().encode()))
                found.append((b"x-content-type-options", b"nosniff"))
            await send(message)

        await self.app(scope, receive, strict)  # type: ignore[arg-type]


class Past:
    """`/at/<stamp>/bank/...` is the same wire as it answered at a moment that is over.

    For the demo alone: what it plays before it begins is said to the real rails, at its time.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Take the moment off the address and pass the request on."""
        if scope["type"] != "http" or not scope["path"].startswith("/at/"):
            await self.app(scope, receive, send)
            return
        said, _, rest = scope["path"].removeprefix("/at/").partition("/")
        try:
            moment = unstamp(said)
        except ValueError:
            await PlainTextResponse("no such moment\n", 404)(scope, receive, send)
            return
        path = f"/{rest}"
        moved = {"path": path, "raw_path": path.encode(), "said_path": scope["raw_path"]}
        with standing_at(moment):
            await self.app({**scope, **moved}, receive, send)


def build(world: World) -> ASGIApp:
    """The application over one world."""
    pages = [
        Route("/", panel.home),
        Route("/sandbox.css", stylesheet),
        Route("/sandbox.svg", icon),
        Route("/books.json", books.everything),
        Route("/healthz", healthz),
    ]
    rails = [*_rails(), *_wechat(), *_stripe(), *_baidu(), *_couriers()]
    app = Starlette(routes=[*pages, *rails, *_controls()])
    app.state.world = world
    return Past(Guard(app))
