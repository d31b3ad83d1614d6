"""The al-Tanf story, told by two nodes on this machine: an exercise, of which everything is invented.

    .venv/bin/python examples/stories/al_tanf.py [--out DIR]

Two parties that share no commander, each with a database, a ledger and a key of its own, under a pact that
both have signed. One declares a zone, the other does not recognise it. A movement is notified, read back
wrong, read back right and passed down, and the executing unit never confirms it: the timer of the pact
expires and a person is called. The movement enters the zone; a STOP is said. Then each side tells it in its
own way, and the two accounts are held against both ledgers, offline. Nobody is said to be right.

``STORY`` at the end of this file is all of it, command by command. What happened near al-Tanf in 2017 is in
``../al-tanf``; the column's way is from there. The places, keys, posts and words here are nobody's.
"""  # noqa: INP001 -- a script, no package

from __future__ import annotations

import json
import sys
import time
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Final

from nodes import await_cosignatures, configure, instant, now, public_key, witness
from telling import WAIT_S, Down, Ended, Note, Part, Step, Up, Write, main

from skypact.airspace.labels import DataMode, Kind
from skypact.formats.coordinates import read_position
from skypact.formats.filings_json import write_filing
from skypact.instants import HOUR_US, parse_instant
from skypact.notify.filing import Disc, Filing, Window, ZoneDeclaration
from skypact.pact import Contact, Hours

if TYPE_CHECKING:
    from telling import Table, Tale

HERE: Final = Path(__file__).resolve().parent
COLUMN: Final = HERE.parent / "al-tanf" / "column.geojson"
SIDES: Final = ("coalition", "russia")

PACT: Final = """\
# An EXERCISE, signed with keys that were made for it. Its terms are invented, and real: no clock is hurried.

[pact]
id = "al-tanf-exercise"
title = "Flight safety around al-Tanf (exercise)"
data_mode = "exercise"
effective = {effective}

[[party]]
id = "coalition"
name = "US-led coalition"
languages = ["en"]
[[party.key]]
public = "{coalition}"
[[party.contact]]
role = "watch-keeper"
hours = "24/7"
reach = ["phone +000 0001"]

[[party]]
id = "russia"
name = "Russian forces in Syria"
languages = ["ru", "en"]
[[party.key]]
public = "{russia}"
[[party.contact]]
role = "duty officer"
hours = "24/7"
reach = ["phone +000 0002"]

[[separation]]
name = "over ground movements"
between = ["ground", "any"]
horizontal = "0.5 NM"
vertical = "500 ft"

# One declares it and recognises it; the other signs this text, and does not recognise the zone.
[[zone]]
id = "al-tanf-55km"
circle = {{ center = [33.5046, 38.6180], radius = "55 km" }}
effect = "entry by notice"
declared_by = "coalition"
recognised_by = ["coalition"]
rejected_by = ["russia"]

[timers]
receipt = "15 min"
stop_receipt = "1 min"

[acknowledgement]
movement = 5
zone = 2

[readback]
position = "100 m"
time = "60 s"

[[release]]
of = "any"
to = ["any"]
"""

# -- what people bring along --------------------------------------------------------------------------------


def draft_pact(tale: Tale) -> None:
    """Write the pact's text, with the two public keys in it."""
    keys = {party: public_key(tale, party) for party in SIDES}
    effective = instant(now() - timedelta(hours=1))
    (tale.folder / "pact.toml").write_text(PACT.format(effective=effective, **keys), encoding="utf-8")


def set_up(tale: Tale) -> None:
    """Write both configurations."""
    configure(tale, SIDES)


def cosign(tale: Tale) -> None:
    """Have each node cosign the other's ledger."""
    witness(tale, SIDES)


def draw_zone(tale: Tale) -> None:
    """Write the zone that the coalition declares."""
    start_us = parse_instant(instant(now()))
    zone = Filing(
        filer="coalition",
        serial=1,
        data_mode=DataMode.EXERCISE,
        subject=ZoneDeclaration(
            "al-tanf-55km",
            Disc(read_position("33.5046, 38.6180"), 55_000_000),
            "entry by notice",
            (Kind.CREWED, Kind.UNCREWED, Kind.GROUND),
        ),
        window=Window(start_us + 600_000_000, start_us + 24 * HOUR_US),
        contact=Contact("watch-keeper", (Hours(),), ("phone +000 0001",)),
        language="en",
        name="The zone around al-Tanf",
    )
    (tale.place("coalition") / "zone.json").write_bytes(write_filing(zone))


