"""``skypact up``: a node from its start to its end.

Law: what is printed as listening is listening, and ``/readyz`` says yes only after everything that a
request needs has been tried. A stop (SIGTERM, SIGINT) takes no new connections, lets requests in flight
finish within ``node.stop_s``, then ends the background work, then closes the store; a second signal waits
for nobody. Killed at any other point, a node loses nothing that it answered: that is the store's promise,
not this module's.

How it works. One event loop (uvloop). Background tasks live in one task group; one that fails is logged and
started again after a pause that doubles up to a minute. Kernels are loaded, or compiled the first time, in
a thread while the node already listens.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import logging
import os
import signal
import ssl
import sys
import threading
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, Final

import msgspec
import uvloop
from sqlalchemy import func, select

from skypact import __version__, seal
from skypact.courier.jwks import RemoteKeys
from skypact.courier.tokens import ClientCredentials, OwnKey, TokenEndpoint, Tokens
from skypact.desk.accounts import SCOPE as PEOPLE
from skypact.desk.clock import now_us
from skypact.desk.pact import Agreement, PartyKeys
from skypact.errors import InputError, Refused, SkypactError
from skypact.node import logs
from skypact.node.calls import calling
from skypact.node.config import Config, address, relisten, secret
from skypact.node.keys import own_key
from skypact.node.pacts import editions
from skypact.node.roles import ROLES, Role, World, hotline, hotline_issuer, incidents, people, record
from skypact.seal import FixedKeys
from skypact.server import aux, openapi
from skypact.server.app import Gate, Settings, application
from skypact.server.auth import Bearers, Issuer
from skypact.server.hotline import PEERS
from skypact.server.listener import Listener, bound, listener, place_of
from skypact.server.metrics import Metrics
from skypact.store import Store
from skypact.store.schema import region, waiting

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from skypact.courier.client import Client
    from skypact.courier.tokens import Grant
    from skypact.seal import SigningKey
    from skypact.store import Tx

_LOG = logging.getLogger("skypact.node")

_SWITCH_S: Final = 0.0005
"""How long a thread keeps the interpreter from another that waits for it. The one that writes to SQLite asks
for it after each statement: 352 creates a second with Python's 5 ms, 486 with this."""
_PAUSE_S: Final = 0.5
_PAUSE_MAX_S: Final = 60.0
_FIGURES_S: Final = 10.0
CLOCKS_APART_S: Final = 86_400
"""How far another party's clock may be off before its node is not let in at the hotline's door."""
_STORE_S: Final = 2.0
"""How long the store may take to answer before the node is not ready."""


@dataclass(slots=True)
class _Kernels:
    """Whether the kernels can be used, and why not."""

    amiss: str = "kernels are being loaded"


def run(config: Config, say: Callable[[str], None]) -> int:
    """Run a node until it is asked to stop.

    Parameters
    ----------
    config
        What it is told.
    say
        Tells a person: one line at a time.

    Returns
    -------
    int
        0 after an orderly stop; 1 where requests had to be cut off.

    Raises
    ------
    InputError
        The configuration cannot be used: a key, a certificate, an address, the database.
    """
    logs.set_up(config.log.level)
    sys.setswitchinterval(_SWITCH_S)
    look_at_types()
    _settle()
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(_run(config, say))


