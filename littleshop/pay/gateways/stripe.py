"""Stripe: buyers abroad, on Checkout's hosted page, by the official SDK (stripe_wire.py).

Sources: PROTOCOLS 4. How a payment is found again: Stripe offers no list of sessions by our
reference, its search lags behind, and an Idempotency-Key is forgotten after a day. But the id of
a product is ours to choose and is taken once, for ever. So each payment is a product named by our
reference, whose metadata says what was asked and which session asks for it. The session is
written there before its address is given to anybody: a payment that could be paid can be found.
"""

import re
from collections.abc import Mapping
from datetime import date, datetime, time, timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import httpx
import msgspec

from littleshop import wires
from littleshop.clock import SHANGHAI, Clock
from littleshop.config import Misconfigured
from littleshop.errors import Conflict, GatewayError
from littleshop.pay.gateways import asking, stripe_bills, stripe_notices
from littleshop.pay.gateways import stripe_answers as answers
from littleshop.pay.gateways.contract import (
    Bill,
    BillNotReady,
    Declined,
    How,
    Notice,
    PayAnswer,
    PaymentState,
    PayRequest,
    QueryAnswer,
    Reason,
    RefundAnswer,
    RefundRequest,
)
from littleshop.pay.gateways.stripe_answers import Product, Refund, Session

if TYPE_CHECKING:
    from littleshop.pay.gateways.stripe_wire import Calls

SUBJECT_LENGTH = 250
# Stripe keeps a page open for 30 minutes at least, a day at most; ours asks a little more, so
# that a request that was lost on the way can be repeated word for word.
SHORTEST, LONGEST = timedelta(minutes=30), timedelta(hours=24)
SLACK = timedelta(minutes=5)
KEYS = re.compile(r"(sk|rk)_(live|test)_\w+")
URL_MARKS = "!#$%&'()*+,/:;=?@[]~"  # RFC 3986: what an address may hold besides letters


class StripeSettings(msgspec.Struct, frozen=True, kw_only=True):
    """The rail `stripe` in DIR/rails.json. Of `webhook_secrets` any may sign: the new one and,
    while it is being changed, the old one. The publishable key is for pages of our own."""

    base_url: str
    secret_key: str
    webhook_secrets: tuple[str, ...]
    currencies: tuple[str, ...]
    publishable_key: str = ""

    def __repr__(self) -> str:
        return f"StripeSettings(currencies={self.currencies!r}, …)"


