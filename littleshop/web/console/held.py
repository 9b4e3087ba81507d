"""Jobs that were given up and wait for a person.

They belong to the whole installation, so only who runs it may look: in the demo, where everything
is on one machine, the owner of a shop; in live mode nobody comes in through a shop's console.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any
from uuid import UUID

from starlette.requests import Request
from starlette.responses import Response

from littleshop import db, http, jobs
from littleshop.errors import NotFound, Refused
from littleshop.http import AtWork
from littleshop.jobs import HeldJob
from littleshop.web import forms
from littleshop.web.console import frame

_SECRET = frozenset({"payload", "phone", "code"})


async def _keeper(request: Request) -> AtWork:
    """Who runs this installation. Raises NotFound for everybody else."""
    work = await http.at_work(request)
    if http.house(request).settings.mode != "demo" or work.role != "owner":
        raise NotFound("page")
    return work


async def listed(request: Request) -> Response:
    """GET root/held"""
    work = await _keeper(request)
    async with http.house(request).database.connection() as conn:
        found = await jobs.held(conn)
    here = f"{frame.root(work.shop)}/held"
    rows = [_row(each, here) for each in sorted(found, key=lambda each: each.held_at)]
    return await frame.page(
        request,
        work,
        "held_jobs.html",
        "today",
        jobs=rows,
        home_url=f"{frame.root(work.shop)}/settings",
    )


def _row(job: HeldJob, here: str) -> dict[str, Any]:
    about = (f"{name} {value}" for name, value in job.arguments.items() if name not in _SECRET)
    return {
        "id": str(job.id),
        "name": job.name,
        "about": ", ".join(about)[:160],
        "tries": job.attempts,
        "held_at": job.held_at,
        "error": job.fault.strip().splitlines()[-1][:200] if job.fault.strip() else "",
        "retry_url": f"{here}/{job.id}/attempt",
        "drop_url": f"{here}/{job.id}/removal",
    }


async def retry(request: Request) -> Response:
    """POST root/held/JOB/attempt: try it again, from the first attempt."""
    await _keeper(request)
    return await _act(request, jobs.release, "job_retried")


async def drop(request: Request) -> Response:
    """POST root/held/JOB/removal: it need not be done; the row stays, with the reason."""
    work = await _keeper(request)
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
    """Do it once; a second press finds the job gone and says the same."""
    job_id = http.uuid(request.path_params["job_id"])
    try:
        await http.house(request).database.transaction(lambda conn: act(conn, job_id))
    except jobs.Unknown:
        pass  # somebody did it already
    path = f"/console/{http.number(request.path_params['shop_id'])}/held"
    return frame.go(request, path, said)
