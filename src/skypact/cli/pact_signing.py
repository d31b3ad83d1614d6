"""``skypact pact sign``, ``verify`` and ``fingerprint``: files of signatures and keys, for a person.

Law: what was signed is the bytes of the file; they are read once and never written. Signatures are written
whole or not at all. The version that a pact supersedes is known by its digest alone, wherever it was found.
"""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Any, Final

from skypact.airspace.labels import DataMode
from skypact.cli import BAD, FOUND, OK, complain, visible
from skypact.cli.output import binary, standard_output
from skypact.errors import FormatError, InputError, UsageError
from skypact.formats.pact_signatures import SUFFIX, read_signatures, write_signatures
from skypact.formats.pact_toml import SIZE_MAX, read_pact
from skypact.formats.source import Source
from skypact.instants import EVER, FOREVER, SECOND_US, format_instant
from skypact.node.keys import secret_key
from skypact.pact import aloud, signatures
from skypact.pact.keys import key_text, public_bytes
from skypact.pact.statements import differences, for_party
from skypact.seal import public_key

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from skypact.pact.signatures import Edition, Standing

AHEAD_US: Final = 60 * SECOND_US
"""A signature that is dated further ahead of the clock here is told as such."""
VERSIONS_MAX: Final = 1_000
"""So many versions of one pact are followed back."""
FOLDER_MAX: Final = 1_000
"""So many files of a folder are looked at for a version that is superseded."""


def sign(path: Path, key_path: Path, party: str, previous: Sequence[Path], now_us: int) -> int:
    """Sign a pact for a party, and say who is missing then."""
    key = secret_key(key_path, "--key")
    mine = public_bytes(key.public, where=f"--key {key_path}")
    chain = chain_of(path, previous, strict=True)
    edition = chain[-1]
    before = signatures.standing(chain[:-1]) if len(chain) > 1 else None
    made = signatures.sign(key, edition, party, now_us, before=before)
    beside = _beside(path)
    known = signatures.standing(chain)
    if any(each.party == party and each.key.public == mine for each in known.signed):
        lines = [f"{beside}: {party} has signed with this key already; nothing was written"]
    else:
        edition = signatures.Edition(edition.pact, edition.text, (*edition.signatures, made))
        known = signatures.standing([*chain[:-1], edition])
        with binary(beside) as stream:
            stream.write(write_signatures(edition.signatures))
        lines = [f"{beside}: signed for {party}", f"  key {aloud.written(aloud.of_key(mine))}"]
    if before is not None:
        changes = differences(before.pact, edition.pact)
        own = len(for_party(changes, party)[0])
        lines.append(
            f"  {len(changes)} changes since version {before.pact.version}, {own} of which touch {party}"
        )
    _say([*lines, _conclusion(known)])
    return OK


def verify(path: Path, previous: Sequence[Path], now_us: int, *, as_json: bool) -> int:
    """Say who has signed a pact, who is missing, and whether it holds."""
    known = signatures.standing(chain_of(path, previous))
    if as_json:
        _json(_as_json(known))
    else:
        _say(list(_as_table(known, now_us)))
    for fault in known.faults:
        complain(f"error: {fault}")
    return BAD if known.faults else OK if known.complete else FOUND


def fingerprint(path: Path, heard: str | None, *, as_json: bool) -> int:
    """Print fingerprints to be read aloud, or hold what was read out against them."""
    found = dict(_fingerprints(path))
    if heard is not None:
        return _held(aloud.read(heard), found)
    if as_json:
        _json({name: {"groups": aloud.written(groups), "is": what} for name, (groups, what) in found.items()})
        return OK
    lines = []
    for name, (groups, what) in found.items():
        lines += [name, f"  {what}", f"  {aloud.written(groups)}"]
        lines += [
            f"  {number}  {group:05d}  {aloud.spoken(group, 'en'):<29}  {aloud.spoken(group, 'ru')}"
            for number, group in enumerate(groups, 1)
        ]
    _say([*lines, "The ninth group checks the others: read all nine, and compare all nine."])
    return OK


def chain_of(path: Path, previous: Sequence[Path], *, strict: bool = False) -> list[Edition]:
    """A pact and the versions before it as far as they are found, the oldest first.

    Parameters
    ----------
    previous
        Where they may be, beside the folder of ``path``.
    strict
        Refuse a text that leaves to its reader what parties have to agree on.
    """
    if str(path) == "-":
        raise UsageError("a pact is signed and verified as a file: its signatures lie beside it")
    chain = [_edition(path, _bytes(path), strict=strict)]
    while chain[0].pact.supersedes and len(chain) < VERSIONS_MAX:
        older = _by_digest(chain[0].pact.supersedes, path, previous)
        if older is None:
            break
        chain.insert(0, _edition(*older))
    return chain


def _edition(path: Path, data: bytes, *, strict: bool = False) -> Edition:
    contents = read_pact(data, str(path))
    pact = contents.pact
    assert pact is not None  # noqa: S101  # read_pact gives one or raises
    if strict and contents.ignored:
        raise FormatError(
            "what is signed says its data mode",
            where=f"{path}: pact",
            found=contents.ignored[0],
            expected="data_mode",
        )
    beside = _beside(path)
    signed = read_signatures(_bytes(beside), str(beside)) if beside.exists() else ()
    return signatures.Edition(pact, data, signed)


