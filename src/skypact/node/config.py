"""What a node is told: ``skypact.toml``.

Law: a key that is not known, or a value that is not of its kind, ends the start; the message names the
file, the key, what was found and what was expected. Nothing is read from the environment. Paths are
relative to the file's folder. What is left out has the value that is written here;
``docs/configuration.md`` lists the same keys, and a test holds the two together.

Without a file a node is *embedded*: SQLite and a key of its own making in a data directory, both roles,
data mode ``test``, reachable from this machine only.
"""

from __future__ import annotations

import ast
import difflib
import inspect
import itertools
import re
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal
from urllib.parse import urlsplit

import msgspec
from msgspec import Meta, Struct
from msgspec.structs import replace

from skypact.courier.addresses import network
from skypact.courier.client import host_of
from skypact.errors import FormatError, InputError
from skypact.record.note import WITNESS, name_fits, verifier_key
from skypact.server.limits import Limits

if TYPE_CHECKING:
    from collections.abc import Mapping

    from skypact.courier.addresses import Network
    from skypact.record.note import VerifierKey

NAME: Final = "skypact.toml"
LISTEN: Final = "127.0.0.1:8650"

_LIMITS: Final = Limits()
Positive = Annotated[float, Meta(gt=0.0)]
Count = Annotated[int, Meta(ge=1)]
_FAULT = re.compile(r"(?P<what>.*?)(?: - at `\$\.?(?P<path>.*)`)?", re.DOTALL)
_LITERAL = re.compile(r"[0-9.]+|[0-9a-f:.]*:[0-9a-f:.]*", re.ASCII)
_UNKNOWN = re.compile(r"Object contains unknown field `(?P<name>.*)`")
_EXPECTED = re.compile(r"Expected (?P<want>.+?)(?:, got `(?P<got>\w+)`)?", re.DOTALL)


_BEGIN: Final[Mapping[tuple[str, str], Any]] = {
    ("node", "party"): "skypact",
    ("node", "roles"): ["dss", "node"],
    ("node", "listen"): LISTEN,
    ("node", "data_mode"): "test",
    ("node", "key"): "key.pem",
    ("dss", "plain_http"): True,
    ("network", "allow_private"): ["127.0.0.0/8", "::1/128"],
}
"""The keys that a new configuration sets, for development; the others stand there as comments."""
_EXAMPLES: Final = {
    "name": '"authority"',
    "iss": '"https://auth.example.com"',
    "jwks_url": '"https://auth.example.com/.well-known/jwks.json"',
    "public_key_file": '"authority.pem"',
    "refresh_s": "300.0",
    "stale_s": "3600.0",
    "people": "false",
}
_HEAD: Final = """\
# {name}: what a Skypact node is told. Every key there is stands below with its default; take away the
# "# " before one to set it. Paths are relative to this file. A key that is not known ends the start.
# docs/configuration.md has the same keys in a table.
#
# As it stands this is for development, on one machine. For production (docs/security.md) set node.base_url
# (https), node.data_mode, a TLS certificate, auth.audience, auth.issuer and outgoing; and take away
# dss.plain_http and network.allow_private.
"""


class _Section(Struct, forbid_unknown_fields=True, kw_only=True, frozen=True):
    """A table of the file."""


class Node(_Section, frozen=True):
    """``[node]``: who this is and where it listens."""

    party: Annotated[str, Meta(min_length=1, max_length=255)] = "skypact"
    """Who this node is: the ``sub`` of its tokens, the manager of its intents."""
    base_url: str = ""
    """How others reach it; ``http://`` and ``listen`` where it is left out."""
    roles: list[Literal["dss", "node"]] = msgspec.field(default_factory=lambda: ["dss", "node"])
    """``dss``: discovery and synchronisation. ``node``: plans, details and notifications of a party."""
    listen: str = LISTEN
    """Address and port; port 0 takes any."""
    data_mode: Literal["real", "exercise", "simulated", "test"] = "test"
    """Of everything in this node; no check or alert mixes modes."""
    key: str = "key.pem"
    """The secret key that signs this node's tokens, PEM, readable by its owner alone."""
    tls_certificate: str = ""
    """PEM file of the certificate and its chain; with ``tls_key`` the node speaks https."""
    tls_key: str = ""
    """PEM file of the certificate's key."""
    stop_s: Positive = 15.0
    """Seconds that requests in flight have at a stop."""


