"""A merchant's web server that hears WeChat's notices as they come, headers and all."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass
class Ear:
    """What came: (headers, body) in order. It answers `status`, once it `answers` at all."""

    url: str
    status: int = 200
    changed: threading.Condition = field(default_factory=threading.Condition)
    heard: list[tuple[dict[str, str], bytes]] = field(default_factory=list)
    answers: threading.Event = field(default_factory=threading.Event)

    def hear(self, count: int) -> list[tuple[dict[str, str], bytes]]:
        """Wait until so many notices have come."""
        with self.changed:
            came = self.changed.wait_for(lambda: len(self.heard) >= count, 10)
        assert came, f"{len(self.heard)} of {count} notices came"
        return list(self.heard)


@contextmanager
def listening() -> Iterator[Ear]:
    """An ear on a free port."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            with ear.changed:
                ear.heard.append((dict(self.headers), body))
                ear.changed.notify_all()
            ear.answers.wait(10)
            self.send_response(ear.status)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            """Keep quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    ear = Ear(f"http://127.0.0.1:{server.server_port}/hear")
    ear.answers.set()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield ear
    server.shutdown()
    thread.join()
    server.server_close()
