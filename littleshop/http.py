"""What web and api share: what a process holds, who asks, from where, and whether he may."""

from __future__ import annotations

import asyncio
import contextlib
import hmac
import logging
import secrets
from collections.abc import AsyncIterator, Container, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING
from urllib.parse import urlsplit
from uuid import UUID

from starlette.requests import Request
from starlette.responses import Response

from littleshop import crypto, db, edge, files, ids, installation
from littleshop.clock import BusinessCalendar, Clock
from littleshop.config import Settings, is_loopback, plain_host
from littleshop.crypto import Keyring
from littleshop.errors import NotFound, Refused
from littleshop.identity import people, sessions
from littleshop.identity.people import Person
from littleshop.pay import gateways
from littleshop.pay.gateways import Escrow, Gateway, wechat_openid
from littleshop.pay.gateways.wechat_openid import WechatOpenid
from littleshop.pricing.facts import Loader
from littleshop.risk.limits import Meters, Spent
from littleshop.sale.flushing import Flusher
from littleshop.shop import shops, staff
from littleshop.shop.doors import Doors
from littleshop.shop.shops import Shop
from littleshop.social import domains, tickets
from littleshop.social.domains import Domains
from littleshop.social.tickets import Tickets
from littleshop.trade import trackers

if TYPE_CHECKING:
    from starlette.types import Scope

_log = logging.getLogger(__name__)

PROBES = frozenset({"/healthz", "/readyz"})  # asked by whatever address the machine has
SESSION = "session"
DEVICE = "device"
YEAR = 31_536_000
FRESH_FOR = timedelta(seconds=1)  # what was looked up before a body was read


@dataclass
class House:
    """What a web or worker process holds for as long as it lives."""

    settings: Settings
    keyring: Keyring
    database: db.Database
    clock: Clock
    calendar: BusinessCalendar
    rails: Mapping[str, Gateway]
    files: files.Files
    flusher: Flusher
    loader: Loader
    meters: Meters
    doors: Doors
    escrows: Mapping[str, Escrow] = field(default_factory=dict)  # by gateway, whatever the mode
    wechat_login: WechatOpenid | None = None  # who is who inside WeChat; None: that rail is off
    tracker: trackers.Tracker | None = None  # who follows parcels; None: nobody
    tickets: Tickets | None = None  # of the official account that sets cards inside WeChat
    bodies: edge.Bodies = field(default_factory=edge.Bodies)
    tasks: set[asyncio.Task[None]] = field(default_factory=set)
    domains: Domains = field(init=False)

    def __post_init__(self) -> None:
        self.domains = Domains(self.settings)

    @property
    def hosts(self) -> frozenset[str]:
        """The names by which people reach a live platform; none in the demo, which any reaches."""
        return self.domains.hosts if self.settings.mode == "live" else frozenset()

    @property
    def admits_at(self) -> tuple[str, ...]:
        """The institutions that new sellers are to be admitted by: none but in psp_escrow. What
        was begun in that mode is finished in any."""
        return tuple(self.escrows) if self.settings.escrow == "psp_escrow" else ()

    def notify_url(self, gateway: str) -> str:
        """Where a rail sends its notices."""
        return f"{self.settings.public_url}/callbacks/{gateway}"


@contextlib.asynccontextmanager
async def open_house(settings: Settings, *, name: str, size: int = 8) -> AsyncIterator[House]:
    """Open everything a process needs and close it in order.

    Raises config.Misconfigured when the database belongs to another mode or other keys.
    """
    keyring = crypto.read_keys(settings.keys) if settings.keys else crypto.keys_at(settings.home)
    database = await db.open_database(settings.database_url, size=size, name=name)
    async with database.connection() as conn:
        await installation.settle(conn, settings, keyring)
        clock = Clock(await installation.clock_offset(conn))
        names = await domains.listed(conn)
        calendar = await installation.business_calendar(conn)
    house = House(
        settings=settings,
        keyring=keyring,
        database=database,
        clock=clock,
        calendar=calendar,
        rails=gateways.open(settings.rails, clock),
        files=files.Files.open(settings.home / "files"),
        flusher=Flusher(database),
        loader=Loader(database),
        meters=Meters(database),
        doors=Doors(database),
        escrows=gateways.escrows(settings.rails, clock),
        wechat_login=_wechat_login(settings),
        tracker=trackers.open(settings.rails),
        tickets=tickets.open_tickets(settings.rails, database, keyring),
    )
    house.domains.tell(names)
    house.tasks.add(asyncio.create_task(_keep_up(house)))
    try:
        yield house
    finally:
        for task in house.tasks:
            task.cancel()
        await asyncio.gather(*house.tasks, return_exceptions=True)
        await house.flusher.drain()
        await house.meters.flush(house.clock.now())
        for rail in house.rails.values():
            await rail.disconnect()
        for escrow in house.escrows.values():
            await escrow.disconnect()
        official = house.tickets.official if house.tickets is not None else None
        for each in (house.wechat_login, house.tracker, official):
            if each is not None:
                await each.disconnect()
        await database.close()


