"""The relief story: two sides, and a humanitarian office that forwards to both. An exercise; all is invented.

    .venv/bin/python examples/stories/relief.py [--out DIR]

An aid organisation, which is no party of the pact, signs where its convoy will be, once for each side. The
office forwards both envelopes unopened, and each side sees who signed, who carried, and that no key of the
pact vouches for it. Then the office files a list of hospitals: first with a fault in one row, for which
nothing of it is taken, then whole. One side reads back and passes down; the other only receives, and that
is what the record says of it, offline, cosigned by the others.

``STORY`` at the end of this file is all of it. The pact is that of ``../relief-corridor``, with keys that
were made for this exercise in place of the published ones.
"""  # noqa: INP001 -- a script, no package

from __future__ import annotations

import json
import re
import sys
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Final

from nodes import await_cosignatures, configure, instant, now, public_key, witness
from telling import Down, Part, Step, Up, Write, main

from skypact.formats.hotline_jws import signed
from skypact.node.keys import secret_key
from skypact.pact.signatures import digest_of

if TYPE_CHECKING:
    from telling import Table, Tale

PACT: Final = Path(__file__).resolve().parent.parent / "relief-corridor" / "pact-1.toml"
PARTIES: Final = ("north", "south", "office")
SIDES: Final = ("north", "south")

HEADING: Final = (
    "serial,name,what,position,accuracy,radius,from,reconfirm_by,verified_by,verified_how,"
    "verified_at,contact_role,contact_hours,contact_reach,language"
)
CONTACT: Final = "notification desk,24/7,phone +000 0021,en"


# -- what people bring along --------------------------------------------------------------------------------


def draft_pact(tale: Tale) -> None:
    """Write the pact of the example, from today, with the keys of this exercise."""
    text = PACT.read_text(encoding="utf-8")
    text = re.sub(
        r"^effective = .*$", f"effective = {instant(now() - timedelta(hours=1))}", text, flags=re.MULTILINE
    )
    text = re.sub(
        r"^until = .*$", f"until = {instant(now() + timedelta(days=365))}", text, flags=re.MULTILINE
    )
    keys = iter(public_key(tale, party) for party in PARTIES)
    text = re.sub(
        r'^public = ".*"\nnote = .*$', lambda _: f'public = "{next(keys)}"', text, flags=re.MULTILINE
    )
    _, _, rest = text.partition("\n\n")
    text = f"# An EXERCISE. Every party, place and number is invented; the keys were made for it.\n\n{rest}"
    (tale.folder / "pact.toml").write_text(text, encoding="utf-8")


def set_up(tale: Tale) -> None:
    """Write the three configurations."""
    configure(tale, PARTIES)


def cosign(tale: Tale) -> None:
    """Have each node cosign the ledgers of the two others."""
    witness(tale, PARTIES)


def sign_convoy(tale: Tale) -> None:
    """Sign where the convoy will be, once for each side, with a key that is in no pact."""
    key = secret_key(tale.place("charity") / "skypact-data" / "key.pem", "the charity's key")
    begins = now() + timedelta(days=3)
    for serial, side in enumerate(SIDES, 1):
        message = {
            "kind": "NOTIFY",
            "sender": "charity",
            "to": side,
            "pact": digest_of((tale.folder / "pact.toml").read_bytes()),
            "serial": serial,
            "said_at": instant(now()),
            "data_mode": "exercise",
            "post": "watch-keeper",
            "text": {"language": "en", "words": "Eleven lorries, white, orange flags."},
            "body": {
                "filing": "movement",
                "ref": "convoy-7",
                "version": 1,
                "points": [{"lat": "48.2311", "lng": "11.62"}, {"lat": "48.15", "lng": "11.5"}],
                "start": instant(begins),
                "end": instant(begins + timedelta(hours=4)),
            },
        }
        envelope = signed(key, json.dumps(message, separators=(",", ":")).encode())
        (tale.place("charity") / f"for-{side}.jws").write_text(f"{envelope.text}\n", encoding="ascii")


def hospitals(tale: Tale, third: str) -> str:
    """The list, as a planner has it, in three notations."""
    day = now().replace(hour=0, minute=0, second=0)
    since, until, seen = (instant(day + timedelta(days=days)) for days in (1, 31, -2))
    rows = (
        ("City hospital", "hospital", '"48.15230, 11.50410"'),
        ("Mother and child clinic", "hospital", '"48°09\'31.2""N 11°31\'04.8""E"'),
        ("East well", "well", third),
    )
    tale.kept["since"] = since
    lines = [
        f"{serial},{name},{what},{position},20 m,150 m,{since},{until},office,visit,{seen},{CONTACT}"
        for serial, (name, what, position) in enumerate(rows, 1)
    ]
    return "\n".join([HEADING, *lines]) + "\n"