class Store(_Section, frozen=True):
    """``[store]``: what is kept, and for how long."""

    url: str = ""
    """``sqlite:////path/skypact.db`` or ``postgresql://user:password@host/database``.

    SQLite beside this file where it is left out.
    """
    url_file: str = ""
    """A file that holds the URL, where it has a password in it."""
    upgrade: bool | None = None
    """Bring the tables up to this version at the start; on for SQLite, off for PostgreSQL."""
    retention_days: Positive = 90.0
    """How long what has ended is kept."""


class Issuer(_Section, frozen=True):
    """``[[auth.issuer]]``: somebody whose tokens are accepted."""

    name: str
    """For people."""
    iss: str = ""
    """The ``iss`` of his tokens; left out, a key in a file signs for any ``iss`` that is nobody else's."""
    jwks_url: str = ""
    """Where his keys are."""
    public_key_file: str = ""
    """Or his key: PEM of a public key or a certificate."""
    refresh_s: Positive = 300.0
    """How often the keys at the URL are fetched."""
    stale_s: Positive = 3_600.0
    """How old they may be."""
    people: bool = False
    """Whether his tokens may say who of this party's people acts (``skypact.people``): for its own issuer."""


class Auth(_Section, frozen=True):
    """``[auth]``: whose tokens are accepted."""

    audience: list[str] = msgspec.field(default_factory=list)
    """What ``aud`` of a token must be: the host of ``base_url`` where it is left out."""
    issuer: list[Issuer] = msgspec.field(default_factory=list)
    """Whose tokens are accepted."""
    own_issuer: bool = True
    """Whether tokens signed by this node's own key are accepted (``skypact token``)."""


class Outgoing(_Section, frozen=True):
    """``[outgoing]``: the tokens of outgoing calls."""

    grant: Literal["own", "endpoint", "client_credentials"] = "own"
    """Signed by this node's key, got from an endpoint with GET, or by OAuth 2 client credentials."""
    token_url: str = ""
    """The endpoint."""
    issuer: str = ""
    """``iss`` of this node's own tokens, or asked of an endpoint; ``urn:skypact:PARTY`` if left out."""
    client_id: str = ""
    """For client credentials."""
    client_secret_file: str = ""
    """The file of the secret."""
    trust_file: str = ""
    """PEM file of further authorities whose TLS certificates are trusted."""
    timeout_s: Positive = 5.0
    """Seconds for one outgoing call."""


class Dss(_Section, frozen=True):
    """``[dss]``: the DSS that this node uses, and what the role ``dss`` takes at most."""

    url: str = ""
    """The DSS that plans go to; this node itself where it has the role."""
    search_area_km2: Positive = 2_500.0
    """Area of a search."""
    intent_area_km2: Positive = 2_500.0
    """Area of an operational intent, over all its volumes."""
    subscription_area_km2: Positive = 2_500.0
    """Area of a subscription."""
    constraint_area_km2: Positive = 10_000.0
    """Area of a constraint."""
    subscriptions: int = 1_000
    """Subscriptions of one party at once; those that come and go with its intents are not counted."""
    plain_http: bool = False
    """Whether a base URL may be ``http://``: for development."""


class Flights(_Section, frozen=True):
    """``[flights]``: what the regulator and the pact leave open for a node's own flights."""

    equal_priority: bool = False
    """Whether flights of equal priority may meet."""
    over_off_nominal: bool = False
    """Whether a flight of higher priority may be planned over one that is off-nominal."""
    through_constraints: bool = False
    """Whether a flight may meet a constraint, its operator being told."""
    constraints: bool = False
    """Whether constraints are processed: needs the scope ``utm.constraint_processing``."""
    priority_most: int = 100
    """The highest priority that the regulator has given meaning to; the lowest is 0."""
    plan_s: Positive = 5.0
    """Seconds for a whole plan, with every question that it takes."""
    peer_s: Positive = 2.0
    """Seconds for one answer of a peer."""


