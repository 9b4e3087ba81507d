"""The payment rails: on or off, how each one does; and jobs that were given up."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from starlette.requests import Request
from starlette.responses import Response

from littleshop import http
from littleshop.jobs import HeldJob
from littleshop.oversight import following, mending, switching
from littleshop.oversight.switching import Rail
from littleshop.web import forms
from littleshop.web.operator import frame

HERE = f"{frame.ROOT}/rails"
JOBS = f"{frame.ROOT}/jobs"
_SECRET = frozenset({"payload", "phone", "code"})


async def listed(request: Request) -> Response:
    """GET /operator/rails"""
    at_desk, house = await frame.operator(request), http.house(request)
    async with house.database.connection() as conn:
        found = await switching.rails(conn, house.rails, http.now(request))
        parcels = await following.health(conn, http.now(request))
    names = await frame.names(house, [each.last.operator_id for each in found if each.last])
    rows = [_row(each, names) for each in found]
    tracker = house.tracker.name if house.tracker is not None else ""
    return frame.page(
        request, at_desk, "rails.html", rails=rows, parcels=parcels, tracker=tracker,
        parcels_fault=_last_line(parcels.fault),
    )  # fmt: skip


def _last_line(fault: str) -> str:
    return fault.strip().splitlines()[-1][:200] if fault else ""


def _row(rail: Rail, names: dict[UUID | None, str]) -> dict[str, Any]:
    last = rail.last
    return {
        "name": rail.name,
        "state": "off" if rail.off else "on" if rail.is_set_up else "none",
        "why": rail.off.why if rail.off else "",
        "off_at": rail.off.off_at if rail.off else None,
        "health": rail.health,
        "fault": _last_line(rail.health.fault),
        "switch_url": f"{HERE}/{rail.name}/switch",
        "who": names[last.operator_id] if last else "",
    }


async def switch(request: Request) -> Response:
    """POST /operator/rails/RAIL/switch: state=on|off, reason"""
    at_desk, name = await frame.operator(request), request.path_params["rail"]
    off = (await forms.read(request)).text("state", 8) == "off"
    turn = switching.switch_off if off else switching.switch_on
    return await frame.act(
        request,
        HERE,
        "rail_off" if off else "rail_on",
        lambda conn, reason, at: turn(conn, at_desk.operator, name, reason=reason, at=at),
    )


async def jobs(request: Request) -> Response:
    """GET /operator/jobs"""
    at_desk = await frame.operator(request)
    async with http.house(request).database.connection() as conn:
        found = await mending.waiting(conn)
    return frame.page(request, at_desk, "jobs.html", jobs=[_job(each) for each in found])


def _job(job: HeldJob) -> dict[str, Any]:
    about = (f"{name} {value}" for name, value in job.arguments.items() if name not in _SECRET)
    shop_id = job.arguments.get("shop_id")
    return {
        "id": str(job.id),
        "name": job.name,
        "about": ", ".join(about)[:160],
        "shop_url": f"{frame.ROOT}/shops/{shop_id}" if isinstance(shop_id, int) else "",
        "tries": job.attempts,
        "held_at": job.held_at,
        "fault": "".join(job.fault.strip().splitlines()[-1:])[:300],
        "retry_url": f"{JOBS}/{job.id}/attempt",
        "drop_url": f"{JOBS}/{job.id}/removal",
    }


async def retry(request: Request) -> Response:
    """POST /operator/jobs/JOB/attempt: reason"""
    at_desk, job_id = await frame.operator(request), http.uuid(request.path_params["job_id"])
    return await frame.act(
        request,
        JOBS,
        "job_retried",
        lambda conn, reason, at: mending.retry(
            conn, at_desk.operator, job_id, reason=reason, at=at
        ),
    )


async def drop(request: Request) -> Response:
    """POST /operator/jobs/JOB/removal: reason"""
    at_desk, job_id = await frame.operator(request), http.uuid(request.path_params["job_id"])
    return await frame.act(
        request,
        JOBS,
        "job_dropped",
        lambda conn, reason, at: mending.drop(conn, at_desk.operator, job_id, reason=reason, at=at),
    )
