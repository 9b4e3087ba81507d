"""A whole day's settling at once, and what it says: who was paid what, what waits and why."""

from __future__ import annotations

import sys
from datetime import date, datetime
from typing import Any

import msgspec

from littleshop import audit, config, crypto, db, i18n, installation, recoveries
from littleshop.audit import Finding
from littleshop.clock import SHANGHAI, Clock, UncoveredYear
from littleshop.errors import Refused
from littleshop.money import Money
from littleshop.settlement import outlook, payouts, routing, runs, settling, statements
from littleshop.settlement.desks import Desk
from littleshop.settlement.payouts import Payout
from littleshop.settlement.runs import Run
from littleshop.settlement.statements import Entry
from littleshop.shop import shops


class Waiting(msgspec.Struct, frozen=True):
    """Money that stays in a shop's balance; `why`: books, identity, card, currency or next_run."""

    shop_id: int
    amount: Money
    why: tuple[str, ...]


class Day(msgspec.Struct, frozen=True):
    """A run as it stands after a pass."""

    run: Run
    payouts: list[Payout]
    waiting: list[Waiting]
    entries: list[Entry]
    problems: list[str]
    findings: list[Finding]
    names: dict[int, str]


async def settle_day(desk: Desk, on: date, at: datetime) -> Day:
    """Open the run of `on` or find it, do all that can be done now, and say how it stands.

    Raises what `settling.open_run` raises.
    """
    run = await settling.open_run(desk, on, at)
    await settling.advance(desk, at)
    async with desk.database.connection() as conn:
        paid = await payouts.of_run(conn, run.run_id)
        findings = await audit.prove(conn)
        broken = {one.shop_id for one in findings}
        waiting = []
        for shop_id, amount in await settling.owed(conn):
            why = await outlook.blocks(conn, shop_id, amount.currency)
            if shop_id in broken:
                why = ("books", *why)
            waiting.append(Waiting(shop_id, amount, why or ("next_run",)))
        concerned = {one.shop_id for one in paid} | {one.shop_id for one in waiting}
        return Day(
            run=await runs.get(conn, run.run_id),
            payouts=paid,
            waiting=waiting,
            entries=await statements.waiting(conn),
            problems=desk.problems,
            findings=findings,
            names={shop_id: (await shops.get(conn, shop_id)).name for shop_id in concerned},
        )


async def settle(settings: config.Settings, on: date | None, *, as_json: bool) -> int:
    """The command: 0 when the day was settled as far as it can be on books that add up."""
    keyring = crypto.read_keys(settings.keys) if settings.keys else crypto.keys_at(settings.home)
    database = await db.open_database(settings.database_url, size=2, name="littleshop settle")
    opened = None
    try:
        async with database.connection() as conn:
            await installation.settle(conn, settings, keyring)
            clock = Clock(await installation.clock_offset(conn))
            calendar = await installation.business_calendar(conn)
        opened, at = routing.of(settings, clock), clock.now()
        if not opened.some:
            return _no("settlement.command.no_bank", as_json)
        desk = opened.desk(database, keyring, calendar)
        day = await settle_day(desk, on or at.astimezone(SHANGHAI).date(), at)
    except Refused as no:
        return _no(f"errors.{no.code}", as_json, **no.details)
    except recoveries.OnHold:
        return _no("settlement.command.on_hold", as_json)
    except settling.BrokenBooks as broken:
        return _no("settlement.command.broken", as_json, findings=broken.findings)
    except UncoveredYear as fault:
        print(f"no calendar of {fault} · 没有 {fault} 年的工作日历", file=sys.stderr)
        return 1
    finally:
        if opened is not None:
            await opened.disconnect()
        await database.close()
    print(msgspec.json.encode(summary(day)).decode() if as_json else "\n".join(sentences(day)))
    return 1 if day.findings else 0


def _no(key: str, as_json: bool, **details: object) -> int:
    if as_json:
        told = {"ok": False, "why": key.rpartition(".")[2], **details}
        print(msgspec.json.encode(told).decode())
    else:
        print(_both(key, **details), file=sys.stderr)
    return 1


def summary(day: Day) -> dict[str, Any]:
    """The day as JSON: amounts in minor units."""
    return {
        "ok": not day.findings,
        "on": day.run.run_on,
        "calendar": day.run.calendar,
        "steps": {step: getattr(day.run, f"{step}_at") for step in ("opened", *runs.STEPS)},
        "payouts": [
            {
                "shop_id": one.shop_id,
                "shop": day.names[one.shop_id],
                "rail": one.rail,
                "reference": one.reference,
                "amount_minor": one.amount_minor,
                "currency": one.currency,
                "tail": one.tail,
                "status": one.status,
                "bank_says": one.bank_says,
                "reason": one.reason,
                "arrives_on": one.arrives_on,
            }
            for one in day.payouts
        ],
        "waiting": [
            {
                "shop_id": one.shop_id,
                "shop": day.names[one.shop_id],
                "amount_minor": one.amount.minor,
                "currency": one.amount.currency,
                "why": one.why,
            }
            for one in day.waiting
        ],
        "unexplained": [
            {"entry": one.entry_key, "amount_minor": one.amount_minor, "why": one.waits}
            for one in day.entries
        ],
        "problems": day.problems,
        "findings": day.findings,
    }


def sentences(day: Day) -> list[str]:
    """The day in sentences, both languages."""
    done = (step for step in ("opened", *runs.STEPS) if getattr(day.run, f"{step}_at"))
    steps = _Word(*(f"operator.runs.step.{step}" for step in done))
    lines = [_both("settlement.command.run", on=day.run.run_on.isoformat(), steps=steps)]
    for one in day.payouts:
        lines.append(
            _both(
                "settlement.command.payout",
                shop=day.names[one.shop_id],
                amount=one.amount,
                tail=one.tail,
                rail=_Word(f"settlement.over.{one.rail}"),
                status=_Word(f"settlement.status.{one.status}"),
            )
        )
    for wait in day.waiting:
        name = day.names[wait.shop_id]
        why = _Word(*(f"settlement.waits.{reason}" for reason in wait.why))
        lines.append(_both("settlement.command.waits", shop=name, amount=wait.amount, why=why))
    for entry in day.entries:
        why = _Word(f"settlement.entry.{entry.waits}")
        lines.append(
            _both("settlement.command.entry", entry=entry.entry_key, amount=entry.amount, why=why)
        )
    if not day.payouts and not day.waiting:
        lines.append(_both("settlement.command.nothing"))
    lines += [_both("settlement.command.problem", what=what) for what in day.problems]
    lines.append(_both("settlement.command." + ("broken" if day.findings else "proved")))
    return lines


class _Word:
    """A part of a sentence that is itself a text in either language."""

    def __init__(self, *keys: str) -> None:
        self.keys = keys

    def said(self, locale: str) -> str:
        between = ", " if locale == "en" else "、"
        return between.join(i18n.t(locale, key) for key in self.keys)


def _both(text: str, **facts: object) -> str:
    return " · ".join(
        i18n.t(
            locale,
            text,
            **{
                name: fact.said(locale) if isinstance(fact, _Word) else fact
                for name, fact in facts.items()
            },
        )
        for locale in ("en", "zh-CN")
    )