async def _run(config: Config, say: Callable[[str], None]) -> int:
    key = own_key(config)
    host, port = address(config.node.listen, where="node.listen")
    door = bound(host, port)
    async with contextlib.AsyncExitStack() as stack:
        stack.callback(door.close)
        if port == 0:
            config = relisten(config, "{}:{}".format(f"[{host}]" if ":" in host else host, place_of(door)[1]))
        store = await Store.open(config.store_url, upgrade=config.upgrades)
        stack.push_async_callback(store.close)
        client = _client(config, key)
        stack.push_async_callback(client.close)
        metrics = _metrics(store)
        agreement = await _agreement(config, store)
        world = World(config, store, key, client, metrics, agreement)
        missing: list[str] = [name for name in config.node.roles if name not in ROLES]
        roles = [ROLES[name](world) for name in config.node.roles if name in ROLES]
        if "node" in config.node.roles:
            roles.append(people(world))
        if config.record.key or key.public.ed25519:
            roles.append(record(world))
            if "node" in config.node.roles or agreement is not None:
                roles.append(incidents(world))
        else:
            _LOG.warning("the record is not signed: node.key is not Ed25519, and there is no record.key")
        if agreement is not None:
            roles.append(hotline(world, agreement))
        bearers, remote = _bearers(config, key, client, agreement)
        kernels = _Kernels()
        tracer = None
        if config.telemetry.otlp_endpoint:
            from skypact.node.tracing import Spans  # a tenth of a second that most nodes need not spend

            tracer = Spans(config.telemetry.otlp_endpoint, party=config.node.party)
            stack.callback(tracer.close)
        app = application(
            _operations(world, roles, bearers, kernels),
            bearers,
            Settings(
                limits=config.request_limits,
                headers={"skypact-data-mode": config.node.data_mode},
                metrics=metrics,
                tracer=tracer,
            ),
        )
        outer: Any = app
        for role in roles:
            outer = role.around(outer) if role.around is not None else outer
        server = _server(outer, config)
        _on_signals(server)
        tasks: dict[str, Callable[[], Awaitable[None]]] = {"figures": lambda: _count(world)}
        tasks |= {name: task for role in roles for name, task in role.tasks.items()}
        tasks |= {f"keys of {keys.name}": keys.run for keys in remote}
        async with asyncio.TaskGroup() as group:
            beside = [group.create_task(_kept_running(name, task), name=name) for name, task in tasks.items()]
            beside.append(group.create_task(_warm(kernels), name="kernels"))
            telling = group.create_task(_tell(server, config, world, missing, say))
            try:
                await server.serve([door])
                assert isinstance(app.default, Gate)  # noqa: S101  # as application() makes it
                left = await app.default.drain(config.node.stop_s)
            finally:
                for task in (*beside, telling):
                    task.cancel()
        if left or server.force_exit:
            _LOG.error("stopped with requests unfinished", extra={"requests": left})
            return 1
        _LOG.info("stopped")
        return 0


def _client(config: Config, key: SigningKey) -> Client:
    told = config.outgoing
    client = calling(config)
    grant: Grant
    if told.grant == "own":
        grant = OwnKey(key, issuer=config.issuer, party=config.node.party)
    elif told.grant == "endpoint":
        grant = TokenEndpoint(client, told.token_url, party=config.node.party, issuer=told.issuer)
    else:
        grant = ClientCredentials(
            client,
            told.token_url,
            client_id=told.client_id,
            secret=secret(config, told.client_secret_file, "outgoing.client_secret_file"),
        )
    client.tokens = Tokens(grant)
    return client


async def _agreement(config: Config, store: Store) -> Agreement | None:
    """The pact that is run under, if there is one."""
    if not config.pact.files:
        return None
    agreement = Agreement(store, partial(editions, config), config.node.party)
    await agreement.begin(now_us())
    mode = agreement.lasting(now_us()).pact.data_mode.value
    if mode != config.node.data_mode:
        raise InputError(
            "the pact has another data mode than the node",
            where="node.data_mode",
            found=config.node.data_mode,
            expected=mode,
        )
    return agreement


def _bearers(
    config: Config, key: SigningKey, client: Client, agreement: Agreement | None
) -> tuple[Bearers, list[RemoteKeys]]:
    issuers: list[Issuer] = []
    remote: list[RemoteKeys] = []
    for at, item in enumerate(config.auth.issuer):
        # who speaks for several parties does not say who of this one's people acts
        withheld = frozenset() if item.people else frozenset({PEOPLE})
        if item.jwks_url:
            keys = RemoteKeys(
                item.name, item.jwks_url, client, refresh_s=item.refresh_s, stale_s=item.stale_s
            )
            remote.append(keys)
            issuers.append(Issuer(item.name, keys, item.iss, withheld=withheld))
            continue
        path = config.path(item.public_key_file)
        where = f"auth.issuer[{at}].public_key_file"
        try:
            data = path.read_bytes()
        except OSError as error:
            raise InputError(f"cannot be read ({error.strerror})", where=where, found=str(path)) from None
        fixed = FixedKeys((seal.public_key(data, where=where),))
        issuers.append(Issuer(item.name, fixed, item.iss, withheld=withheld))
    if config.auth.own_issuer and config.issuer not in {item.iss for item in issuers}:
        # /token of the testing interface signs for whatever issuer it is asked for
        iss = "" if config.testing.enabled else config.issuer
        issuers.append(Issuer("own", FixedKeys((key.public,)), iss))
    if agreement is not None:
        issuers += [
            Issuer(
                f"pact: {party}",
                PartyKeys(agreement, party),
                hotline_issuer(party),
                party=party,
                scopes=frozenset({PEERS}),
                leeway_s=CLOCKS_APART_S,
            )
            for party in agreement.parties
        ]
    return Bearers(issuers, config.audiences), remote