def _wechat_login(settings: Settings) -> WechatOpenid | None:
    rail = settings.rails.get("wechat_pay")
    return wechat_openid.open_login(rail) if rail and rail.get("app_secret") else None


async def _keep_up(house: House) -> None:
    """Once a second: our public names, the demo clock's offset, what other processes counted."""
    while True:
        await asyncio.sleep(1)
        try:
            await house.meters.flush(house.clock.now())
            async with house.database.connection() as conn:
                house.domains.tell(await domains.listed(conn))
                if house.settings.mode == "demo":
                    house.clock.offset = await installation.clock_offset(conn)
        except Exception as fault:  # whatever it was: a process that stops here stays behind
            _log.warning("not kept up: %s", type(fault).__name__)


def misdirected(scope: Scope, hosts: Container[str]) -> bool:
    """Whether a request is for a name that is not one of our `hosts`: a stranger's domain that
    points here, or our bare address. What asks whether we live (PROBES) asks by any name, and so
    does who sits on this machine: no proxy stands between him and us."""
    if not hosts or scope["path"] in PROBES:
        return False
    named = [value.decode("latin-1") for name, value in scope["headers"] if name == b"host"]
    host = plain_host(named[0]) if len(named) == 1 else ""
    if host in hosts:
        return False
    peer = scope["client"][0] if scope["client"] else ""
    near = is_loopback(f"http://[{peer}]" if ":" in peer else f"http://{peer}")
    sent_on = any(name == b"x-forwarded-for" for name, _ in scope["headers"])
    return sent_on or not (near and is_loopback(f"http://{host}"))


def expect(request: Request, most: int) -> None:
    """Take at most `most` bytes of this request's body from here on."""
    body: edge.Body = request.state.body
    body.most = most


def house(request: Request) -> House:
    """The house of this process."""
    opened: House = request.app.state.house
    return opened


def now(request: Request) -> datetime:
    """The moment of this request: read once when its body is there, the same for all it does."""
    at: datetime | None = getattr(request.state, "now", None)
    if at is None:
        at = request.state.now = house(request).clock.now()
    return at


def address(request: Request) -> str:
    """The asker's address; a proxy's word counts only when the proxy is one of ours."""
    trusted = house(request).settings.trusted_proxies
    return edge.sender(request.scope.get("client"), request.scope["headers"], trusted)


def cross_site(scope: Scope, own_origins: frozenset[str]) -> bool:
    """Whether an unsafe request comes from another site: Sec-Fetch-Site, else Origin, else
    Referer; a browser that sends none of the three cannot be told apart and is refused."""
    headers = {name: value.decode("latin-1") for name, value in scope["headers"]}
    fetched_from = headers.get(b"sec-fetch-site")
    if fetched_from is not None:
        return fetched_from not in ("same-origin", "none")
    source = headers.get(b"origin") or headers.get(b"referer")
    if source is None:
        return True
    try:
        parts = urlsplit(source)
    except ValueError:
        return True
    host = headers.get(b"host", "")
    return parts.netloc != host and f"{parts.scheme}://{parts.netloc}" not in own_origins


def device(request: Request) -> bytes | None:
    """The hash of this device's cookie; None when it never did anything here, and for a cookie
    that we did not hand out: it would be a known device in the eyes of the limits."""
    token = request.cookies.get(DEVICE, "")
    if not 0 < len(token) <= 80 or not token.isascii():
        return None
    name, _, signature = token.partition(".")
    right = house(request).keyring.sign(f"device {name}")
    return ids.hashed(token) if hmac.compare_digest(signature, right) else None


def make_device(request: Request, seed: str | None = None) -> tuple[str | None, bytes]:
    """A device for an act: the token to set (None when the cookie is there) and its hash. Two acts
    with the same unguessable `seed` make the same one."""
    known = device(request)
    if known is not None:
        return None, known
    token = device_token(house(request).keyring, seed)
    return token, ids.hashed(token)


def device_token(keyring: Keyring, seed: str | None = None) -> str:
    """What a device's cookie says: a name, and under our key that it is from us."""
    name = secrets.token_urlsafe(18) if seed is None else keyring.sign(f"device of {seed}")
    return f"{name}.{keyring.sign(f'device {name}')}"


