"""Stripe's official SDK on our own wire. Importing this loads the SDK, 7 to 12 MB a process: only
the first call to Stripe does it, never a rail that is merely configured.

The SDK brings the API's version, parameter encoding, paging and errors; connections are ours
(wires.Wire: time limits, no plain http, no call inside a database transaction, no secrets in
errors), so it needs no HTTP library of its own and tells nobody about this machine.
"""

from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime
from typing import Any

import stripe

from littleshop import wires
from littleshop.errors import Conflict, GatewayError
from littleshop.pay.gateways.contract import Declined, Reason

stripe.enable_telemetry = False

TOLD_LENGTH = 300
LONGEST_LIST = 100_000
SENT = ("authorization", "content-type", "idempotency-key", "stripe-version")
ODD = (AttributeError, KeyError, TypeError, ValueError)
CODES = {
    "resource_missing": Reason.NOT_CREATED,
    "resource_already_exists": Reason.CONFLICT,
    "amount_too_small": Reason.AMOUNT,
    "amount_too_large": Reason.AMOUNT,
    "charge_already_refunded": Reason.AMOUNT,
    "charge_disputed": Reason.WRONG_STATE,
    "payment_intent_unexpected_state": Reason.WRONG_STATE,
    "balance_insufficient": Reason.SELLER_FUNDS,
    "insufficient_funds": Reason.SELLER_FUNDS,
    "api_key_expired": Reason.NOT_ALLOWED,
    "platform_api_key_expired": Reason.NOT_ALLOWED,
    "secret_key_required": Reason.NOT_ALLOWED,
    "livemode_mismatch": Reason.NOT_ALLOWED,
    "testmode_charges_only": Reason.NOT_ALLOWED,
}

Fields = dict[str, Any]  # an object of Stripe's as JSON; stripe_answers reads it strictly
Params = Any  # the SDK types each call's parameters for itself


class OnWire(stripe.HTTPClient):
    """The SDK's transport: one wire, the headers that Stripe needs and no others."""

    name = "littleshop"

    def __init__(self, wire: wires.Wire) -> None:
        super().__init__()
        self._wire = wire

    async def request_async(
        self, method: str, url: str, headers: Mapping[str, str], post_data: Any = None
    ) -> tuple[bytes, int, Mapping[str, str]]:
        """One call. GatewayError(retryable=True) when the network failed."""
        told = {name: value for name, value in headers.items() if name.lower() in SENT}
        reply = await self._wire.send(
            method.upper(),
            url.removeprefix(self._wire.base_url),
            headers={**told, "User-Agent": "littleshop"},
            content=post_data.encode() if isinstance(post_data, str) else post_data,
        )
        return reply.body, reply.status, reply.headers


class Calls:
    """The calls of Stripe's API that we make. Each raises GatewayError, Declined or Conflict."""

    def __init__(self, secret_key: str, wire: wires.Wire) -> None:
        self._wire = wire
        self._api = stripe.StripeClient(
            secret_key,
            http_client=OnWire(wire),
            base_addresses={"api": wire.base_url},
            max_network_retries=0,  # our jobs repeat, with the same references
        ).v1

    def __repr__(self) -> str:
        return "Calls(…)"

    async def create_product(self, params: Params) -> Fields:
        """A product under an id that we choose: Stripe takes each id once, for ever."""
        return await self._made(lambda: self._api.products.create_async(params))

    async def product(self, number: str) -> Fields:
        """A product by its id."""
        return await self._made(lambda: self._api.products.retrieve_async(number))

    async def note(self, number: str, metadata: Mapping[str, str], key: str) -> Fields:
        """Write into a product's metadata."""
        params: Params = {"metadata": dict(metadata)}
        options: Params = {"idempotency_key": key}
        return await self._made(lambda: self._api.products.update_async(number, params, options))

    async def create_session(self, params: Params, key: str) -> Fields:
        """A Checkout Session, once for a key."""
        options: Params = {"idempotency_key": key}
        return await self._made(lambda: self._api.checkout.sessions.create_async(params, options))

    async def session(self, number: str) -> Fields:
        """A Checkout Session with its intent and charge."""
        params: Params = {"expand": ["payment_intent.latest_charge"]}
        return await self._made(lambda: self._api.checkout.sessions.retrieve_async(number, params))

    async def expire(self, number: str, key: str) -> Fields:
        """End a Checkout Session that nobody paid."""
        options: Params = {"idempotency_key": key}
        sessions = self._api.checkout.sessions
        return await self._made(lambda: sessions.expire_async(number, None, options))

    async def create_refund(self, params: Params, key: str) -> Fields:
        """A refund, once for a key (which Stripe forgets after a day)."""
        options: Params = {"idempotency_key": key}
        return await self._made(lambda: self._api.refunds.create_async(params, options))

    async def refunds(self, intent: str) -> list[Fields]:
        """Every refund of an intent; a list is up to date at once, a search is not."""
        params: Params = {"payment_intent": intent, "limit": 100}
        return await self._listed(lambda: self._api.refunds.list_async(params))

    async def balance(self, start: datetime, end: datetime) -> list[Fields]:
        """Every line of the balance from `start` until before `end`, sources included."""
        created = {"gte": int(start.timestamp()), "lt": int(end.timestamp())}
        params: Params = {"created": created, "limit": 100, "expand": ["data.source"]}
        return await self._listed(lambda: self._api.balance_transactions.list_async(params))

    async def _made(self, call: Callable[[], Awaitable[stripe.StripeObject]]) -> Fields:
        """What a call answered. Errors are raised outside of the handlers: the SDK's keep the
        whole answer, and it takes any JSON for an object until it looks into it."""
        try:
            return dict((await call()).to_dict())
        except stripe.StripeError as no:
            failure = self._translated(no)
        except ODD:
            failure = _unreadable()
        raise failure

    async def _listed(self, call: Callable[[], Awaitable[stripe.ListObject[Any]]]) -> list[Fields]:
        """Every item of a list, page after page. Errors as in `_made`."""
        found: list[Fields] = []
        try:
            async for item in (await call()).auto_paging_iter():
                found.append(dict(item.to_dict()))
                if len(found) > LONGEST_LIST:
                    raise GatewayError("stripe lists too much", retryable=False)
            return found
        except stripe.StripeError as no:
            failure = self._translated(no)
        except ODD:
            failure = _unreadable()
        raise failure

    def _translated(self, no: stripe.StripeError) -> Exception:
        """What Stripe's no means to us; whatever is unclear may be asked again."""
        told = f"stripe: {no.http_status} {no.code or ''} {no.user_message or ''}"
        told = self._wire.scrub(" ".join(told.split()))[:TOLD_LENGTH]
        if isinstance(no, stripe.IdempotencyError):
            return Conflict(told)
        if isinstance(no, stripe.AuthenticationError | stripe.PermissionError):
            return Declined(told, Reason.NOT_ALLOWED)
        if isinstance(no, stripe.CardError):
            return Declined(told, CODES.get(no.code or "", Reason.BUYER_ACCOUNT))
        if isinstance(no, stripe.InvalidRequestError):
            other = Reason.AMOUNT if no.param == "amount" else Reason.BAD_REQUEST
            return Declined(told, CODES.get(no.code or "", other))
        return GatewayError(told, retryable=True)


def _unreadable() -> Exception:
    return GatewayError("stripe's answer is not what was asked for", retryable=True)