def _metrics(store: Store) -> Metrics:
    metrics = Metrics()
    metrics.gauge("skypact_store_waiting_writes", "Writes that wait for their turn.", lambda: store.waiting)
    for name, text in (
        ("writes", "Writes done since the start."),
        ("commits", "Durable commits since the start; writes share them."),
        ("retries", "Transactions run again since the start."),
        ("reads", "Reads since the start."),
    ):
        metrics.gauge(f"skypact_store_{name}", text, lambda name=name: float(getattr(store.figures, name)))  # type: ignore[misc]  # name is bound now
    return metrics


async def _count(world: World) -> None:
    """Keep the figures that have to be asked of the database."""
    depth = 0

    def read(tx: Tx) -> int:
        return int(tx.connection.execute(select(func.count()).select_from(waiting)).scalar_one())

    world.metrics.gauge(
        "skypact_outbox_depth", "Messages to others that wait to be sent.", lambda: float(depth)
    )
    while True:
        with contextlib.suppress(Refused):  # the database is away: the old figure stands, /readyz says so
            depth = await world.store.read(read)
        await asyncio.sleep(_FIGURES_S)


def _operations(world: World, roles: list[Role], bearers: Bearers, kernels: _Kernels) -> tuple[Any, ...]:
    async def ready(now_us: int) -> Mapping[str, str]:
        unready = bearers.unready(now_us)
        parts = {
            "store": await _amiss(world.store),
            "kernels": kernels.amiss,
            "keys": f"not there, or too old: {', '.join(unready)}" if unready else "",
        }
        for role in roles:
            for name, check in role.ready.items():
                parts[name] = await check(now_us)
        return parts

    async def region_id() -> str:
        def read(tx: Tx) -> bytes:
            return bytes(tx.connection.execute(select(region.c.id)).scalar_one())

        return (await world.store.read(read)).hex()

    rows = (
        *(row for role in roles for row in role.operations),
        *aux.health(world.metrics, ready),
        *aux.pool(region_id),
        *(aux.testing(world.key, world.config.issuer) if world.config.testing.enabled else ()),
    )
    title = f"Skypact node of {world.config.node.party}"
    return (*rows, *openapi.operations(rows, title=title, servers=(world.config.base_url,)))


async def _amiss(store: Store) -> str:
    """What is amiss with the store."""
    if store.fault:
        return store.fault
    try:
        async with asyncio.timeout(_STORE_S):
            await store.read(lambda tx: tx.connection.execute(select(region.c.seq)).scalar_one())
    except SkypactError as error:
        return str(error)
    except TimeoutError:
        return f"no answer within {_STORE_S:g} s"
    return ""


def _server(app: Any, config: Config) -> Listener:
    certificate, key = config.node.tls_certificate, config.node.tls_key
    try:
        server = listener(
            app,
            config.request_limits,
            stop_s=config.node.stop_s,
            certificate=config.path(certificate) if certificate else None,
            certificate_key=config.path(key) if key else None,
        )
        server.config.load()
    except (OSError, ssl.SSLError) as error:
        raise InputError(
            f"cannot be used ({error.strerror or error})", where="node.tls_certificate", found=certificate
        ) from None
    return server


def _on_signals(server: Listener) -> None:
    loop = asyncio.get_running_loop()

    def stop(name: str) -> None:
        _LOG.info("asked to stop", extra={"signal": name})
        server.stop()

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop, number.name)


