"""The switchboard of things that go wrong on purpose.

A switch is `false`/`true` (always) or a whole number (that many next times). Settings
beside them carry an amount, a code or a span. All of it outlives the process.
"""

import json
from collections.abc import Mapping
from functools import partial

from sandbox.store import Store

Setting = bool | int | str | None

SWITCHES: dict[str, Setting] = {
    "alipay.notify.drop": 0,
    "alipay.notify.forge": False,
    "alipay.notify.old": False,
    "alipay.gateway.fail": 0,
    "alipay.gateway.busy": 0,
    "alipay.gateway.timeout": 0,
    "alipay.gateway.malformed": 0,
    "alipay.gateway.system_error": 0,
    "alipay.gateway.no_balance": 0,
    "alipay.gateway.awkward": False,
    "alipay.admission.refuse": 0,
    "alipay.admission.confirm": 0,
    "alipay.split.fail": 0,
    "alipay.card_payout.fail": 0,
    "alipay.transfer.fail": 0,
    "alipay.transfer.refund": 0,
    "alipay.bill.missing": 0,
    "alipay.bill.extra": 0,
    "alipay.bill.amount": 0,
    "alipay.bill.unknown": 0,
    "wechat_pay.notify.drop": 0,
    "wechat_pay.notify.forge": False,
    "wechat_pay.notify.old": False,
    "wechat_pay.notify.probe": 0,
    "wechat_pay.gateway.fail": 0,
    "wechat_pay.gateway.busy": 0,
    "wechat_pay.gateway.timeout": 0,
    "wechat_pay.gateway.malformed": 0,
    "wechat_pay.gateway.system_error": 0,
    "wechat_pay.gateway.forge": 0,
    "wechat_pay.gateway.awkward": False,
    "wechat_pay.cashier.after_close": 0,
    "wechat_pay.refund.no_balance": 0,
    "wechat_pay.refund.processing": 0,
    "wechat_pay.refund.abnormal": 0,
    "wechat_pay.login.busy": 0,
    "wechat_pay.admission.refuse": 0,
    "wechat_pay.split.fail": 0,
    "wechat_pay.withdraw.fail": 0,
    "wechat_pay.withdraw.refund": 0,
    "wechat_pay.transfer.fail": 0,
    "wechat_pay.bill.missing": 0,
    "wechat_pay.bill.extra": 0,
    "wechat_pay.bill.amount": 0,
    "wechat_pay.bill.unknown": 0,
    "wechat_pay.bill.corrupt": 0,
    "stripe.notify.drop": 0,
    "stripe.notify.forge": False,
    "stripe.notify.old": False,
    "stripe.api.fail": 0,
    "stripe.api.busy": 0,
    "stripe.api.timeout": 0,
    "stripe.api.malformed": 0,
    "stripe.api.system_error": 0,
    "stripe.checkout.processing": 0,
    "stripe.refund.no_balance": 0,
    "stripe.refund.pending": 0,
    "stripe.refund.fail": 0,
    "stripe.bill.missing": 0,
    "stripe.bill.extra": 0,
    "stripe.bill.amount": 0,
    "stripe.bill.unknown": 0,
    "baidu_wallet.notify.drop": 0,
    "baidu_wallet.notify.forge": False,
    "baidu_wallet.gateway.fail": 0,
    "baidu_wallet.gateway.busy": 0,
    "baidu_wallet.gateway.timeout": 0,
    "baidu_wallet.gateway.malformed": 0,
    "baidu_wallet.refund.no_balance": 0,
    "bank.fail": 0,
    "bank.timeout": 0,
    "bank.reject": 0,
    "bank.return": 0,
    "sms.limit": 0,
    "sms.fail": 0,
    "identity.mismatch": 0,
    "identity.fail": 0,
    "courier.fail": 0,
    "courier.notify.drop": 0,
    "courier.notify.forge": False,
    "push.gone": 0,
    "push.fail": 0,
}
NUMBERS: dict[str, Setting] = {
    "alipay.notify.delay_seconds": 0,
    "alipay.notify.copies": 1,
    "alipay.gateway.timeout_seconds": 20,
    "alipay.admission.after_seconds": 0,
    "alipay.split.after_seconds": 0,
    "alipay.transfer.after_seconds": 5,
    "alipay.fee_bps": 0,
    "wechat_pay.notify.delay_seconds": 0,
    "wechat_pay.notify.copies": 1,
    "wechat_pay.gateway.timeout_seconds": 20,
    "wechat_pay.refund.after_seconds": 60,
    "wechat_pay.admission.after_seconds": 0,
    "wechat_pay.split.after_seconds": 0,
    "wechat_pay.withdraw.after_seconds": 5,
    "wechat_pay.fee_bps": 0,
    "stripe.notify.delay_seconds": 0,
    "stripe.notify.copies": 1,
    "stripe.api.timeout_seconds": 20,
    "stripe.refund.after_seconds": 60,
    "stripe.fee_bps": 0,
    "baidu_wallet.notify.delay_seconds": 0,
    "baidu_wallet.notify.copies": 1,
    "baidu_wallet.gateway.timeout_seconds": 20,
    "baidu_wallet.fee_bps": 0,
    "courier.notify.delay_seconds": 0,
    "courier.notify.copies": 1,
    "bank.timeout_seconds": 20,
    "bank.execute_after_seconds": 5,
}
FLAGS: dict[str, Setting] = {
    "alipay.notify.reorder": False,
    "wechat_pay.notify.reorder": False,
    "stripe.notify.reorder": False,
    "baidu_wallet.notify.reorder": False,
    "courier.notify.reorder": False,
}
WORDS: dict[str, Setting] = {
    "alipay.notify.amount": None,
    "alipay.notify.app_id": None,
    "alipay.gateway.method": None,
    "wechat_pay.notify.amount": None,
    "wechat_pay.notify.appid": None,
    "wechat_pay.notify.mchid": None,
    "wechat_pay.gateway.path": None,
    "stripe.notify.amount": None,
    "stripe.notify.currency": None,
    "stripe.api.call": None,
    "baidu_wallet.notify.amount": None,
    "bank.reject_code": "AC04",
    "bank.return_code": "AC01",
}
ALL: dict[str, Setting] = {**SWITCHES, **NUMBERS, **FLAGS, **WORDS}


