"""Jobs of a shop that were given up and wait for a person.

The owner sees those of his shop and may have them tried again; what belongs to the platform or to
another shop is not there for him. Whoever runs the installation has the command `held` for all of
them. To drop a job is his decision: a refund or a deadline that is not done is the buyer's loss.
In the demo, where seller and operator are one person, the page has that button too.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any
from uuid import UUID

from starlette.requests import Request
from starlette.responses import Response

from littleshop import db, http, i18n, jobs
from littleshop.errors import NotFound, Refused
from littleshop.http import AtWork
from littleshop.jobs import HeldJob
from littleshop.web import forms, pages
from littleshop.web.console import frame

_SECRET = frozenset({"payload", "phone", "code"})


async def _keeper(request: Request) -> AtWork:
    """The owner of the shop. Raises NotFound for everybody else."""
    work = await http.at_work(request)
    if work.role != "owner":
        raise NotFound("page")
    return work


async def _keeper_of(request: Request) -> AtWork:
    """The owner of the shop that the address' job is about, or was if it is gone by now.

    Raises NotFound for the jobs of another shop and of the platform.
    """
    work = await _keeper(request)
    job_id = http.uuid(request.path_params["job_id"])
    async with http.house(request).database.connection() as conn:
        try:
            shop_id = await jobs.shop_of(conn, job_id)
        except jobs.Unknown:
            return work
    if shop_id != work.shop.shop_id:
        raise NotFound("job")
    return work


def _runs_it(request: Request) -> bool:
    """Whether who keeps a shop also runs the installation: may drop, and reads what we read."""
    return http.house(request).settings.mode == "demo"


async def listed(request: Request) -> Response:
    """GET root/held"""
    work = await _keeper(request)
    async with http.house(request).database.connection() as conn:
        found = await jobs.held(conn, shop_id=work.shop.shop_id)
    root, runs_it = frame.root(work.shop), _runs_it(request)
    rows = [
        _row(each, f"{root}/held", runs_it, pages.locale_of(request)) for each in reversed(found)
    ]
    return await frame.page(
        request, work, "held_jobs.html", "today", jobs=rows, home_url=f"{root}/settings"
    )


def what(locale: str, name: str) -> str:
    """What a job of this name does, in plain words."""
    key = f"console.held.kind.{name.partition('.')[0]}"
    return i18n.t(locale, key if i18n.has(locale, key) else "console.held.kind.other")


def _row(job: HeldJob, here: str, runs_it: bool, locale: str) -> dict[str, Any]:
    fault = job.fault.strip().splitlines()[-1:] if runs_it else []
    about = (f"{name} {value}" for name, value in job.arguments.items() if name not in _SECRET)
    return {
        "id": str(job.id),
        "what": what(locale, job.name),
        "about": f"{job.name} {', '.join(about)}"[:160],
        "tries": job.attempts,
        "held_at": job.held_at,
        "error": "".join(fault)[:200],
        "retry_url": f"{here}/{job.id}/attempt",
        "drop_url": f"{here}/{job.id}/removal" if runs_it else "",
    }


async def retry(request: Request) -> Response:
    """POST root/held/JOB/attempt: try it again, from the first attempt."""
    await _keeper_of(request)
    return await _act(request, jobs.release, "job_retried")


async def drop(request: Request) -> Response:
    """POST root/held/JOB/removal: it need not be done; the row stays, with the reason."""
    work = await _keeper_of(request)
    if not _runs_it(request):
        raise NotFound("page")
    form = await forms.read(request)
    reason = " ".join(form.text("reason").split())[:200]
    if not reason:
        path = f"{frame.root(work.shop)}/held"
        return frame.refuse(request, path, Refused("reason_short"))
    at = http.now(request)
    return await _act(request, lambda conn, job: jobs.drop(conn, job, reason, at=at), "job_dropped")


async def _act(
    request: Request, act: Callable[[db.Connection, UUID], Awaitable[None]], said: str
) -> Response:
    """Do it once; a second press finds it done and says the same."""
    job_id = http.uuid(request.path_params["job_id"])
    try:
        await http.house(request).database.transaction(lambda conn: act(conn, job_id))
    except jobs.Unknown:
        pass  # somebody did it already
    path = f"/console/{http.number(request.path_params['shop_id'])}/held"
    return frame.go(request, path, said)