def set_cookie(
    request: Request, response: Response, name: str, value: str, *, max_age: int = YEAR
) -> None:
    """A cookie as all of ours are: HttpOnly, SameSite=Lax, Secure on https."""
    response.set_cookie(
        name,
        value,
        max_age=max_age,
        httponly=True,
        samesite="lax",
        secure=house(request).settings.secure,
        path="/",
    )


@dataclass(frozen=True)
class Somebody:
    """Who is signed in on this device."""

    person: Person
    token: str


async def somebody(request: Request) -> Somebody | None:
    """The person signed in here, or None."""
    token = request.cookies.get(SESSION)
    if not token:
        return None
    async with house(request).database.connection() as conn:
        session = await sessions.find(conn, token, now(request))
        if session is None:
            return None
        person = await people.get(conn, session.person_id)
    return None if person is None else Somebody(person, token)


class SignInFirst(Exception):
    """The page is for somebody who is signed in; the handler sends him to sign in and back."""


@dataclass(frozen=True)
class AtWork:
    """A person in a shop he works in."""

    person: Person
    shop: Shop
    role: str


async def at_work(request: Request) -> AtWork:
    """The signed-in person and the shop of the address (`{shop_id}`), as its staff.

    Raises SignInFirst; NotFound for a shop that is not his, as if it did not exist.
    """
    known: AtWork | None = getattr(request.state, "at_work", None)
    if known is not None:
        return known
    who = await somebody(request)
    if who is None:
        raise SignInFirst
    shop_id = number(request.path_params["shop_id"])
    async with house(request).database.connection() as conn:
        member = await staff.require(conn, shop_id, who.person.person_id)
        shop = await shops.get(conn, shop_id)
    request.state.at_work = found = AtWork(who.person, shop, member.role)
    request.state.look_again = _still_at_work
    return found


async def _still_at_work(request: Request) -> None:
    """Raises SignInFirst; NotFound for who does not work here any more as what he did."""
    before, request.state.at_work = request.state.at_work, None
    if (await at_work(request)).role != before.role:
        raise NotFound


async def arrived(request: Request) -> None:
    """The body of a request is there, which counts once. It may have been sent slowly, so what was
    looked up a while ago is looked up again: the moment, and who sent it, by what said who that is
    (`state.look_again`, of those who work in a shop and those at the desk).

    Raises what look_again raises.
    """
    at: datetime | None = getattr(request.state, "now", None)
    if at is None or getattr(request.state, "arrived", False):
        return
    request.state.arrived = True
    if house(request).clock.now() - at < FRESH_FOR:
        return
    request.state.now = None
    look_again = getattr(request.state, "look_again", None)
    if look_again is not None:
        await look_again(request)


async def door(request: Request) -> Shop:
    """The open or paused shop of the address (`{slug}`), at most a second old. Raises NotFound."""
    shop = await house(request).doors.shop(request.path_params["slug"])
    if shop is None or shop.status == "opening":
        raise NotFound("shop")
    return shop


def number(text: str) -> int:
    """A number from an address. Raises NotFound."""
    if not (text.isascii() and text.isdigit()) or len(text) > 15:
        raise NotFound
    return int(text)


def uuid(text: str) -> UUID:
    """An id from an address or a form. Raises NotFound."""
    try:
        return UUID(text)
    except ValueError:
        raise NotFound from None


def token_shop(text: str) -> int:
    """The shop a public token carries. Raises NotFound."""
    try:
        return ids.shop_of(text)
    except ValueError:
        raise NotFound from None


def check_limits(request: Request, rule: str, *subjects: str | bytes) -> None:
    """Count this act against a rule's limits. Raises Refused("too_many", minutes=, wait=, of=)."""
    fresh = address(request) if device(request) is None else None
    _insist(house(request).meters.spend(rule, subjects, now(request), fresh=fresh))


async def check_exactly(request: Request, rule: str, *subjects: str | bytes) -> None:
    """The same for the rules of limits.EXACT: one count over all processes, which costs a write.

    Raises Refused as `check_limits`, db.Unavailable.
    """
    _insist(await house(request).meters.spend_exactly(rule, subjects, now(request)))


def _insist(spent: Spent | None) -> None:
    if spent is not None:
        raise Refused("too_many", minutes=spent.minutes, wait=spent.wait, of=spent.of)


async def check_code(request: Request, device: bytes, country: str) -> None:
    """Count a code by SMS to a phone of `country` (ISO 3166). Raises Refused("too_many")."""
    check_limits(request, "code", device, address(request))
    await check_exactly(request, "code_home" if country == "CN" else "code_abroad", country)