def way() -> list[tuple[datetime, float, float]]:
    """The column of the simulated day, as the example has it: instants and positions."""
    (feature,) = json.loads(COLUMN.read_text(encoding="utf-8"))["features"]
    times = map(datetime.fromisoformat, feature["properties"]["times"])
    return [(at, lat, lng) for at, (lng, lat) in zip(times, feature["geometry"]["coordinates"], strict=True)]


def at_clock(clock: str) -> tuple[datetime, float, float]:
    """Where the column is at an instant of the simulated day."""
    at = datetime.fromisoformat(f"2017-06-08T{clock}Z")
    return next(row for row in way() if row[0] == at)


EDGE: Final = "06:35:00"
"""Of the simulated day: the column is 50 m outside of the zone, and enters it 5 s later."""
HALT: Final = "06:54:00"
BEGINS_S: Final = 12
"""The movement begins so many seconds after it is written down: too short a notice, and said to be that."""
INSIDE_S: Final = (6, 8)
"""So many seconds after its beginning it is inside of the zone, as the accounts have it."""
STEP_S: Final = 1


def write_movement(tale: Tale) -> None:
    """Write the list of the movement as a planner has it; and what somebody reads back of it who misheard."""
    edge, halt = at_clock(EDGE), at_clock(HALT)
    start = now() + timedelta(seconds=BEGINS_S)
    end = start + (halt[0] - edge[0])
    heading = (
        "serial,name,stop,position,accuracy,half_width,depart,arrive,vehicles,contact_role,contact_hours,"
        "contact_reach,language,on_behalf_of"
    )
    contact = "duty officer,24/7,phone +000 0002,en,forces around Damascus"
    rows = [
        heading,
        f'1,The column,last houses,"{edge[1]:.5f}, {edge[2]:.5f}",20 m,1 km,{instant(start)},,11 truck,'
        + contact,
        f'1,,halt,"{halt[1]:.5f}, {halt[2]:.5f}",,,,{instant(end)},,,,,,',
    ]
    (tale.place("russia") / "column.csv").write_text("\n".join(rows) + "\n", encoding="utf-8")
    tale.kept |= {
        "start": instant(start),
        "inside": "/".join(instant(start + timedelta(seconds=after)) for after in INSIDE_S),
        "end": instant(end),
        "edge": f"{edge[1]:.5f}, {edge[2]:.5f}",
        "halt": f"{halt[1]:.5f}, {halt[2]:.5f}",
        "misheard": f"{halt[1]:.5f}, {halt[2] - 0.1:.5f}",
    }


def await_call(tale: Tale) -> None:
    """Wait until the node of each side has had somebody called, and show what the command wrote."""
    files = {party: tale.place(party) / "calls.txt" for party in SIDES}
    until = time.monotonic() + BEGINS_S + WAIT_S
    while not all(file.is_file() for file in files.values()):
        if time.monotonic() > until:
            raise Ended("nobody was called")
        time.sleep(0.2)
    for party, file in files.items():
        tale.say(
            *(f"     {party}/{file.name}: {line}" for line in file.read_text(encoding="utf-8").splitlines())
        )


def write_track(tale: Tale) -> None:
    """Write where the column was seen up to now: its way in the example, begun when it was said to begin."""
    start, edge = datetime.fromisoformat(tale.kept["start"]), at_clock(EDGE)[0]
    while now() < start + timedelta(seconds=INSIDE_S[1] + STEP_S):
        time.sleep(0.2)
    seen = way()
    shift, until = start - edge, now() - (start - edge)
    times, places = [], []
    at = seen[0][0]
    while at <= until:
        after = next(k for k, row in enumerate(seen) if row[0] > at)
        one, two = seen[after - 1], seen[after]
        part = (at - one[0]) / (two[0] - one[0])
        times.append(instant(at + shift))
        places.append([round(a + part * (b - a), 7) for a, b in ((one[2], two[2]), (one[1], two[1]))])
        at += timedelta(seconds=STEP_S)
    feature = {
        "type": "Feature",
        "properties": {
            "id": "column-1",
            "party": "damascus",
            "kind": "ground",
            "role": "track",
            "times": times,
        },
        "geometry": {"type": "LineString", "coordinates": places},
    }
    document = {"type": "FeatureCollection", "data_mode": "exercise", "features": [feature]}
    (tale.place("coalition") / "column.geojson").write_text(json.dumps(document), encoding="utf-8")
    tale.kept |= {"seen_lat": f"{places[-1][1]:.5f}", "seen_lng": f"{places[-1][0]:.5f}"}