class LimitsOf(_Section, frozen=True):
    """``[limits]``: of requests."""

    body_bytes: Annotated[int, Meta(ge=1_024)] = _LIMITS.body_bytes
    """Bytes of a body."""
    nesting: Annotated[int, Meta(ge=8, le=200)] = _LIMITS.nesting
    """Levels of arrays and objects."""
    body_s: Positive = _LIMITS.body_s
    """Seconds in which a request must have arrived."""
    answer_s: Positive = _LIMITS.answer_s
    """Seconds after which an operation is answered 503 (it goes on to its end)."""
    header_bytes: Annotated[int, Meta(ge=1_024)] = _LIMITS.header_bytes
    """Bytes of the request line and the headers."""
    party_per_s: Positive = _LIMITS.party_per_s
    """Requests a second of one party, in the long run, in one process."""
    party_burst: Annotated[float, Meta(ge=1.0)] = _LIMITS.party_burst
    """Requests of one party at once."""
    connections: Count = _LIMITS.connections
    """Connections open at once."""


class Record(_Section, frozen=True):
    """``[record]``: under which name, and with which key, this party's ledger is signed."""

    origin: str = ""
    """The log's name in its checkpoints; one that says nothing of who keeps it where it is left out."""
    key: str = ""
    """The secret Ed25519 key that signs checkpoints, PEM; ``node.key`` where it is left out."""
    witnesses: list[str] = msgspec.field(default_factory=list)
    """Who cosigns this ledger: each the witness's key and, after a space, its URL (C2SP tlog-witness)."""
    logs: list[str] = msgspec.field(default_factory=list)
    """Whose ledgers are cosigned here: the keys of their logs."""


class PactOf(_Section, frozen=True):
    """``[pact]``: the agreement that this node runs under; with it the node has a hotline."""

    files: list[str] = msgspec.field(default_factory=list)
    """Its versions from the first one on, each the file of its text; signatures lie beside it (``.sigs``)."""
    peers: list[str] = msgspec.field(default_factory=list)
    """Where the other parties' nodes are: each the party's id and, after a space, its base URL."""
    call_command: list[str] = msgspec.field(default_factory=list)
    """What is run when somebody is to be called: a program and its arguments; it gets JSON on its input."""
    call_webhook: str = ""
    """Where that JSON is posted too, or instead."""


class Testing(_Section, frozen=True):
    """``[testing]``: interfaces for test suites, which give away what a real node must not."""

    enabled: bool = False
    """Serve them: ``/token`` signs a token for whoever asks."""


class NetworkOf(_Section, frozen=True):
    """``[network]``: where outgoing calls may reach."""

    allow_private: list[str] = msgspec.field(default_factory=list)
    """Networks (CIDR) that may be reached although they are not public; plain http goes only there."""


class Telemetry(_Section, frozen=True):
    """``[telemetry]``: traces."""

    otlp_endpoint: str = ""
    """Where OpenTelemetry spans are sent, OTLP over HTTP; nowhere where it is left out."""


class Log(_Section, frozen=True):
    """``[log]``: the log, JSON lines on standard error."""

    level: Literal["debug", "info", "warning", "error"] = "info"
    """What is left out below it; requests are ``info``."""