def list_with_a_fault(tale: Tale) -> None:
    """Write the list; in its third row latitude and longitude have no mark, and a comma for a point."""
    (tale.place("office") / "sites.csv").write_text(hospitals(tale, '"48,16 11,53"'), encoding="utf-8")


def list_without(tale: Tale) -> None:
    """Write the list with that row put right."""
    (tale.place("office") / "sites.csv").write_text(hospitals(tale, "32UPU8810037800"), encoding="utf-8")


def await_all(tale: Tale) -> None:
    """Wait until each ledger has the cosignatures of both others."""
    await_cosignatures(tale, PARTIES)


# -- the story ----------------------------------------------------------------------------------------------

SIGN: Final = "pact sign ../pact.toml --key skypact-data/key.pem --party"
KEYS: Final = "--key $log_south --witness $witness_north --witness $witness_office"
SAID: Final = r"^ *id ([0-9a-f]{64})"
HOSPITAL: Final = r"^([0-9a-f]{8}) .*\n(?: .*\n)*?.*office/1"
FORWARDED: Final = "ПЕРЕСЛАНО"  # what the southern side reads: forwarded

STORY: Final[Table] = (
    Part("Three parties, a key each, a pact that all sign"),
    Step(PARTIES, "init skypact-data --party {me}", shows=("fingerprint",)),
    Write("They take the pact of the relief corridor: the office may forward for anybody.", draft_pact),
    Step("north", f"{SIGN} north", shows=("omplete",)),
    Step("south", f"{SIGN} south", shows=("omplete",)),
    Step("office", f"{SIGN} office", shows=("omplete",)),
    Write("Each writes its skypact.toml.", set_up),
    Step(PARTIES, "db upgrade --data skypact-data"),
    Step(PARTIES, "record key", variable="log_{me}"),
    Step(PARTIES, "record witness-key", variable="witness_{me}"),
    Write("Each cosigns the ledgers of the two others: of the two sides, the office is the neutral.", cosign),
    Up(PARTIES),
    Step(PARTIES, "account add watch --role watch-keeper"),
    Part("An aid organisation signs where its convoy will be; the office forwards it unopened"),
    Step("charity", "init skypact-data --party charity", shows=("fingerprint",)),
    Write(
        "The charity is no party. It signs a message for each side and hands both to the office.", sign_convoy
    ),
    Step(
        "office",
        "hotline forward north ../charity/for-north.jws --as watch",
        shows=("FORWARD", "behalf", "  id"),
        keeps={"forward_north": SAID},
    ),
    Step(
        "office",
        "hotline forward south ../charity/for-south.jws --as watch",
        shows=("FORWARD", "behalf", "  id"),
        keeps={"forward_south": SAID},
    ),
    Step(
        "north",
        "hotline thread {forward_north:.8} --as watch",
        waits="RECEIPT",
        shows=("behalf", "verified", "convoy-7", "reached"),
    ),
    Step(
        "south", "hotline threads --all --as watch", waits=FORWARDED, shows=(FORWARDED, "charity", "convoy-7")
    ),
    Part("A list of hospitals, first with a fault: nothing of it is taken"),
    Write("The office writes sites.csv, in three notations of coordinates.", list_with_a_fault),
    Step("office", "notify import sites.csv --as watch", status=2, shows=("line", "nothing")),
    Write("It puts that row right.", list_without),
    Step("office", "notify import sites.csv --as watch", shows=("office/", "hit:", "listed")),
    Part("Both sides have it, by its digest; one reads back, one has opened it"),
    Step(SIDES, "notify list --as watch", waits=r"office/3 .* \d", shows=("office/",)),
    Step("north", "hotline threads --as watch", shows=("office/1",), keeps={"hospital": HOSPITAL}),
    Step("south", "hotline threads --as watch", shows=("office/1",), keeps={"theirs": HOSPITAL}),
    Step(
        "north",
        'readback {hospital} --point "48.15230, 11.50410" --from {since} --until endless --as watch',
        shows=("READ-BACK", "Difference", "reached"),
    ),
    Step(
        "south",
        "ack {theirs} --level 2 --as watch --language en",
        shows=("ACKNOWLEDGEMENT", "Level 2", "reached"),
    ),
    Step(
        "office",
        "hotline threads --all --as watch",
        waits="Level reached: 3",
        shows=("Level reached: [23]", "not unpro"),
    ),
    Part("Offline: what the south received, and when, proven to the charity"),
    Write("Within two seconds the others have cosigned each ledger.", await_all),
    Step("south", "record prove {forward_south} --output forward.tlog-proof"),
    Down(),
    Step("charity", f"record verify ../south/forward.tlog-proof {KEYS}", shows=("",)),
)


if __name__ == "__main__":
    sys.exit(
        main(
            "The relief story, told by three nodes.",
            Path("out/relief"),
            STORY,
            "The receipt, for who has the keys: {folder}/south/forward.tlog-proof  ({took} s)",
        )
    )
