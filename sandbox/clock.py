"""The sandbox's clock: real time plus an offset that the control API sets."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime, timedelta, timezone

from sandbox.store import Store

BEIJING = timezone(timedelta(hours=8))
_past: ContextVar[datetime | None] = ContextVar("past", default=None)


class Clock:
    """Answers aware UTC times. The offset outlives the process."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.offset_seconds = int(store.setting("clock.offset_seconds") or 0)

    def now(self) -> datetime:
        """The sandbox's present; for a request of the demo's past the moment that it names."""
        present = datetime.now(UTC) + timedelta(seconds=self.offset_seconds)
        past = _past.get()
        return present if past is None else min(past, present)

    @property
    def is_past(self) -> bool:
        """Whether this request asks as of a moment that is over."""
        return _past.get() is not None

    def set_offset(self, seconds: int) -> None:
        """Stand this many seconds ahead of real time (negative: behind)."""
        self.store.set_setting("clock.offset_seconds", str(seconds))
        self.offset_seconds = seconds


@contextmanager
def standing_at(moment: datetime) -> Iterator[None]:
    """Answer as of `moment`: the demo plays what happened before it began."""
    was = _past.set(moment)
    try:
        yield
    finally:
        _past.reset(was)


def stamp(at: datetime) -> str:
    """A UTC time as text that sorts."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def unstamp(text: str) -> datetime:
    """The time a stamp stands for."""
    return datetime.strptime(text, "%Y-%m-%dT%H:%M:%S.%fZ").replace(tzinfo=UTC)


def beijing(text: str) -> str:
    """A stamp as Beijing wall time, `yyyy-MM-dd HH:mm:ss`."""
    return unstamp(text).astimezone(BEIJING).strftime("%Y-%m-%d %H:%M:%S")


def from_beijing(text: str) -> datetime:
    """Beijing wall time `yyyy-MM-dd HH:mm:ss` as an aware time. Raises ValueError."""
    return datetime.strptime(text, "%Y-%m-%d %H:%M:%S").replace(tzinfo=BEIJING)