class Config(_Section, frozen=True):
    """All of it. ``folder`` is the file's own folder, or the data directory."""

    folder: str = ""
    node: Node = Node()
    store: Store = Store()
    auth: Auth = Auth()
    outgoing: Outgoing = Outgoing()
    dss: Dss = Dss()
    flights: Flights = Flights()
    limits: LimitsOf = LimitsOf()
    record: Record = Record()
    pact: PactOf = PactOf()
    testing: Testing = Testing()
    network: NetworkOf = NetworkOf()
    telemetry: Telemetry = Telemetry()
    log: Log = Log()

    def path(self, name: str) -> Path:
        """A path of the file, seen from its folder."""
        return Path(self.folder) / name

    @property
    def base_url(self) -> str:
        """How others reach this node, without a slash at its end."""
        if self.node.base_url:
            return self.node.base_url.rstrip("/")
        scheme = "https" if self.node.tls_certificate else "http"
        host, port = address(self.node.listen, where="node.listen")
        return f"{scheme}://{f'[{host}]' if ':' in host else host}:{port}"

    @property
    def audiences(self) -> tuple[str, ...]:
        """What ``aud`` of a token for this node may be."""
        return tuple(self.auth.audience) or (host_of(self.base_url),)

    @property
    def issuer(self) -> str:
        """``iss`` of this node's own tokens."""
        return self.outgoing.issuer or f"urn:skypact:{self.node.party}"

    @property
    def store_url(self) -> str:
        """Where what is kept is."""
        if self.store.url_file:
            return _text_of(self.path(self.store.url_file), "store.url_file")
        return self.store.url or f"sqlite:///{self.path('skypact.db').resolve()}"

    @property
    def upgrades(self) -> bool:
        """Whether the tables are brought up to this version at the start."""
        if self.store.upgrade is not None:
            return self.store.upgrade
        return self.store_url.startswith("sqlite:")

    @property
    def dss_url(self) -> str:
        """The DSS that this node uses."""
        return self.dss.url.rstrip("/") or (self.base_url if "dss" in self.node.roles else "")

    @property
    def networks(self) -> tuple[Network, ...]:
        """Networks that may be reached although not public; a node that is its own DSS reaches itself."""
        named = tuple(
            network(text, where=f"network.allow_private[{at}]")
            for at, text in enumerate(self.network.allow_private)
        )
        host = host_of(self.base_url)
        itself = {"dss", "node"} <= set(self.node.roles) and not self.dss.url and _LITERAL.fullmatch(host)
        return (*named, network(host)) if itself else named

    @property
    def witnesses(self) -> tuple[tuple[VerifierKey, str], ...]:
        """Who cosigns the ledger, and where each is asked."""
        found: list[tuple[VerifierKey, str]] = []
        for at, text in enumerate(self.record.witnesses):
            where = f"record.witnesses[{at}]"
            vkey, _, url = text.partition(" ")
            key = verifier_key(vkey, where=where)
            if key.kind != WITNESS or not url.strip():
                raise InputError(
                    "not a witness", where=where, found=text, expected="a witness's KEY and its URL"
                )
            _called(url.strip(), where)
            found.append((key, url.strip()))
        return tuple(found)

    @property
    def witnessed_logs(self) -> tuple[VerifierKey, ...]:
        """The keys of the logs that are cosigned here."""
        return tuple(
            verifier_key(text, where=f"record.logs[{at}]") for at, text in enumerate(self.record.logs)
        )

    @property
    def peers(self) -> dict[str, str]:
        """Where the other parties' nodes are, by party."""
        found: dict[str, str] = {}
        for at, text in enumerate(self.pact.peers):
            where = f"pact.peers[{at}]"
            party, _, url = text.partition(" ")
            if not party or not url.strip() or party in found or party == self.node.party:
                raise InputError(
                    "not a peer",
                    where=where,
                    found=text,
                    expected="another party's id and its URL, each once",
                )
            _called(url.strip(), where)
            found[party] = url.strip().rstrip("/")
        return found

    @property
    def request_limits(self) -> Limits:
        """As the gate takes them."""
        return Limits(**msgspec.structs.asdict(self.limits))


def embedded(data: Path, *, listen: str = LISTEN) -> Config:
    """The configuration of a node without a file: everything in one folder, for this machine alone."""
    return _checked(
        Config(
            folder=str(data),
            node=Node(listen=listen),
            auth=Auth(audience=["localhost", "127.0.0.1"]),
            network=NetworkOf(allow_private=["127.0.0.0/8", "::1/128"]),
            dss=Dss(plain_http=True),
        )
    )


def relisten(config: Config, listen: str) -> Config:
    """The same configuration, listening elsewhere.

    Raises
    ------
    InputError
        That is no place.
    """
    return _checked(replace(config, node=replace(config.node, listen=listen)))


def template(party: str, told: Mapping[tuple[str, str], Any] | None = None) -> str:
    """The text of a configuration with every key in it, commented, and its default.

    Parameters
    ----------
    party
        Who the node is.
    told
        Values to set, by table and key.
    """
    values = {**_BEGIN, ("node", "party"): party, **(told or {})}
    return _HEAD.format(name=NAME) + "".join(_table(field.name, field.type, values) for field in _tables())


def beside(first: Config, *, listen: str, key: str) -> dict[tuple[str, str], Any]:
    """What a second node on this machine is told, so that it and the first know each other.

    The first one's discovery service is used, and its key signs for both: whoever runs the first is the
    authority. That is for development; between machines each party has a key of its own.

    Parameters
    ----------
    first
        What the first is told.
    listen
        Where the second listens.
    key
        The first one's key, as a path from the second's folder.

    Raises
    ------
    InputError
        The first is no node for development, or has no discovery service.
    """
    if first.node.data_mode == "real":
        raise InputError("not beside a node with real data: this is for development", where="--beside")
    if not first.dss_url:
        raise InputError("it uses no discovery service", where="--beside: dss.url", found=first.folder)
    return {
        ("node", "roles"): ["node"],
        ("node", "listen"): listen,
        ("node", "data_mode"): first.node.data_mode,
        ("node", "key"): key,
        ("outgoing", "issuer"): first.issuer,
        ("dss", "url"): first.dss_url,
    }


