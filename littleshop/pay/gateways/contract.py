"""What every gateway can do, in our words (PROTOCOLS 13b is the table of all rails).

A gateway translates and nothing more: it knows no database and no orders. Amounts are Money,
times are aware UTC, and what a rail says is mapped to the short lists below.
"""

from collections.abc import Mapping
from datetime import date, datetime
from enum import StrEnum
from typing import Literal, Protocol, runtime_checkable

import msgspec

from littleshop.errors import Conflict, GatewayError
from littleshop.money import Money


class How(StrEnum):
    """Where the buyer is: on a phone page, at a desktop page, in front of a QR code, or inside
    WeChat, whose page calls the cashier itself."""

    WAP = "wap"
    PAGE = "page"
    QR = "qr"
    JSAPI = "jsapi"


class PaymentState(StrEnum):
    """State of one payment at the rail. It never says how much was refunded (PROTOCOLS 13b)."""

    CREATED = "created"  # the rail has not heard of it: the buyer never opened the cashier
    PENDING = "pending"
    PAID = "paid"
    CLOSED = "closed"  # alone ambiguous at Alipay: also a paid trade that was fully refunded
    FAILED = "failed"


class Reason(StrEnum):
    """Why a rail said no: the fixed list to which foreign codes are mapped."""

    NOT_CREATED = "not_created"
    ALREADY_PAID = "already_paid"
    ALREADY_CLOSED = "already_closed"
    WRONG_STATE = "wrong_state"
    SELLER_FUNDS = "seller_funds"
    AMOUNT = "amount"
    CONFLICT = "conflict"
    BUYER_ACCOUNT = "buyer_account"
    NOT_AGREED = "not_agreed"  # the payee did not take it in time
    BAD_REQUEST = "bad_request"
    BAD_SIGNATURE = "bad_signature"
    NOT_ALLOWED = "not_allowed"
    UNKNOWN = "unknown"  # the rail itself does not know: repeat with the same number, or ask
    OTHER = "other"


class Declined(GatewayError):
    """The rail understood and said no; repeating the same call will not help."""

    def __init__(self, message: str, reason: Reason) -> None:
        super().__init__(message, retryable=reason is Reason.UNKNOWN)
        self.reason = reason


class NoticeRefused(GatewayError):
    """A notice that is not to be believed, and why.

    unknown_key: signed with a key we have not got; `refresh_keys`, then parse it once more.
    """

    def __init__(
        self, why: Literal["malformed", "signature", "app", "seller", "old", "unknown_key"]
    ) -> None:
        super().__init__(f"notice refused: {why}", retryable=False)
        self.why = why


class PayRequest(msgspec.Struct, frozen=True, kw_only=True):
    """Ask for money. `reference` is payments.reference: new for each attempt, [0-9A-Z]{20}.

    `openid` is the payer inside WeChat (How.JSAPI only); `client_ip` the payer's address, which
    WeChat's phone page asks for; `held_for` the sub-merchant at whose account an institution
    freezes the money (escrow.py), None when the money comes to ourselves.
    """

    reference: str
    amount: Money
    subject: str
    return_url: str
    notify_url: str
    expires_at: datetime
    how: How
    openid: str | None = None
    client_ip: str | None = None
    held_for: str | None = None


class PayAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """Where to send the buyer: exactly one of a URL, a form to post, a code to draw, or the
    parameters with which a page inside WeChat calls `getBrandWCPayRequest`."""

    redirect_url: str | None = None
    form: dict[str, str] | None = None
    code_url: str | None = None
    invoke: dict[str, str] | None = None


class QueryAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """What the rail knows of a payment. Everything but the state is None when not created."""

    state: PaymentState
    amount: Money | None = None
    gateway_trade_no: str | None = None
    paid_at: datetime | None = None


class RefundRequest(msgspec.Struct, frozen=True, kw_only=True):
    """Give `amount` of the `paid` sum back. `refund_reference` makes a repeat harmless.

    `advance`: the payment is held for a seller, whose account has too little: we may be made to
    pay it for him. Who did pay, the answer says.
    """

    reference: str
    refund_reference: str
    amount: Money
    paid: Money
    reason: str = ""
    advance: bool = False


class RefundAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """State of one refund. pending: call `refund` again with the same request, or ask.

    `reason` is set when failed; `amount` when the rail told it; `advanced` when it told whether
    we paid it for a seller, which is what the first request that it took has come to, whatever
    this one asks for.
    """

    status: Literal["done", "pending", "failed"]
    amount: Money | None = None
    reason: Reason | None = None
    advanced: bool | None = None


