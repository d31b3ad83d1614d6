"""The configuration: every key documented, every fault named, and what is left out worked out."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

import msgspec
import pytest

from skypact.errors import InputError
from skypact.node import config as c
from skypact.node.keys import data_directory, make_key, own_key

TEXT = (Path(__file__).parents[2] / "docs" / "configuration.md").read_text(encoding="utf-8")
HERE = Path("/somewhere")
TABLES: dict[str, Any] = {f"[{field.name}]": field.type for field in c._tables()} | {
    "[[auth.issuer]]": c.Issuer
}


def parsed(text: str) -> c.Config:
    """A configuration of a text."""
    return c.parse(text, folder=HERE)


@pytest.mark.parametrize("head", TABLES)
def test_the_page_has_every_key_with_its_default_and_meaning(head: str) -> None:
    """Neither more nor fewer, in the order of the file."""
    section = TEXT.split(f"## `{head}`\n", 1)[1].split("\n## ", 1)[0]
    rows = re.findall(r"^\| `(\w+)` \| (.*?) \| (.*) \|$", section, re.MULTILINE)
    told = c.documented(TABLES[head])
    expected = []
    for field in msgspec.structs.fields(TABLES[head]):
        if TABLES[head] is c.Auth and field.name == "issuer":
            continue
        value = field.default
        if value is msgspec.NODEFAULT and field.default_factory is not msgspec.NODEFAULT:
            value = field.default_factory()
        shown = "" if value in (None, "", msgspec.NODEFAULT) else f"`{msgspec.json.encode(value).decode()}`"
        expected.append((field.name, shown, told[field.name]))
    assert [(name, default.strip(), text) for name, default, text in rows] == expected


def test_a_new_configuration_has_every_key_and_says_what_it_would_anyway() -> None:
    """Each key stands in it, set or as a comment with its default; what is set is for development."""
    text = c.template("alpha")
    config = parsed(text)
    assert config.node.party == "alpha"
    assert config.dss.plain_http
    for kind in TABLES.values():
        for field in msgspec.structs.fields(kind):
            if (kind, field.name) != (c.Auth, "issuer"):
                assert re.search(rf"^(# )?{field.name} = ", text, re.MULTILINE), field.name
    lines = [re.sub(r"^# (?=\w+ = |\[\[[a-z.]+\]\]$)", "", line) for line in text.splitlines()]
    lines = [line for line in lines if not line.startswith("public_key_file")]  # an example beside jwks_url
    uncommented = parsed("\n".join(lines))
    assert uncommented.auth.issuer[0].jwks_url.startswith("https://")
    assert msgspec.structs.asdict(uncommented.limits) == msgspec.structs.asdict(c.Config().limits)


def test_a_second_party_is_told_of_the_first() -> None:
    """It uses the first one's discovery service and key, and has a name and a store of its own."""
    first = c.embedded(HERE / "first", listen="127.0.0.1:9000")
    text = c.template("bravo", c.beside(first, listen="127.0.0.1:9001", key="../first/key.pem"))
    second = c.parse(text, folder=HERE / "second")
    assert (second.node.party, second.node.roles) == ("bravo", ["node"])
    assert (second.base_url, second.dss_url) == ("http://127.0.0.1:9001", first.base_url)
    assert second.path(second.node.key).resolve() == first.path(first.node.key)
    assert (second.issuer, second.audiences) == (first.issuer, ("127.0.0.1",))
    assert second.store_url != first.store_url
    third = c.beside(second, listen="127.0.0.1:9002", key="x")
    assert third["dss", "url"] == first.base_url


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("[node]\ndata_mode = 'real'\nroles = ['dss', 'node']", "real data"),
        ("[node]\nroles = ['node']\n[dss]\nurl = ''", "no discovery service"),
    ],
)
def test_nobody_begins_beside_a_real_node_or_without_a_discovery_service(text: str, told: str) -> None:
    """Sharing a key is for development, and a party alone coordinates with nobody."""
    first = msgspec.convert(tomllib.loads(text) | {"folder": "x"}, c.Config)
    with pytest.raises(InputError, match=told):
        c.beside(first, listen="127.0.0.1:9001", key="x")


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("[node", "not TOML"),
        ("[node]\nparti = 'x'", "node.parti: no such key; expected party"),
        ("[nod]\nx = 1", "nod: no such key; expected node"),
        ("[qqq]\nx = 1", "qqq: no such key; expected one of node, store"),
        ("folder = 'x'", "folder: no such key"),
        ("node = 5", "node: not of its kind; found 5; expected object"),
        ("[node]\nparty = ''", "node.party: not of its kind; found ''; expected str of length >= 1"),
        ("[node]\nroles = ['dss', 'x']", "node.roles[1]: invalid enum value 'x'; found 'x'"),
        ("[node]\nroles = []", "node.roles: no role"),
        ("[node]\nlisten = '8650'", "node.listen: not an address with a port; found '8650'"),
        ("[node]\nlisten = 'u:p@h:1'", "node.listen: not an address"),
        ("[node]\nlisten = 'h:99999'", "node.listen: not an address"),
        ("[node]\nbase_url = 'ftp://x'", "node.base_url: a URL that cannot be called"),
        ("[node]\ntls_key = 'x'", "node.tls_key: half of a pair"),
        ("[store]\nurl = 'a'\nurl_file = 'b'", "store.url_file: two URLs"),
        (
            "[store]\nretention_days = 0",
            "store.retention_days: not of its kind; found 0; expected float > 0.0",
        ),
        ("[limits]\nnesting = 1", "limits.nesting: not of its kind; found 1; expected int >= 8"),
        ("[auth]\naudience = ['']", "auth.audience: empty"),
        ("[auth]\nown_issuer = false", "auth.issuer: nobody's token is accepted"),
        ("[[auth.issuer]]\nname = 'a'", "auth.issuer[0]: no key, or two"),
        ("[[auth.issuer]]\nname = 'a'\njwks_url = 'https://a'", "auth.issuer[0].iss: missing"),
        (
            "[[auth.issuer]]\nname = 'a'\niss = 'i'\npublic_key_file = 'k'\n" * 2,
            "auth.issuer[1].iss: there twice; found 'i'",
        ),
        ("[[auth.issuer]]\nname = 'a'\nkey = 'k'", "auth.issuer[0].key: no such key"),
        ("[outgoing]\ngrant = 'endpoint'", "outgoing.token_url: missing"),
        (
            "[outgoing]\ngrant = 'client_credentials'\ntoken_url = 'https://a'",
            "outgoing.client_secret_file: missing",
        ),
        ("[node]\nroles = ['node']", "dss.url: missing"),
        ("[network]\nallow_private = ['x']", "network.allow_private[0]: not a network"),
        (
            "[testing]\nenabled = true\n[node]\ndata_mode = 'real'",
            "testing.enabled: interfaces for test suites",
        ),
    ],
)
def test_a_fault_names_its_key(text: str, told: str) -> None:
    """With what was found and what was expected."""
    with pytest.raises(InputError) as caught:
        parsed(text)
    assert str(caught.value).startswith(told)