def _by_digest(digest: str, path: Path, previous: Sequence[Path]) -> tuple[Path, bytes] | None:
    """The file with a digest: one that was named, or one beside."""
    for named in previous:
        data = _bytes(named)
        if signatures.digest_of(data) == digest:
            return named, data
    folder = sorted(path.resolve().parent.glob("*.toml"))[:FOLDER_MAX]
    for other in folder:
        try:
            data = _bytes(other) if other.stat().st_size <= SIZE_MAX else b""
        except (InputError, OSError):
            continue
        if signatures.digest_of(data) == digest:
            return other, data
    return None


def _bytes(path: Path) -> bytes:
    with Source(path) as source:
        return source.read_bytes(SIZE_MAX)


def _beside(path: Path) -> Path:
    return path.with_name(path.name + SUFFIX)


# -- words ------------------------------------------------------------------------------------------------


def _as_table(known: Standing, now_us: int) -> Iterator[str]:
    pact = known.pact
    mark = "" if known.complete else f"{known.mark}  "
    yield f"{mark}{pact.id}, version {pact.version}: {pact.title or 'untitled'} ({pact.data_mode.value})"
    yield f"  from {_date(pact.effective_us, 'ever')} until {_date(pact.until_us, 'further notice')}"
    yield f"  text {known.digest}"
    for signed in known.signed:
        ahead = ", ahead of the clock here" if signed.at_us > now_us + AHEAD_US else ""
        yield f"  signed by {signed.party}, {format_instant(signed.at_us)}{ahead}"
        yield f"    key {aloud.written(aloud.of_key(signed.key.public))}"
    for needed in known.needed:
        if not needed.signed:
            yield f"  missing {needed.party}: {needed.why}"
    if known.pact.version == 1 and known.signed:
        yield "The keys of a first version vouch for themselves: compare them aloud, once, with"
        yield "'skypact pact fingerprint FILE'."
    yield _conclusion(known)


def _date(instant_us: int, when_open: str) -> str:
    return when_open if instant_us in {EVER, FOREVER} else format_instant(instant_us)


def _conclusion(known: Standing) -> str:
    counted = f"{known.count} of {known.of} parties have signed, {known.at_least} must"
    if known.complete:
        return f"Complete: {counted}. That is no statement of what anybody thinks of it."
    if known.lacks:
        return f"Not complete: {known.lacks[0]}."
    lacking = f"; missing: {', '.join(known.missing)}" if known.missing else ""
    use = (
        "No node runs under it."
        if known.pact.data_mode is DataMode.REAL
        else f"Its use is marked {known.mark}."
    )
    return f"Not complete: {counted}{lacking}. {use}"


def _as_json(known: Standing) -> dict[str, Any]:
    pact = known.pact
    return {
        "pact": pact.id,
        "version": pact.version,
        "data_mode": pact.data_mode.value,
        "text": known.digest,
        "complete": known.complete,
        "mark": known.mark,
        "signed": [
            {
                "party": each.party,
                "at": format_instant(each.at_us),
                "key": each.key.text,
                "fingerprint": aloud.written(aloud.of_key(each.key.public)),
            }
            for each in known.signed
        ],
        "needed": [{"party": each.party, "why": each.why, "signed": each.signed} for each in known.needed],
        "count": known.count,
        "of": known.of,
        "at_least": known.at_least,
        "faults": [str(fault) for fault in known.faults],
        "lacks": [str(lack) for lack in known.lacks],
    }


def _fingerprints(path: Path) -> Iterator[tuple[str, tuple[tuple[int, ...], str]]]:
    """What of a file has a fingerprint: its name, its groups, and what it is."""
    data = _bytes(path)
    if b"PRIVATE KEY-----" in data:
        raise UsageError(f"{path}: that is a secret key; its fingerprint is that of its public half")
    if b"-----BEGIN " in data:
        public = public_bytes(public_key(data, where=str(path)), where=str(path))
        yield str(path), (aloud.of_key(public), key_text(public))
        return
    pact = read_pact(data, str(path)).pact
    assert pact is not None  # noqa: S101  # read_pact gives one or raises
    yield f"text of {pact.id}, version {pact.version}", (aloud.of_text(data), signatures.digest_of(data))
    for party in pact.parties:
        for number, key in enumerate(party.keys):
            yield f"key[{number}] of {party.id}", (aloud.of_key(key.public), key.text)


def _held(groups: tuple[int, ...], found: dict[str, tuple[tuple[int, ...], str]]) -> int:
    for name, (here, _) in found.items():
        if aloud.heard(groups, here) is aloud.Heard.SAME:
            _say([f"The same: {name}."])
            return OK
    (name, (here, _)), *others = found.items()
    if aloud.heard(groups, here) is aloud.Heard.MISHEARD:
        _say(["Misheard: the ninth group does not fit the others. Ask for all nine again."])
    elif others:
        _say(["Heard well, and none of these: " + ", ".join(found) + "."])
    else:
        _say([f"Heard well, and not {name}: it is of another key. Do not sign, and do not use it."])
    return FOUND


def _say(lines: Sequence[str]) -> None:
    with standard_output():
        sys.stdout.writelines(f"{visible(line)}\n" for line in lines)


def _json(value: dict[str, Any]) -> None:
    with standard_output():
        sys.stdout.write(json.dumps(value, indent=2, ensure_ascii=False) + "\n")