class OtherSum(Conflict):
    """The rail made a refund under this number with another sum, and says which."""

    def __init__(self, message: str, amount: Money) -> None:
        super().__init__(message)
        self.amount = amount


class Notice(msgspec.Struct, frozen=True, kw_only=True):
    """A verified message from a rail. The same `notice_id` is the same message sent again.

    kind finished (refund window over) and pending need no act. `amount` is the paid sum; for
    refunded it is the sum refunded so far as the rail tells it: ask `refund_query`, never add
    it up; refund_failed is of one refund, whose money came back to us; for disputed (the buyer's
    bank takes it back: a chargeback), dispute_won and dispute_lost it is the disputed sum and
    `dispute` the rail's number of it, where it gives one: a payment may be disputed twice. `at`
    is when the event happened, `raw` the body as received.
    """

    gateway: str
    notice_id: str
    reference: str
    kind: Literal[
        "paid",
        "refunded",
        "refund_failed",
        "closed",
        "finished",
        "pending",
        "disputed",
        "dispute_won",
        "dispute_lost",
    ]
    amount: Money
    gateway_trade_no: str
    at: datetime
    raw: str
    refund_reference: str | None = None
    dispute: str = ""


class BuyerCard(msgspec.Struct, frozen=True):
    """The debit card that a buyer names for a refund; `bank` is Alipay's code (shop/cards.py)."""

    number: str
    name: str
    bank: str

    def __repr__(self) -> str:
        return f"BuyerCard(…{self.number[-4:]})"


class BillRow(msgspec.Struct, frozen=True, kw_only=True):
    """One line of a rail's daily bill. `amount` is positive for both kinds; `fee` is what the rail
    keeps (negative when a refund gives it back); `reference` is payments.reference."""

    kind: Literal["payment", "refund"]
    reference: str
    refund_reference: str | None
    gateway_trade_no: str
    amount: Money
    fee: Money
    at: datetime


class Bill(msgspec.Struct, frozen=True, kw_only=True):
    """A rail's own account of one of its days (its zone). `unread` are rows, scrubbed, that could
    not be understood: they must be explained too, never dropped. `sha256` is of the file."""

    gateway: str
    day: date
    rows: tuple[BillRow, ...]
    unread: tuple[str, ...]
    sha256: str


class BillNotReady(GatewayError):
    """The rail has not made that day's bill yet; ask again later."""

    def __init__(self, gateway: str, day: date) -> None:
        super().__init__(f"{gateway} has no bill of {day} yet", retryable=True)
        self.gateway, self.day = gateway, day


class Gateway(Protocol):
    """One rail. Network trouble is GatewayError(retryable=True), a plain no is Declined."""

    name: str
    hows: frozenset[How]
    currencies: frozenset[str]
    has_bills: bool  # a rail without them is reconciled by asking about each payment
    # What the rail wants to read when we took a notice in, and when it should send again.
    heard: bytes
    not_heard: bytes
    answer_type: str  # the media type of both

    async def pay(self, request: PayRequest) -> PayAnswer:
        """Start a payment; the same reference may be asked again and means the same trade."""
        ...

    async def query(self, reference: str) -> QueryAnswer:
        """Ask what became of a payment."""
        ...

    async def close(self, reference: str) -> PaymentState:
        """Close an unpaid payment and say what it is now: CLOSED, CREATED (the rail never
        heard of it), or PAID when the buyer was quicker."""
        ...

    async def refund(self, request: RefundRequest) -> RefundAnswer:
        """Give money back; Conflict when the same refund_reference was used for another sum."""
        ...

    async def refund_query(self, request: RefundRequest) -> RefundAnswer:
        """Ask what became of a refund."""
        ...

    def parse_notice(self, headers: Mapping[str, str], body: bytes) -> Notice | None:
        """Verify and translate a notice (for rails that notify by GET, body is the query).

        None: genuine, and nothing in it for us. Raises NoticeRefused. Comparing reference and
        amount with the payment is the flow's.
        """
        ...

    async def refresh_keys(self) -> None:
        """Fetch the keys the rail signs with now, at most once a minute; nothing where the keys
        are settings."""
        ...

    async def fetch_bill(self, day: date) -> Bill:
        """The rail's bill of one of its days that is over. Raises BillNotReady."""
        ...

    async def disconnect(self) -> None:
        """Let the connections go."""
        ...


@runtime_checkable
class Redirecting(Protocol):
    """A rail that can send a refund it could not deliver (BUYER_ACCOUNT) somewhere else."""

    async def redirect_refund(self, request: RefundRequest, card: BuyerCard | None) -> RefundAnswer:
        """Send it to the buyer's card, or (None) to our own account; pending or done: it is on
        its way. The same once more is the same. Declined when the rail takes it not."""
        ...