def test_a_file_is_named_with_its_fault(tmp_path: Path) -> None:
    """The path comes first."""
    file = tmp_path / "skypact.toml"
    file.write_text("[nod]\n", encoding="utf-8")
    with pytest.raises(InputError, match=re.escape(f"{file}: nod: no such key")):
        c.load(file)
    file.write_bytes(b"\xff")
    with pytest.raises(InputError, match="not UTF-8"):
        c.load(file)


def test_what_is_left_out_is_worked_out() -> None:
    """Base URL, audience, issuer, store, DSS and the networks of a node that is its own DSS."""
    config = parsed("[node]\nparty = 'p'\nlisten = '[::1]:8650'\ntls_certificate = 'c'\ntls_key = 'k'")
    assert config.base_url == "https://[::1]:8650"
    assert config.audiences == ("::1",)
    assert config.issuer == "urn:skypact:p"
    assert config.store_url == "sqlite:////somewhere/skypact.db"
    assert config.upgrades
    assert config.dss_url == config.base_url
    assert [str(item) for item in config.networks] == ["::1/128"]


def test_what_is_said_holds() -> None:
    """And nothing beside it is permitted."""
    config = parsed(
        "[node]\nbase_url = 'https://Node.Example:8443/'\n[store]\nurl = 'postgresql://u:p@h/d'\n"
        "[dss]\nurl = 'https://dss.example/'\n[auth]\naudience = ['a', 'b']\n[outgoing]\nissuer = 'me'"
    )
    assert config.base_url == "https://Node.Example:8443"
    assert config.audiences == ("a", "b")
    assert config.issuer == "me"
    assert not config.upgrades
    assert config.dss_url == "https://dss.example"
    assert config.networks == ()


def test_a_node_can_be_told_to_listen_elsewhere() -> None:
    """Nothing else changes, and nonsense is refused."""
    config = parsed("[node]\nparty = 'p'")
    moved = c.relisten(config, "0.0.0.0:1")
    assert (moved.node.listen, moved.node.party) == ("0.0.0.0:1", "p")
    with pytest.raises(InputError, match=r"node\.listen"):
        c.relisten(config, "nowhere")


def test_secrets_may_lie_in_files(tmp_path: Path) -> None:
    """The URL of a database and a client's secret; a file that is not there is named."""
    (tmp_path / "url").write_text("postgresql://u:secret@h/d\n", encoding="utf-8")
    config = c.parse("[store]\nurl_file = 'url'", folder=tmp_path)
    assert config.store_url == "postgresql://u:secret@h/d"
    missing = c.parse("[store]\nurl_file = 'none'", folder=tmp_path)
    with pytest.raises(InputError, match=r"store\.url_file: cannot be read"):
        _ = missing.store_url
    with pytest.raises(InputError, match="x: cannot be read"):
        c.secret(config, "none", "x")


def test_an_embedded_node_is_for_this_machine_alone(tmp_path: Path) -> None:
    """It reaches loopback, is reached on loopback, and holds test data."""
    config = c.embedded(tmp_path)
    assert config.node.listen.startswith("127.0.0.1:")
    assert config.node.data_mode == "test"
    assert not config.testing.enabled
    assert {"localhost", "127.0.0.1"} == set(config.audiences)
    assert all(item.is_loopback for item in config.networks)


def test_a_key_is_made_once_and_read_back(tmp_path: Path) -> None:
    """The second time it is the same; a file that is there is never overwritten."""
    folder = tmp_path / "data"
    data_directory(folder)
    first = own_key(c.embedded(folder))
    data_directory(folder)
    assert own_key(c.embedded(folder)).public == first.public
    with pytest.raises(FileExistsError):
        make_key(folder / "key.pem", "EdDSA")
    (folder / "key.pem").write_bytes(b"x")
    with pytest.raises(InputError, match="no secret key in PEM"):
        own_key(c.embedded(folder))
