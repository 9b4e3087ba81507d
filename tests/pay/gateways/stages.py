"""Every rail's stage by name: the contract suite is played on each."""

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from functools import partial

from tests.pay.gateways.stage import Stage
from tests.pay.gateways.stage_alipay import alipay
from tests.pay.gateways.stage_baidu_wallet import baidu_wallet
from tests.pay.gateways.stage_stripe import stripe
from tests.pay.gateways.stage_wechat_pay import wechat_pay
from tests.sandbox_process import Sandbox

STAGES: dict[str, Callable[[Sandbox], AbstractAsyncContextManager[Stage]]] = {
    "alipay, plain key": partial(alipay, mode="key"),
    "alipay, certificates, held for a seller": partial(alipay, mode="cert", held=True),
    "wechat pay, public key": partial(wechat_pay, mode="key"),
    "wechat pay, certificates": partial(wechat_pay, mode="cert"),
    "wechat pay, held for a seller": partial(wechat_pay, mode="key", held=True),
    "stripe, dollars": partial(stripe, currency="USD"),
    "stripe, yen": partial(stripe, currency="JPY"),
    "baidu wallet, sha1": partial(baidu_wallet, sign_method="2"),
    "baidu wallet, md5": partial(baidu_wallet, sign_method="1"),
}
