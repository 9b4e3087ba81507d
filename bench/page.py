"""The cached product page against nginx: the same bytes, headers and gzip, one worker each."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import re
import signal
import subprocess
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

from bench import ground, town
from bench.ground import CONNECTIONS, Ground
from littleshop import crypto
from littleshop.insights import visits
from littleshop.web import visiting

GOAL = 0.4
VISITORS = 1000
AGENT = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15"
    " (KHTML, like Gecko) Version/18.0 Mobile/15E148 Safari/604.1"
)
_HERE = Path(__file__).parent
_OWN = {"content-length", "date", "server", "connection", "content-type", "set-cookie"}
_CONF = """
daemon off; worker_processes 1; pid {folder}/pid; error_log {folder}/error.log warn; {user}
events {{ worker_connections 512; }}
http {{
  access_log off; sendfile on; tcp_nopush on; keepalive_requests 1000000000; etag off;
  open_file_cache max=100; open_file_cache_valid 60s; if_modified_since off; types {{}}
  client_body_temp_path {folder}/b; proxy_temp_path {folder}/p; fastcgi_temp_path {folder}/f;
  uwsgi_temp_path {folder}/u; scgi_temp_path {folder}/s;
  server {{
    listen 127.0.0.1:{port}; root {folder}; default_type "{kind}";
    location / {{ try_files /page =404; {headers} }}
  }}
}}
"""


def measure(seconds: float, pairs: int) -> dict[str, Any]:
    """Alternating pairs of our cached page and of nginx; every view of ours must be counted.

    CPU in microseconds per request. Raises ground.Missing.
    """
    wrk = ground.tool("wrk", "wrk")
    nginx = ground.tool("nginx-light", "nginx")
    with ground.ground() as place:
        at = datetime.now(UTC)
        asyncio.run(town.furnish(place.dsn, at, shops=1, variants=20))
        asyncio.run(town.dress(place.dsn, at))
        with ground.serving(place, workers=1):
            headers, body = fetch(place)
            cookies = _visitors(place, at)
            with _nginx(nginx, place.home, headers, body) as (port, pid):
                ours, theirs = [], []
                if ground.WARM_SECONDS:
                    _run(wrk, place.port, place.web, ground.WARM_SECONDS, cookies)
                    _run(wrk, port, pid, ground.WARM_SECONDS, cookies)
                before = _views(place)
                for _ in range(pairs):
                    ours.append(_run(wrk, place.port, place.web, seconds, cookies))
                    theirs.append(_run(wrk, port, pid, seconds, cookies))
                counted = _settled(place) - before
    answered = sum(run["requests"] for run in ours)
    ratios = [
        round(our["requests_per_second"] / their["requests_per_second"], 3)
        for our, their in zip(ours, theirs, strict=True)
    ]
    return {
        "name": "page",
        "ratio": ground.median(ratios, 3),
        "goal": GOAL,
        "ratios": ratios,
        "littleshop": ours,
        "nginx": theirs,
        "body_bytes": len(body),
        "encoding": headers.get("content-encoding"),
        "views_answered": answered,
        "views_counted": counted,
        "all_views_counted": counted >= answered,
        "connections": CONNECTIONS,
        "workers": 1,
        "seconds": seconds,
    }


def fetch(place: Ground, path: str = town.DRESSED) -> tuple[dict[str, str], bytes]:
    """A page as a phone's browser gets it: headers by small letters, the bytes on the wire."""
    conn = HTTPConnection("127.0.0.1", place.port, timeout=10)
    asking = {"Accept-Encoding": "gzip", "Accept-Language": "zh-CN", "User-Agent": AGENT}
    try:
        conn.request("GET", path, headers={**asking, "Host": f"127.0.0.1:{place.port}"})
        answer = conn.getresponse()
        body = answer.read()
    finally:
        conn.close()
    if answer.status != 200:
        raise ground.Missing(f"{path} answers {answer.status}")
    return {name.lower(): value for name, value in answer.getheaders()}, body


def _visitors(place: Ground, at: datetime) -> Path:
    """A file with the cookies of known visitors, as this installation would have handed them
    out; a cookie that it does not know would be met as a stranger's, which takes longer."""
    strangers = visiting.strangers(crypto.keys_at(place.home))
    day = visits.day_at(town.ZONE, at.timestamp())
    known = [strangers.make(town.FIRST_SHOP, day).decode() for _ in range(VISITORS)]
    path = place.home / "visitors"
    path.write_text("".join(f"v{town.FIRST_SHOP}={token}\n" for token in known))
    return path


@contextlib.contextmanager
def _nginx(
    program: str, home: Path, headers: dict[str, str], body: bytes
) -> Iterator[tuple[int, int]]:
    """nginx serving exactly this; its port and process."""
    folder, port = home / "nginx", ground.free_port()
    folder.mkdir()
    (folder / "page").write_bytes(body)
    told = [f"add_header {name} {_quoted(text)};" for name, text in headers.items()]
    conf = folder / "conf"
    conf.write_text(
        _CONF.format(
            folder=folder,
            port=port,
            kind=headers["content-type"],
            headers=" ".join(line for line in told if line.split()[1] not in _OWN),
            user="user root;" if os.geteuid() == 0 else "",
        )
    )
    process = subprocess.Popen([program, "-c", str(conf), "-p", str(folder)])
    try:
        time.sleep(0.5)
        yield port, process.pid
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(10)


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _run(wrk: str, port: int, pid: int, seconds: float, cookies: Path) -> dict[str, Any]:
    command = [wrk, "-t", "1", "-c", str(CONNECTIONS), "-d", f"{seconds:g}s"]
    command += ["-s", str(_HERE / "page.lua"), f"http://127.0.0.1:{port}{town.DRESSED}", "--"]
    command += [str(cookies), AGENT]
    before = ground.cpu_micros(pid)
    ran = ground.run(command)
    spent = ground.cpu_micros(pid) - before
    said = re.search(r"^RESULT (.*)$", ran.text, re.MULTILINE)
    if said is None:
        raise ground.Missing(f"wrk said nothing we know:\n{ran.text}")
    told: dict[str, Any] = json.loads(said.group(1))
    if told["refused"] or told["broken"]:
        raise ground.Missing(f"not every request was answered: {told}")
    told["requests_per_second"] = round(told["requests"] / told["seconds"], 1)
    told["cpu_us_per_request"] = {
        "web": round(spent / told["requests"]),
        "client": round(ran.cpu_micros / told["requests"]),
        "database": None,
    }
    return told


def _views(place: Ground) -> int:
    sql = "select coalesce(sum(views), 0) from visits where kind = 'product'"
    return int(str(ground.asked(place.dsn, sql)))


def _settled(place: Ground) -> int:
    """The views once the process has written what it counted."""
    known = -1
    while known != (known := _views(place)):
        time.sleep(1.5)
    return known