async def _kept_running(name: str, task: Callable[[], Awaitable[None]]) -> None:
    """Run a task for ever; one that fails is started again."""
    loop = asyncio.get_running_loop()
    pause_s = _PAUSE_S
    while True:
        started_s = loop.time()
        try:
            await task()
            _LOG.error("a background task ended", extra={"task": name})
        except Exception:  # noqa: BLE001  # whatever it was: it is logged, and the work has to go on
            _LOG.exception("a background task failed", extra={"task": name})
        if loop.time() - started_s > _PAUSE_MAX_S:
            pause_s = _PAUSE_S
        await asyncio.sleep(pause_s)
        pause_s = min(2 * pause_s, _PAUSE_MAX_S)


async def _warm(kernels: _Kernels) -> None:
    """Load the kernels, or compile them the first time (a minute), while the node already listens.

    In a thread of its own that nobody waits for: a stop does not have to see a compiler to its end.
    """
    loop = asyncio.get_running_loop()
    done: asyncio.Future[str] = loop.create_future()

    def tell(amiss: str) -> None:
        if not done.done():
            done.set_result(amiss)

    def load() -> None:
        amiss = ""
        try:
            from skypact.node.kernels import warm  # imports the compiler; listening need not wait for it

            warm()
        except Exception:  # noqa: BLE001  # the node stays not ready and says why
            _LOG.exception("kernels cannot be used")
            amiss = "kernels cannot be used; the log says why"
        with contextlib.suppress(RuntimeError):  # the loop is closed: the node has ended
            loop.call_soon_threadsafe(tell, amiss)

    threading.Thread(target=load, name="skypact-kernels", daemon=True).start()
    kernels.amiss = await done
    _settle()


def look_at_types() -> int:
    """Have msgspec look at each type that is decoded to, while there is one thread; how many there are.

    Two threads that are the first to decode to a type which refers to others end the process: msgspec 0.22
    keeps what it knows of a type before it is whole. What is imported later looks at its types itself.
    """
    below, count = [msgspec.Struct], 0
    while below:
        for each in below.pop().__subclasses__():
            below.append(each)
            if each.__module__.startswith("skypact."):
                msgspec.json.Decoder(each)
                count += 1
    return count


def _settle() -> None:
    """Set aside what was imported: no collection of garbage looks at it again, so that each is short."""
    gc.freeze()
    gc.enable()


async def _tell(
    server: Listener, config: Config, world: World, missing: list[str], say: Callable[[str], None]
) -> None:
    """Once it listens, say so to whoever started it."""
    await server.listening.wait()
    node = config.node
    roles = ", ".join(name for name in node.roles if name not in missing)
    say(f"Skypact {__version__} listens on {node.listen}; others reach it at {config.base_url}")
    say(f"  party      {node.party}")
    say(f"  roles      {roles}")
    say(f"  data mode  {node.data_mode.upper()}")
    if world.agreement is not None:
        held = world.agreement.lasting(now_us())
        mark = f"  {held.mark}" if held.mark else ""
        say(f"  pact       {held.pact.id}, version {held.pact.version}{mark}")
    say(f"  store      {world.store.dialect}: {logs.redacted(config.store_url)}")
    say(f"  key        {world.key.public.algorithm} {world.key.public.fingerprint[:24]}…")
    if missing:
        say(f"  WARNING: this version has no role {', '.join(missing)}")
    if config.testing.enabled:
        say("  ************************************************************************")
        say("  WARNING: TESTING IS ON. Anybody gets a token from /token, for any party.")
        say("  Never run this with real data. Turn it off: [testing] enabled = false.")
        say("  ************************************************************************")
    audience = config.audiences[0]
    say("Next:")
    say(f"  curl {config.base_url}/readyz")
    say(f"  skypact token --sub me --scope utm.strategic_coordination --audience {audience}")
    if "node" in node.roles:
        say(f"  skypact file FLIGHT.plan --start +10min --data {config.folder or '.'}")
    say(f"  open {config.base_url}/docs")
    _LOG.info(
        "listening",
        extra={
            "listen": node.listen,
            "base_url": config.base_url,
            "roles": node.roles,
            "data_mode": node.data_mode,
            "testing": config.testing.enabled,
            "pid": os.getpid(),
            "python": sys.version.split()[0],
        },
    )