class Unknown(ValueError):
    """A fault that does not exist, or a value it cannot take."""


class Faults:
    """Reads and changes the switchboard."""

    def __init__(self, store: Store) -> None:
        self.store = store

    def get(self, path: str) -> Setting:
        """The present value of one switch or setting."""
        row = self.store.one("select value from faults where path = ?", path)
        if row is None:
            return ALL[path]
        value: Setting = json.loads(row["value"])
        return value

    def number(self, path: str) -> int:
        """A numeric setting."""
        return int(self.get(path) or 0)

    def word(self, path: str) -> str | None:
        """A textual setting, None when unset."""
        value = self.get(path)
        return str(value) if value is not None else None

    def strikes(self, path: str) -> bool:
        """Whether the fault strikes now; counts a numbered one down in the same step, and also
        when what it spoils is rolled back."""
        with self.store.transaction():
            value = self.get(path)
            if value is True:
                return True
            if not value:
                return False
            self._put(path, int(value) - 1)
            self.store.after_rollback(partial(self._put, path, int(value) - 1))
            return True

    def change(self, patch: Mapping[str, object]) -> None:
        """Apply a (nested) patch whole, or raise Unknown and change nothing."""
        flat = _flatten(patch)
        for path, value in flat.items():
            _check(path, value)
        with self.store.transaction():
            for path, value in flat.items():
                self._put(path, value)

    def clear(self) -> None:
        """Everything back to normal."""
        self.store.run("delete from faults")

    def tree(self) -> dict[str, object]:
        """The whole board, nested by the dots in the names."""
        board: dict[str, object] = {}
        for path in ALL:
            *folders, leaf = path.split(".")
            here = board
            for folder in folders:
                below = here.setdefault(folder, {})
                assert isinstance(below, dict)
                here = below
            here[leaf] = self.get(path)
        return board

    def _put(self, path: str, value: object) -> None:
        self.store.run(
            "insert into faults (path, value) values (?, ?)"
            " on conflict (path) do update set value = excluded.value",
            path,
            json.dumps(value),
        )


def _flatten(patch: Mapping[str, object], before: str = "") -> dict[str, object]:
    flat: dict[str, object] = {}
    for name, value in patch.items():
        path = f"{before}{name}"
        if isinstance(value, Mapping):
            flat |= _flatten(value, path + ".")
        else:
            flat[path] = value
    return flat


def _check(path: str, value: object) -> None:
    whole = isinstance(value, int) and not isinstance(value, bool)
    if path in SWITCHES:
        fits = isinstance(value, bool) or (whole and 0 <= int(str(value)) <= 1_000_000)
    elif path in NUMBERS:
        fits = whole and 0 <= int(str(value)) <= 100_000_000
    elif path in FLAGS:
        fits = isinstance(value, bool)
    elif path in WORDS:
        fits = value is None or (isinstance(value, str) and 0 < len(value) <= 64)
    else:
        raise Unknown(f"no such fault: {path}")
    if not fits:
        raise Unknown(f"{path} cannot be {value!r}")