def write_accounts(tale: Tale) -> None:
    """Write what each side says, as entries of an incident; and when the event was, as the check found it."""
    start = datetime.fromisoformat(tale.kept["start"])
    entered = datetime.fromisoformat(f"{start:%Y-%m-%d}T{tale.kept['entered']}Z")
    entered += timedelta(days=entered < start - timedelta(hours=12))  # the movement may begin before midnight
    tale.kept["event"] = f"{instant(entered)} ± 1 s"
    recognised = {"predicate": "zone_recognised", "subject": "the zone, by Russia", "thing": "russia"}
    inside = {
        "predicate": "inside_zone",
        "subject": "the column",
        "value": "al-tanf-55km",
        "thing": "column-1",
        "during": tale.kept["inside"],
    }
    warned = {"predicate": "warned", "subject": "notice of the movement", "thing": "russia/1"}
    answered = {"predicate": "reply_scope", "subject": "the answer to the STOP", "thing": tale.kept["stop"]}
    said: dict[str, list[dict[str, str]]] = {
        "coalition": [
            inside | {"quote": "It entered the zone."},
            recognised | {"value": "al-tanf-55km", "quote": "They had never objected to the zone."},
            warned | {"value": "hotline, less than 1 min before", "quote": "Less than a minute before."},
            answered | {"value": "mine", "quote": "They answered for the column."},
        ],
        "russia": [
            inside | {"modality": "denied", "quote": "It did not enter."},
            recognised | {"modality": "denied", "value": "al-tanf-55km", "quote": "We do not recognise it."},
            warned | {"value": "hotline, 20 min before", "quote": "Twenty minutes before."},
            answered
            | {
                "value": "not answering for forces around Damascus",
                "quote": "They are not ours to answer for.",
            },
        ],
    }
    for at, (party, claims) in enumerate(said.items(), 1):
        account = {
            "entry": "account",
            "party": party,
            "speaker": "the board",
            "standing": "official",
            "said": instant(now()),
            "source": "invented",
            "language": "en",
        }
        entries = [
            account,
            *({"entry": "claim", "account": f"A{at}", "modality": "asserted"} | each for each in claims),
        ]
        (tale.place(party) / "account.json").write_text(json.dumps(entries, indent=1), encoding="utf-8")


def await_both(tale: Tale) -> None:
    """Wait until each ledger has the other's cosignature."""
    await_cosignatures(tale, SIDES)


# -- the story ----------------------------------------------------------------------------------------------

DECLARED: Final = "ЗОНА ОБЪЯВЛЕНА"  # noqa: RUF001 -- what the Russian side reads: zone declared
SIGN: Final = "pact sign ../pact.toml --key skypact-data/key.pem --party"
POINTS: Final = '--point "{edge}" --point'
TIMES: Final = "--from {start} --until {end} --as watch"
COALITION: Final = "--key $log_coalition --witness $witness_russia"
RUSSIA: Final = "--key $log_russia --witness $witness_coalition"
EXTRACT: Final = '--pact ../pact.toml --event "{event}" --track ../coalition/column.geojson --export ../'
RECORDS: Final = "--record coalition.json --record russia.json --pact ../pact.toml"