def _tables() -> list[msgspec.structs.FieldInfo]:
    return [field for field in msgspec.structs.fields(Config) if field.name != "folder"]


def _table(name: str, kind: Any, values: Mapping[tuple[str, str], Any]) -> str:
    told = documented(kind)
    lines = [f"\n# {told.pop('')}\n[{name}]\n"]
    fields = {field.name: field for field in msgspec.structs.fields(kind)}
    for key, text in told.items():
        if key == "issuer" and kind is Auth:
            continue
        value = fields[key].default
        if value is msgspec.NODEFAULT:
            made: Any = fields[key].default_factory
            value = made()
        value = values.get((name, key), value)
        lead = "" if (name, key) in values else "# "
        lines.append(f"# {text}\n{lead}{key} = {_toml(value)}\n")
    if kind is Auth:
        issuer = documented(Issuer)
        lines.append(f"\n# {issuer.pop('')}\n# [[auth.issuer]]\n")
        lines += [f"# {text}\n# {key} = {_EXAMPLES[key]}\n" for key, text in issuer.items()]
    return "".join(lines)


def documented(kind: Any) -> dict[str, str]:
    """The keys of a table and what each is, from the docstrings in this file; the table under ``""``."""
    tree = ast.parse(inspect.getsource(kind)).body[0]
    assert isinstance(tree, ast.ClassDef)  # noqa: S101  # a table is a class
    texts = {"": inspect.getdoc(kind) or ""}
    for before, after in itertools.pairwise(tree.body):
        if isinstance(before, ast.AnnAssign) and isinstance(after, ast.Expr):
            target, value = before.target, after.value
            if isinstance(target, ast.Name) and isinstance(value, ast.Constant):
                texts[target.id] = " ".join(str(value.value).split())
    return {key: text.replace("``", "") for key, text in texts.items()}


def _toml(value: Any) -> str:
    if value is None:
        return "true"
    return msgspec.json.encode(value).decode()


def load(path: Path) -> Config:
    """Read a configuration.

    Raises
    ------
    InputError
        A key is not known or a value not of its kind; the message names the key.
    OSError
        There is no such file, or it cannot be read.
    """
    try:
        return parse(path.read_text(encoding="utf-8"), folder=path.parent)
    except UnicodeDecodeError:
        raise FormatError("not UTF-8", where=str(path)) from None
    except InputError as error:
        raise error.at(str(path)) from None


def parse(text: str, *, folder: Path) -> Config:
    """Read the text of a configuration; paths in it are relative to ``folder``.

    Raises
    ------
    InputError
        As :func:`load`, without the file's name.
    """
    try:
        told = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise FormatError(f"not TOML ({str(error)[:120]})") from None
    if "folder" in told:
        raise FormatError("no such key", where="folder")
    try:
        config = msgspec.convert(told | {"folder": str(folder)}, Config)
    except msgspec.ValidationError as error:
        raise _told(str(error), told) from None
    return _checked(config)


def address(text: str, *, where: str) -> tuple[str, int]:
    """Host and port of ``HOST:PORT``.

    Raises
    ------
    InputError
        It is neither an address nor a name with a port.
    """
    try:
        parts = urlsplit(f"//{text}")
        host, port = parts.hostname, parts.port
    except ValueError:
        host, port = None, None
    plain = text.rpartition(":")[0].strip("[]")
    if not host or port is None or plain.lower() != host:
        raise InputError(
            "not an address with a port", where=where, found=text, expected=f"HOST:PORT, like {LISTEN}"
        )
    return host, port