class Stripe:
    """One account at Stripe."""

    name = "stripe"
    hows = frozenset({How.WAP, How.PAGE})
    has_bills = True
    answer_type = "text/plain"
    heard = b"heard"  # any 2xx; the words are for people
    not_heard = b"not heard"

    def __init__(self, settings: StripeSettings, clock: Clock, wire: wires.Wire) -> None:
        self.currencies = frozenset(settings.currencies)
        self._settings = settings
        self._clock = clock
        self._wire = wire
        self._opened: Calls | None = None

    def __repr__(self) -> str:
        return f"Stripe(currencies={sorted(self.currencies)!r})"

    async def pay(self, request: PayRequest) -> PayAnswer:
        """The address of a page at Stripe. The same reference again is the same page; Conflict
        when it stands for another sum."""
        asking.refuse_what_it_cannot(self.name, self.hows, self.currencies, request)
        if request.held_for is not None:
            raise Declined("stripe holds no money for others", Reason.NOT_ALLOWED)
        product = await self._product(request)
        known = product.metadata.get("session")
        if known is not None:
            return _still_open(answers.read(await self._calls.session(known), Session))
        expires = product.metadata["expires"]
        key = f"{request.reference}-session-{expires}"
        params = _session_params(request, int(expires))
        session = answers.read(await self._calls.create_session(params, key), Session)
        note = {"session": session.id}
        await self._calls.note(request.reference, note, f"{request.reference}-{session.id}")
        return _still_open(session)

    async def query(self, reference: str) -> QueryAnswer:
        """Ask what became of a payment; without a session nobody can have paid it."""
        session = await self._session(reference)
        if session is None:
            return QueryAnswer(state=PaymentState.CREATED)
        return answers.query_answer(session)

    async def close(self, reference: str) -> PaymentState:
        """End an unpaid page. When Stripe will not, it is looked up: the buyer may have paid."""
        session = await self._session(reference)
        if session is None:
            return PaymentState.CREATED
        if session.status != "open":
            return answers.state(session)
        try:
            ended = await self._calls.expire(session.id, f"{reference}-expire")
        except Declined:
            return (await self.query(reference)).state
        return answers.state(answers.read(ended, Session))

    async def refund(self, request: RefundRequest) -> RefundAnswer:
        """Give money back. Our number is looked for among the payment's refunds first, because
        Stripe forgets Idempotency-Keys after a day and we ask again for longer than that."""
        session = await self._session(request.reference)
        if session is None:
            return RefundAnswer(status="failed", reason=Reason.NOT_CREATED)
        intent = session.intent
        if intent is None or answers.state(session) is not PaymentState.PAID:
            return RefundAnswer(status="failed", reason=Reason.WRONG_STATE)
        if request.amount.currency != intent.currency.upper():
            raise Conflict(f"refund {request.refund_reference} is in another currency")
        made = await self._made(intent.id, request)
        if made is not None:
            return made
        marks = {"reference": request.reference, "refund_reference": request.refund_reference}
        params = {"payment_intent": intent.id, "amount": request.amount.minor, "metadata": marks}
        try:
            found = await self._calls.create_refund(params, request.refund_reference)
        except Declined as no:
            if no.reason is Reason.NOT_ALLOWED:
                raise  # our key, not this refund
            return RefundAnswer(status="failed", reason=no.reason)
        return answers.refund_answer(answers.read(found, Refund), request)

    async def refund_query(self, request: RefundRequest) -> RefundAnswer:
        """Ask what became of a refund. One that Stripe does not know is pending: not done."""
        session = await self._session(request.reference)
        intent = session.intent if session else None
        made = await self._made(intent.id, request) if intent else None
        return made or RefundAnswer(status="pending")

    def parse_notice(self, headers: Mapping[str, str], body: bytes) -> Notice | None:
        """Verify and translate a webhook; None for an event that is not about our money.

        A dispute names no reference of ours: it is empty, `gateway_trade_no` finds the payment.
        """
        settings = self._settings
        live = "_live_" in settings.secret_key[:8]
        now = self._clock.now()
        return stripe_notices.parse(settings.webhook_secrets, live, headers, body, now)

    async def fetch_bill(self, day: date) -> Bill:
        """The balance's lines of a Beijing day: Stripe lists any span, so it is the day of the
        books. BillNotReady while that day goes on."""
        if day >= self._clock.now().astimezone(SHANGHAI).date():
            raise BillNotReady(self.name, day)
        start = datetime.combine(day, time(), SHANGHAI)
        lines = await self._calls.balance(start, start + timedelta(days=1))
        return stripe_bills.bill(lines, day)

    async def refresh_keys(self) -> None:
        """Nothing: webhook secrets are settings."""

    async def disconnect(self) -> None:
        """Let the connections go."""
        await self._wire.close()

    @property
    def _calls(self) -> "Calls":
        """Stripe's SDK, loaded by the first call that needs it."""
        if self._opened is None:
            from littleshop.pay.gateways.stripe_wire import Calls

            self._opened = Calls(self._settings.secret_key, self._wire)
        return self._opened

    async def _product(self, request: PayRequest) -> Product:
        """The product that stands for this payment, with a time of ending that Stripe takes."""
        now, reference = self._clock.now(), request.reference
        ends = max(now + SHORTEST + SLACK, min(request.expires_at, now + LONGEST - SLACK))
        amount = {"amount": str(request.amount.minor), "currency": request.amount.currency}
        asked = {**amount, "expires": str(int(ends.timestamp()))}
        named = {"id": reference, "name": _plain(request.subject) or reference, "metadata": asked}
        try:
            return answers.read(await self._calls.create_product(named), Product)
        except Declined as no:
            if no.reason is not Reason.CONFLICT:
                raise
        product = answers.read(await self._calls.product(reference), Product)
        if not amount.items() <= product.metadata.items():
            raise Conflict(f"payment {reference} was asked for with another sum")
        earliest = (now + SHORTEST).timestamp()
        if "session" not in product.metadata and int(product.metadata.get("expires", 0)) < earliest:
            # Nobody has got that page's address, if there is one: it may end unseen.
            note, key = {"expires": asked["expires"]}, f"{reference}-{asked['expires']}"
            product = answers.read(await self._calls.note(reference, note, key), Product)
        return product

    async def _session(self, reference: str) -> Session | None:
        """The session of a payment, None when there is none that anybody could pay."""
        try:
            product = answers.read(await self._calls.product(reference), Product)
        except Declined as no:
            if no.reason is not Reason.NOT_CREATED:
                raise
            return None
        known = product.metadata.get("session")
        return answers.read(await self._calls.session(known), Session) if known else None

    async def _made(self, intent: str, request: RefundRequest) -> RefundAnswer | None:
        """What became of the refund with our number, None when there is none."""
        for fields in await self._calls.refunds(intent):
            refund = answers.read(fields, Refund)
            if refund.metadata.get("refund_reference") == request.refund_reference:
                return answers.refund_answer(refund, request)
        return None


