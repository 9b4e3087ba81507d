"""Hints to an open conversation: the stream says that something changed, the page fetches it.

How many pages of buyers listen is bounded, for the process and for a device: more read on and look
again every now and then, as pages without scripts do by hand.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import contextmanager

from starlette.responses import PlainTextResponse

from littleshop.notify.live import HEARTBEAT, RELOAD, Hub
from littleshop.sale import talking

MOST_BUYERS = 200  # pages of buyers that listen in one process
MOST_OF_DEVICE = 3
LONGEST_SECONDS = 900.0  # then the browser asks anew, if the page is still looked at
PAUSE_SECONDS = 0.3
RETRY_MILLISECONDS = 5000
HEADERS = {"cache-control": "no-store", "x-accel-buffering": "no", "x-robots-tag": "noindex"}


class Listeners:
    """The buyers' pages that listen in this process."""

    def __init__(self) -> None:
        self._open: Counter[bytes] = Counter()

    def is_full(self, device: bytes) -> bool:
        """Whether no further page of this device may listen now."""
        return self._open.total() >= MOST_BUYERS or self._open[device] >= MOST_OF_DEVICE

    @contextmanager
    def place(self, device: bytes) -> Iterator[None]:
        """A place for as long as a page listens."""
        self._open[device] += 1
        try:
            yield
        finally:
            self._open[device] -= 1
            if not self._open[device]:
                del self._open[device]


def refused() -> PlainTextResponse:
    """No place: the page looks again by itself."""
    return PlainTextResponse("too many open pages", status_code=503, headers=HEADERS)


async def hints(
    hub: Hub, shop_id: int, subject: str, still: Callable[[], Awaitable[bool]]
) -> AsyncIterator[str]:
    """An event for each change of a conversation (of any, for ""), while `still` says that its
    reader may look."""
    until = asyncio.get_running_loop().time() + LONGEST_SECONDS
    with hub.subscribe(shop_id) as events:
        yield f"retry: {RETRY_MILLISECONDS}\n\n"
        async for event in events:
            ours = event.kind == talking.HINT and subject in ("", event.subject)
            if not (ours or event in (RELOAD, HEARTBEAT)):
                continue
            if asyncio.get_running_loop().time() > until or not await still():
                return
            yield ": still here\n\n" if event == HEARTBEAT else "event: talk\ndata: 1\n\n"
            await asyncio.sleep(PAUSE_SECONDS)


async def buyers(
    listeners: Listeners, device: bytes, told: AsyncIterator[str]
) -> AsyncIterator[str]:
    """The same for a buyer's page, in its place."""
    with listeners.place(device):
        async for each in told:
            yield each
