"""The desk: what waits, the most pressing first; and the settlement runs."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from littleshop import http
from littleshop.clock import SHANGHAI
from littleshop.errors import NotFound
from littleshop.oversight import acts, overview
from littleshop.oversight.overview import PaidRow, RunRow, Waiting
from littleshop.settlement import closing
from littleshop.settlement import runs as run_steps
from littleshop.shop import cards
from littleshop.social import domains
from littleshop.web import pages
from littleshop.web.operator import debts, escrow, frame

PAGE = 20


async def page(request: Request) -> Response:
    """GET /operator"""
    at_desk, house = await frame.operator(request), http.house(request)
    async with house.database.connection() as conn:
        waits = await overview.waiting(conn, http.now(request))
        head = await acts.head(conn)
    rows = _rows(waits) + await _more_rows(house, http.now(request))
    return frame.page(
        request,
        at_desk,
        "desk.html",
        rows=rows,
        total=sum(row["count"] for row in rows),
        rails_off=waits.rails_off,
        names_out=await _names_out(house),
        acts=head.number,
    )


async def _names_out(house: http.House) -> int:
    """Of our public names those that carry no new links."""
    async with house.database.connection() as conn:
        return sum(not each.carries for each in await domains.listed(conn))


async def _more_rows(house: http.House, at: datetime) -> list[dict[str, Any]]:
    """The days that wait to be closed, closed shops that owe, and what institutions hold where
    they do."""
    async with house.database.connection() as conn:
        days = await closing.waiting(conn, list(house.rails.values()), at)
    held = await escrow.row(house, at)
    rows = [_row("days", *days), await debts.row(house)]
    return [*rows, *([] if held is None else [held])]


def _rows(waits: Waiting) -> list[dict[str, Any]]:
    """Everything that waits for a person: how much, and since when the oldest."""
    return [
        _row("disputes", waits.disputes, waits.disputed_since),
        _row("refunds", waits.refunds, waits.stuck_since),
        _row("reports", waits.reports, waits.reported_since),
        _row("holds", waits.holds, waits.held_since),
        _row("jobs", waits.jobs, waits.given_up_since),
        _row("differences", waits.differences + waits.entries, waits.differ_since),
        _row("runs", waits.runs, waits.run_since),
    ]


def _row(name: str, count: int, since: datetime | date | None) -> dict[str, Any]:
    day = since.astimezone(SHANGHAI).date() if isinstance(since, datetime) else since
    return {"name": name, "count": count, "since": day}


async def runs(request: Request) -> Response:
    """GET /operator/runs"""
    at_desk = await frame.operator(request)
    before = (
        day(request.query_params.get("before", "")) if "before" in request.query_params else None
    )
    async with http.house(request).database.connection() as conn:
        found = await overview.latest_runs(conn, before=before, most=PAGE + 1)
    shown = found[:PAGE]
    older = f"{frame.ROOT}/runs?before={shown[-1].run.run_on}" if found[PAGE:] else ""
    rows = [_run(each) for each in shown]
    return frame.page(request, at_desk, "runs.html", runs=rows, older_url=older)


def _run(row: RunRow) -> dict[str, Any]:
    run = row.run
    done = [step for step in run_steps.STEPS if run.done(step)]
    left = [step for step in run_steps.STEPS if not run.done(step)]
    return {
        "on": run.run_on,
        "url": f"{frame.ROOT}/runs/{run.run_on}",
        "payouts": row.payouts,
        "amount": row.amount,
        "back": row.back,
        "fault": row.fault,
        "last": done[-1] if done else "opened",
        "next": left[0] if left else "",
        "at": getattr(run, f"{done[-1]}_at") if done else run.opened_at,
    }


async def run(request: Request) -> Response:
    """GET /operator/runs/DAY"""
    at_desk = await frame.operator(request)
    on = day(request.path_params["day"])
    async with http.house(request).database.connection() as conn:
        found, paid = await overview.run_of(conn, on)
    if found is None:
        raise NotFound("run")
    steps = [{"name": "opened", "at": found.opened_at}]
    steps += [{"name": step, "at": getattr(found, f"{step}_at")} for step in run_steps.STEPS]
    rows = [_paid(each, pages.locale_of(request)) for each in paid]
    return frame.page(request, at_desk, "run.html", on=on, steps=steps, payouts=rows)


def _paid(row: PaidRow, locale: str) -> dict[str, Any]:
    bank = cards.bank(row.bank_code)
    return {
        "shop": row.shop,
        "shop_url": f"{frame.ROOT}/shops/{row.shop_id}",
        "amount": row.amount,
        "rail": row.rail,
        "bank": bank.name(locale) if bank else row.bank_code,
        "tail": row.tail,
        "status": row.status,
        "reason": row.reason,
        "arrived_on": row.arrived_on,
        "reference": row.reference,
    }


def day(text: str) -> date:
    """A day from an address. Raises NotFound."""
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise NotFound from None
