"""The account's balance: one line for whatever moved, listed newest first, page by page."""

from datetime import UTC, datetime

from sandbox.clock import stamp
from sandbox.store import Row
from sandbox.stripe import asked, views
from sandbox.stripe.asked import Form
from sandbox.stripe.views import View
from sandbox.world import World

PATH = "/v1/balance_transactions"


def fee(world: World, minor: int) -> int:
    """What Stripe keeps of a charge."""
    return (minor * world.faults.number("stripe.fee_bps") + 5000) // 10000


def move(world: World, intent: Row, kind: str, source: str, minor: int, fee_minor: int = 0) -> None:
    """A line for an intent's account, in the intent's currency."""
    write(world, intent["account"], kind, source, (minor, fee_minor), intent["currency"])


def write(
    world: World, account: str, kind: str, source: str, sums: tuple[int, int], currency: str
) -> None:
    """A line of (amount, fee)."""
    world.store.run(
        "insert into stripe_balance (id, account, type, source, amount_minor, fee_minor,"
        " currency, created_at) values (?, ?, ?, ?, ?, ?, ?, ?)",
        asked.number("txn"),
        account,
        kind,
        source,
        *sums,
        currency,
        stamp(world.clock.now()),
    )


def list_(world: World, account: Row, told: Form) -> View:
    """GET /v1/balance_transactions: created[gte], created[lt], type, limit, starting_after."""
    asked.known(told, "created", "type", "limit", "starting_after", "expand", "currency")
    span = asked.part(told, "created")
    start, end = _moment(span, "gte", 0), _moment(span, "lt", 4_102_444_800)
    rows = world.store.all(
        "select * from stripe_balance where account = ? and created_at >= ? and created_at < ?"
        " and ? in ('', type) order by created_at desc, rowid desc",
        account["id"],
        start,
        end,
        asked.maybe(told, "type") or "",
    )
    after = asked.maybe(told, "starting_after")
    whole = "data.source" in asked.listed(told, "expand")
    items = [views.balance_transaction(world, row, whole) for row in rows]
    if not after:
        items = _differing(world, items)
    ids = [item["id"] for item in items]
    if after:
        items = items[ids.index(after) + 1 :] if after in ids else []
    limit = asked.whole(told, "limit") if "limit" in told else 10
    if not 1 <= limit <= 100:
        raise asked.invalid("limit is 1 to 100", "parameter_invalid_integer", "limit")
    return views.page(items[:limit], len(items) > limit, PATH)


def _moment(span: Form, name: str, otherwise: int) -> str:
    seconds = asked.whole(span, name) if name in span else otherwise
    return stamp(datetime.fromtimestamp(seconds, UTC))


def _differing(world: World, items: list[View]) -> list[View]:
    """The lines with whatever difference is planted in this listing (its first page)."""
    strikes, lines = world.faults.strikes, [dict(item) for item in items]
    if lines and strikes("stripe.bill.missing"):
        lines.pop()
    if lines and strikes("stripe.bill.amount"):
        minor = lines[0]["amount"]
        assert isinstance(minor, int)
        lines[0] |= {"amount": minor + (1 if minor > 0 else -1)}
    if lines and strikes("stripe.bill.extra"):
        lines.append(_stranger(lines[0]))
    if lines and strikes("stripe.bill.unknown"):
        lines.append({**lines[0], "id": asked.number("txn"), "type": "contribution"})
    return lines


def _stranger(like: View) -> View:
    """A payment that the merchant has never heard of."""
    intent = asked.number("pi")
    source = {
        "id": asked.number("ch"),
        "object": "charge",
        "amount": 777,
        "currency": like["currency"],
        "payment_intent": intent,
        "metadata": {"reference": f"EXTRA{intent[3:]}"},
    }
    sums = {"amount": 777, "fee": 0, "net": 777, "type": "charge"}
    return {**like, **sums, "id": asked.number("txn"), "source": source}


def sums(world: World, account: str) -> dict[str, int]:
    """What an account has, by currency."""
    rows = world.store.all(
        "select currency, sum(amount_minor - fee_minor) as minor from stripe_balance"
        " where account = ? group by currency order by currency",
        account,
    )
    return {row["currency"]: row["minor"] for row in rows}


def pay_out(world: World, account: str) -> int:
    """Send what an account has to its bank; how many payouts that were."""
    found = {name: minor for name, minor in sums(world, account).items() if minor > 0}
    for currency, minor in found.items():
        write(world, account, "payout", asked.number("po"), (-minor, 0), currency)
    return len(found)