def _checked(config: Config) -> Config:
    """What no single value says."""
    address(config.node.listen, where="node.listen")
    for name, url in (
        ("node.base_url", config.node.base_url),
        ("dss.url", config.dss.url),
        ("outgoing.token_url", config.outgoing.token_url),
        ("telemetry.otlp_endpoint", config.telemetry.otlp_endpoint),
        *((f"auth.issuer[{at}].jwks_url", item.jwks_url) for at, item in enumerate(config.auth.issuer)),
    ):
        if url:
            _called(url, name)
    if not config.node.roles:
        raise InputError("no role", where="node.roles", expected='"dss", "node" or both')
    if bool(config.node.tls_certificate) != bool(config.node.tls_key):
        raise InputError(
            "half of a pair", where="node.tls_key", expected="tls_certificate and tls_key, or none"
        )
    if config.store.url and config.store.url_file:
        raise InputError("two URLs", where="store.url_file", expected="url or url_file")
    if config.outgoing.grant != "own" and not config.outgoing.token_url:
        raise InputError("missing", where="outgoing.token_url", expected=f"it, for {config.outgoing.grant}")
    if config.outgoing.grant == "client_credentials" and not (
        config.outgoing.client_id and config.outgoing.client_secret_file
    ):
        raise InputError("missing", where="outgoing.client_secret_file", expected="client_id and it")
    if "node" in config.node.roles and not config.dss_url:
        raise InputError("missing", where="dss.url", expected="the DSS that this node uses")
    _issuers(config)
    if any(not item.strip() for item in config.auth.audience):
        raise InputError("empty", where="auth.audience", expected="hosts of this node, as tokens name them")
    _ = config.networks, config.witnesses, config.witnessed_logs, config.peers
    if config.record.origin and not name_fits(config.record.origin):
        raise InputError(
            "not a name of a log",
            where="record.origin",
            found=config.record.origin,
            expected="up to 255 printable characters, no spaces, no +",
        )
    if config.testing.enabled and config.node.data_mode == "real":
        raise InputError(
            "interfaces for test suites in a node with real data",
            where="testing.enabled",
            found=True,
            expected="false where node.data_mode is real",
        )
    return config


def _issuers(config: Config) -> None:
    seen: set[str] = set()
    for at, item in enumerate(config.auth.issuer):
        where = f"auth.issuer[{at}]"
        if bool(item.jwks_url) == bool(item.public_key_file):
            raise InputError("no key, or two", where=where, expected="jwks_url or public_key_file")
        if item.jwks_url and not item.iss:
            raise InputError("missing", where=f"{where}.iss", expected="the iss of tokens of these keys")
        if item.iss and item.iss in seen:
            raise InputError("there twice", where=f"{where}.iss", found=item.iss, expected="each once")
        seen.add(item.iss)
    if not config.auth.issuer and not config.auth.own_issuer:
        raise InputError(
            "nobody's token is accepted", where="auth.issuer", expected="an issuer, or own_issuer"
        )


def _called(url: str, name: str) -> None:
    try:
        host_of(url)
    except InputError as error:
        raise error.at(name) from None


def _text_of(path: Path, where: str) -> str:
    try:
        return path.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not UTF-8"
        raise InputError(f"cannot be read ({reason})", where=where, found=str(path)) from None


def secret(config: Config, name: str, where: str) -> str:
    """The text of a file that holds a secret.

    Raises
    ------
    InputError
        It cannot be read; the text is not quoted.
    """
    return _text_of(config.path(name), where)


def _told(text: str, told: Any) -> FormatError:
    """What msgspec says of a value, by the key of the file."""
    match = _FAULT.fullmatch(text)
    what, path = (match["what"], match["path"] or "") if match else (text, "")
    unknown = _UNKNOWN.fullmatch(what)
    if unknown:
        known = _known(path)
        close = difflib.get_close_matches(unknown["name"], known, 1)
        return FormatError(
            "no such key",
            where=f"{path}.{unknown['name']}".lstrip("."),
            expected=close[0] if close else f"one of {', '.join(known)}",
        )
    expected = _EXPECTED.fullmatch(what)
    found = told
    for step in re.findall(r"[^.\[\]]+", path):
        try:
            found = found[int(step) if step.isdigit() else step]
        except (LookupError, TypeError):
            found = None
            break
    if expected is None:
        return FormatError(what[:1].lower() + what[1:], where=path, found=found)
    return FormatError("not of its kind", where=path, found=found, expected=expected["want"].replace("`", ""))


def _known(path: str) -> list[str]:
    """The keys of the table at a path."""
    kind: Any = Issuer if path.startswith("auth.issuer") else Config
    if kind is Config and path:
        kind = {field.name: field.type for field in msgspec.structs.fields(Config)}.get(path, Config)
    return [field.name for field in msgspec.structs.fields(kind) if field.name != "folder"]