STORY: Final[Table] = (
    Part("Two parties, a key each, a pact that both sign"),
    Step(SIDES, "init skypact-data --party {me}", shows=("fingerprint",)),
    Write(
        "They write pact.toml, an exercise: both keys, a zone that one declares and the other rejects.",
        draft_pact,
    ),
    Step("coalition", f"{SIGN} coalition", shows=("key ", "omplete")),
    Step("russia", f"{SIGN} russia", shows=("key ", "omplete")),
    Note("Those nine groups are what the two read to each other over a telephone, once."),
    Part("Each keeps a ledger, and cosigns the other's"),
    Write(
        "Each writes its skypact.toml: where it listens, where the other is, whom to run when it is late.",
        set_up,
    ),
    Step(SIDES, "db upgrade --data skypact-data"),
    Step(SIDES, "record key", variable="log_{me}"),
    Step(SIDES, "record witness-key", variable="witness_{me}"),
    Write("Each adds the other's two keys to its skypact.toml: it witnesses, and is witnessed.", cosign),
    Up(SIDES),
    Step(SIDES, "account add duty --role duty-officer"),
    Step(SIDES, "account add watch --role watch-keeper"),
    Step(SIDES, "account add board --role investigator"),
    Part("One declares the zone, the other does not recognise it"),
    Write("The coalition writes zone.json: 55 km around al-Tanf.", draw_zone),
    Step("coalition", "notify file zone.json --as duty", shows=("^zone", "told")),
    Step(
        "russia",
        "hotline threads --as duty",
        waits=DECLARED,
        shows=(DECLARED, "coalition/1"),
        keeps={"zone": rf"^([0-9a-f]{{8}}) .*{DECLARED}"},
    ),
    Step(
        "russia",
        'zone reject {zone} "We do not recognise this zone." --as duty --language en',
        shows=("ZONE REJECT", "  id", "recognise"),
    ),
    Part("A movement is notified, read back wrong, and read back right"),
    Write("Russia writes column.csv, the list of a movement that begins in 12 s.", write_movement),
    Step("russia", "notify import column.csv --as duty", status=1),
    Step(
        "coalition",
        "hotline threads --as watch",
        waits=": NOTICE",
        shows=(": NOTICE", "movement on", "Position 2"),
        keeps={"movement": r"^([0-9a-f]{8}) .*: NOTICE"},
    ),
    Step("coalition", f'readback {{movement}} {POINTS} "{{misheard}}" {TIMES}', status=1),
    Step(
        "coalition",
        f'readback {{movement}} {POINTS} "{{halt}}" {TIMES}',
        shows=("READ-BACK", "Difference", "reached"),
    ),
    Step(
        "coalition",
        'ack {movement} --level 4 --to-whom "the garrison" --as watch',
        shows=("ACKNOWLEDGEMENT", "Level 4", "reached"),
    ),
    Part("The unit never confirms: the timer of the pact expires, and a person is called"),
    Write("The movement begins. The pact asks for level 5 by then.", await_call),
    Step(
        "russia",
        "hotline thread {movement} --as duty --language en",
        shows=("TOO SHORT", "Level reached", "LATE", "^Called"),
    ),
    Part("The movement enters the zone; a STOP, and its receipt"),
    Write("The coalition writes column.geojson: where the column was seen up to now.", write_track),
    Step(
        "coalition",
        "check column.geojson --pact ../pact.toml",
        status=1,
        shows=("column-1 ", "al-tanf-55km .coal", "found"),
        keeps={"entered": r" (\d\d:\d\d:\d\d)  column-1"},
    ),
    Step(
        "coalition",
        'stop russia "The column is in the zone. Have it stop." --at {seen_lat} {seen_lng} --about {movement}'
        " --incident --as watch",
        shows=("STOP,", "words", "  id"),
        keeps={"stop": r"^ *id ([0-9a-f]{64})"},
    ),
    Step(
        "coalition",
        "hotline thread {stop:.8} --as watch",
        waits="RECEIPT",
        shows=("RECEIPT", "Received by", "reached"),
    ),
    Step(
        "russia",
        'reply {stop:.8} "We have told them." --scope "not answering for" --not-for "forces around Damascus" '
        "--intent noted --as watch",
        shows=("REPLY", "Scope", "answer"),
    ),
    Part("Each side tells it in its own way"),
    Write("Both boards write what their side says, as claims.", write_accounts),
    Step(
        "coalition",
        'incident new column --node --title "The column" --parties "coalition,russia" '
        '--window "{start}/{end}" --as board',
    ),
    Step("coalition", "incident add column --node --from account.json --as board"),
    Step("coalition", "incident export column --node --output column.jsonl --as board"),
    Step("russia", "incident take ../coalition/column.jsonl --node --as board"),
    Step("russia", "incident add column --node --from account.json --as board"),
    Step("russia", "incident export column --node --output column.jsonl --as board"),
    Part("Offline: what both ledgers prove"),
    Write("Within two seconds each has cosigned the other's last checkpoint.", await_both),
    Step(SIDES, "record export public --bodies private.jsonl"),
    Down(),
    Step("board", f"record verify ../coalition/public {COALITION}"),
    Step("board", f"record verify ../russia/public {RUSSIA}"),
    Step("russia", "record prove {stop} --output stop.tlog-proof"),
    Step("board", f"record verify ../russia/stop.tlog-proof {RUSSIA}"),
    Part("Offline: the claims against both ledgers"),
    Step(
        "board",
        f"incident extract {EXTRACT}coalition/public --bodies ../coalition/private.jsonl "
        "--log $log_coalition --witness $witness_russia --output coalition.json",
    ),
    Step(
        "board",
        f"incident extract {EXTRACT}russia/public --bodies ../russia/private.jsonl "
        "--log $log_russia --witness $witness_coalition --output russia.json",
    ),
    Step(
        "board",
        f"incident show ../russia/column.jsonl {RECORDS}",
        status=1,
        shows=("each line", r"\[", r"^ +(coalition|russia): C", "record of coalition: .*delivered"),
    ),
    Step("board", f"incident report ../russia/column.jsonl {RECORDS} --output ../report.html"),
)


if __name__ == "__main__":
    sys.exit(
        main(
            "The al-Tanf story, told by two nodes.",
            Path("out/al-tanf"),
            STORY,
            "The report: {folder}/report.html  ({took} s)",
        )
    )
