"""The terms of a pact in TOML: parties with their keys and contacts, notice, timers, levels, who sees what.

Law: a term that is left out has the value that ``skypact.pact.terms`` states, never one that was made here.
What a person reads a number's unit from is in the text: periods and tolerances have their units, keys and
verifier keys their one spelling, hours their offset.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from skypact.errors import FormatError, InputError
from skypact.formats.pact_table import every, single
from skypact.instants import EVER, FOREVER
from skypact.pact import (
    Acknowledgement,
    Amendment,
    Contact,
    Filing,
    Hours,
    Intermediary,
    Level,
    Notice,
    Notices,
    Party,
    PartyKey,
    Readback,
    Release,
    Timers,
    Witnesses,
    parse_key,
)
from skypact.pact.keys import fault_of
from skypact.units import parse_duration_s, parse_length_m

if TYPE_CHECKING:
    from skypact.formats.pact_table import Errors, Table

LENGTH: Final = 'a length with its unit, like "5 NM" or "1000 ft"'
DURATION: Final = 'a duration with its unit, like "5 min"'

TERMS: Final = (
    "notice",
    "timers",
    "acknowledgement",
    "readback",
    "release",
    "intermediary",
    "witnesses",
    "amendment",
)
"""The tables that are read here, beside ``party``."""
PARTY: Final = ("id", "name", "languages", "key", "contact", "note")
"""The keys of a party."""
KEY: Final = ("public", "from", "until", "revoked", "note")
CONTACT: Final = ("role", "hours", "reach", "languages", "person", "note")
NOTICE: Final = ("flight", "movement", "site", "activity")
PERIODS: Final = ("normal", "emergency")
TIMERS: Final = ("receipt", "phone", "query", "urgent_query", "incident_report", "stop_receipt")
ACKNOWLEDGEMENT: Final = tuple(filing.value for filing in Filing)
READBACK: Final = ("position", "time")
RELEASE: Final = ("of", "to", "filings", "onward")
INTERMEDIARY: Final = ("party", "on_behalf_of", "to")
WITNESSES: Final = ("vkeys", "quorum")
AMENDMENT: Final = ("required", "at_least")

_LANGUAGE = re.compile(r"[a-z]{2,3}(?:-[A-Za-z0-9]{2,8})*", re.ASCII)
_LEVELS: Final = "0 to 5: " + ", ".join(f"{level.value} {level.text}" for level in Level)


@dataclass(frozen=True, slots=True)
class Terms:
    """What was read; None stands for an entry in which something is wrong."""

    notices: Notices
    timers: Timers
    acknowledgement: Acknowledgement
    readback: Readback
    releases: list[Release | None]
    intermediaries: list[Intermediary | None]
    witnesses: Witnesses
    amendment: Amendment


def read_terms(document: dict[str, object], errors: Errors) -> Terms:
    """The terms of a pact; what is wrong goes to ``errors``."""
    return Terms(
        single(document, "notice", NOTICE, errors, _notices),
        single(document, "timers", TIMERS, errors, _timers),
        single(document, "acknowledgement", ACKNOWLEDGEMENT, errors, _acknowledgement),
        single(document, "readback", READBACK, errors, _readback),
        every(document, "release", RELEASE, errors, _release),
        every(document, "intermediary", INTERMEDIARY, errors, _intermediary),
        single(document, "witnesses", WITNESSES, errors, _witnesses),
        single(document, "amendment", AMENDMENT, errors, _amendment),
    )


def party(table: Table) -> Party:
    """One party, with its keys and contacts."""
    return Party(
        table.text("id", needed=True),
        table.text("name"),
        table.text("note", lines=True),
        _languages(table),
        tuple(key for inner in table.tables("key", KEY) if (key := _key(inner)) is not None),
        tuple(_contact(inner) for inner in table.tables("contact", CONTACT)),
    )


def _key(table: Table) -> PartyKey | None:
    public = table.parsed(
        "public", lambda text: parse_key(text, where=table.where("public")), "a key", needed=True
    )
    since, until, revoked = (table.instant(key) for key in ("from", "until", "revoked"))
    note = table.text("note", lines=True)
    if public is None:
        return None
    return PartyKey(
        public,
        EVER if since is None else since,
        FOREVER if until is None else until,
        FOREVER if revoked is None else revoked,
        note,
    )


def _contact(table: Table) -> Contact:
    # what is missing is a contradiction of the pact, whoever made it: skypact.pact has the words for it
    return Contact(
        table.text("role"),
        _hours(table),
        table.texts("reach"),
        _languages(table),
        table.text("person"),
        table.text("note", lines=True),
    )


def _hours(table: Table) -> tuple[Hours, ...]:
    value = table.values.get("hours")
    texts = (table.text("hours"),) if isinstance(value, str) else table.texts("hours")
    read = []
    for text in texts:
        try:
            read.append(Hours.parse(text, where=table.where("hours")))
        except InputError as error:
            table.fail(error)
    return tuple(read)


def _languages(table: Table) -> tuple[str, ...]:
    tags = table.texts("languages")
    for tag in tags:
        if _LANGUAGE.fullmatch(tag) is None:
            table.wrong("languages", "not a language", 'tags of BCP 47, like ["en", "ru"]', found=tag)
    return tags


def _notices(table: Table) -> Notices:
    stated = {}
    for name in NOTICE:
        inner = table.table(name, PERIODS)
        if inner is not None:
            periods = [inner.parsed(key, parse_duration_s, DURATION) for key in PERIODS]
            stated[name] = Notice(*periods)
    return Notices(**stated)


def _timers(table: Table) -> Timers:
    read = {f"{key}_s": table.parsed(key, parse_duration_s, DURATION) for key in TIMERS}
    return Timers(**{name: value for name, value in read.items() if value is not None})


def _acknowledgement(table: Table) -> Acknowledgement:
    stated = {}
    for name in ACKNOWLEDGEMENT:
        number = table.whole(name)
        if number is None:
            continue
        if number in set(Level):
            stated[name] = Level(number)
        else:
            table.wrong(name, "not a level of acknowledgement", _LEVELS)
    return Acknowledgement(**stated)


def _readback(table: Table) -> Readback:
    position = table.parsed("position", parse_length_m, LENGTH)
    time = table.parsed("time", parse_duration_s, DURATION)
    usual = Readback()
    return Readback(
        usual.position_m if position is None else position, usual.time_s if time is None else time
    )


def _release(table: Table) -> Release:
    onward = table.table("onward")
    passed = () if onward is None else tuple((name, onward.texts(name)) for name in onward.values)
    return Release(table.text("of", needed=True), _named(table, "to"), _filings(table), passed)


def _filings(table: Table) -> tuple[Filing, ...]:
    if "filings" not in table.values:
        return tuple(Filing)
    known = {filing.value: filing for filing in Filing}
    words = table.texts("filings")
    for word in words:
        if word not in known:
            table.wrong("filings", "not a class of filing", ", ".join(known), found=word)
    return tuple(dict.fromkeys(known[word] for word in words if word in known))


def _intermediary(table: Table) -> Intermediary:
    return Intermediary(table.text("party", needed=True), _named(table, "on_behalf_of"), _named(table, "to"))


def _named(table: Table, key: str) -> tuple[str, ...]:
    """A list of names that has to be there, and may be empty."""
    if key not in table.values:
        table.fail(FormatError("missing", where=table.where(key), expected='a list like ["coalition"]'))
    return table.texts(key)


def _witnesses(table: Table) -> Witnesses:
    vkeys = table.texts("vkeys")
    for row, text in enumerate(vkeys):
        try:
            _see_that_it_is_a_witness(text, where=table.where(f"vkeys[{row}]"))
        except InputError as error:
            table.fail(error)
    quorum = table.whole("quorum", needed="vkeys" in table.values)
    return Witnesses(vkeys, 0 if quorum is None else quorum)


def _see_that_it_is_a_witness(text: str, *, where: str) -> None:
    from skypact.record.note import WITNESS, verifier_key  # cryptography, which few pacts need

    key = verifier_key(text, where=where)
    if key.kind != WITNESS or fault_of(key.key.ed25519):
        raise FormatError("not a witness's key", where=where, found=text, expected="one of type 0x04")


def _amendment(table: Table) -> Amendment:
    return Amendment(table.texts("required"), table.whole("at_least"))
