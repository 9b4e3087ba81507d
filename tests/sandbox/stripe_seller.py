"""A merchant who works with Stripe's own SDK, and an ear for webhooks."""

import json
import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Condition, Thread
from typing import Any

import stripe

from tests.sandbox.conftest import Program

MINUTES = 60


@dataclass
class Ear:
    """Where webhooks arrive: bodies and their signatures, answered as the test wants."""

    url: str
    status: int = 200
    changed: Condition = field(default_factory=Condition)
    heard: list[tuple[bytes, str]] = field(default_factory=list)

    def hear(self, count: int) -> list[dict[str, Any]]:
        """Wait until so many have come."""
        with self.changed:
            assert self.changed.wait_for(lambda: len(self.heard) >= count, 10), len(self.heard)
        return [json.loads(body) for body, _ in self.heard]


@contextmanager
def listening() -> Iterator[Ear]:
    """An ear on a free port."""

    class Listening(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            with hearing.changed:
                hearing.heard.append((body, self.headers["Stripe-Signature"]))
                hearing.changed.notify_all()
            self.send_response(hearing.status)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            """Keep quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Listening)
    hearing = Ear(f"http://127.0.0.1:{server.server_port}")
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield hearing
    server.shutdown()
    thread.join()
    server.server_close()


class Seller:
    """A merchant with Stripe's SDK."""

    def __init__(self, program: Program, webhook_url: str = "") -> None:
        self.program = program
        told = {"name": "Ada's stall", "webhook_url": webhook_url or None}
        self.account: dict[str, str] = program.post("/control/stripe/accounts", told)
        self.transport = stripe.RequestsClient()
        self.api = stripe.StripeClient(
            self.account["secret_key"],
            base_addresses={"api": f"{program.url}/stripe"},
            http_client=self.transport,
            max_network_retries=0,
        ).v1

    def leave(self) -> None:
        """Let the connections go."""
        close: Callable[[], None] = self.transport.close
        close()

    def now(self) -> int:
        """The sandbox's seconds."""
        now = self.program.get("/control/clock")["now"]
        return int(datetime.fromisoformat(now).timestamp())

    def asks(self, minor: int = 8888, minutes: int = 60, **more: Any) -> stripe.checkout.Session:
        """A page for a sum, under a number of its own."""
        number = f"R{secrets.token_hex(8).upper()}"
        self.api.products.create({"id": number, "name": "Cups <b>two</b>"})
        price = {"currency": "usd", "unit_amount": minor, "product": number}
        params: Any = {
            "mode": "payment",
            "client_reference_id": number,
            "line_items": [{"quantity": 1, "price_data": price}],
            "payment_intent_data": {"metadata": {"reference": number}},
            "success_url": "http://127.0.0.1:9/back",
            "cancel_url": "http://127.0.0.1:9/left",
            "expires_at": self.now() + minutes * MINUTES,
            **more,
        }
        return self.api.checkout.sessions.create(params)

    def presses(self, session: stripe.checkout.Session, **told: Any) -> dict[str, Any]:
        """Pay as the person pressing."""
        found: dict[str, Any] = self.program.post(self.path(session) + "/pay", told)
        return found

    def path(self, session: stripe.checkout.Session) -> str:
        return f"/control/stripe/payments/{session.client_reference_id}"

    def paid(self, minor: int = 8888) -> str:
        """The intent of a payment that was made."""
        session = self.asks(minor)
        return str(self.presses(session)["intent"]["id"])
