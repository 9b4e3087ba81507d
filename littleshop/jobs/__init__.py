"""What is to be done outside of the transaction that asks for it: kept, repeated, held, seen.

A job is a row written in the caller's transaction. Workers take rows with SKIP LOCKED under a
lease measured by our clock; a job runs at least once, so every task knows its repeat. What
cannot be done is held for a person, never deleted. docs/decisions/0005-jobs.md says why this
is ours.
"""

from littleshop.jobs.queue import (
    Deferred,
    HeldJob,
    JobCount,
    Unknown,
    counts,
    defer,
    drop,
    exists,
    held,
    release,
    set_aside,
    shop_of,
)
from littleshop.jobs.timetable import Daily, Every, Timetable
from littleshop.jobs.worker import Context, Task, Worker, drain, retryable

__all__ = [
    "Context",
    "Daily",
    "Deferred",
    "Every",
    "HeldJob",
    "JobCount",
    "Task",
    "Timetable",
    "Unknown",
    "Worker",
    "counts",
    "defer",
    "drain",
    "drop",
    "exists",
    "held",
    "release",
    "retryable",
    "set_aside",
    "shop_of",
]