def open_rail(
    rail: Mapping[str, Any], clock: Clock, transport: httpx.AsyncBaseTransport | None = None
) -> Stripe:
    """Open the rail from its settings; Misconfigured, without any secret, when unusable."""
    try:
        settings = msgspec.convert(rail, StripeSettings)
    except msgspec.ValidationError as wrong:
        raise Misconfigured(f"stripe: {wrong}") from None
    if KEYS.fullmatch(settings.secret_key) is None:
        raise Misconfigured("stripe: secret_key is not a secret or restricted key of Stripe")
    if not settings.webhook_secrets or not all(settings.webhook_secrets):
        raise Misconfigured("stripe: webhook_secrets holds no secret: no notice could be believed")
    strange = [name for name in settings.currencies if not answers.is_known(name)]
    if strange or not settings.currencies:
        raise Misconfigured(f"stripe: currencies {strange} are not known here, or none is named")
    secrets = (settings.secret_key, *settings.webhook_secrets)
    base_url = settings.base_url.rstrip("/")
    return Stripe(
        settings, clock, wires.Wire("stripe", base_url, secrets=secrets, transport=transport)
    )


def _session_params(request: PayRequest, expires: int) -> dict[str, Any]:
    """A page for one sum; every object it leads to bears our reference."""
    marks = {"reference": request.reference}
    price = {
        "currency": request.amount.currency.lower(),
        "unit_amount": request.amount.minor,  # minor units; yen as they are
        "product": request.reference,
    }
    back = quote(request.return_url, safe=URL_MARKS)
    return {
        "mode": "payment",
        "client_reference_id": request.reference,
        "line_items": [{"quantity": 1, "price_data": price}],
        "metadata": marks,
        "payment_intent_data": {"metadata": marks, "transfer_group": request.reference},
        "success_url": back,
        "cancel_url": back,
        "expires_at": expires,
    }


def _still_open(session: Session) -> PayAnswer:
    if session.status == "complete":
        raise Declined("stripe: this payment was made already", Reason.ALREADY_PAID)
    if session.status == "expired":
        raise Declined("stripe: this payment is closed", Reason.ALREADY_CLOSED)
    if not session.url:
        raise GatewayError("stripe's answer lacks url", retryable=True)
    return PayAnswer(redirect_url=session.url)


def _plain(subject: str) -> str:
    """A title in one line, of the length that Stripe takes."""
    printable = "".join(char if char.isprintable() else " " for char in subject)
    return " ".join(printable.split())[:SUBJECT_LENGTH]
