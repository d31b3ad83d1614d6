"""Make the incidents of this folder: three of 2017, from what each side said, and one of the invented day.

Run it where Skypact is installed; it writes the files beside itself anew, the same bytes each time. The
three of 2017 hold facts and short quotations, each with its source, and nothing else; the fourth belongs to
the simulated day of ``../make_day.py`` and is invented, with the record that its claims are held against.
"""  # noqa: INP001 -- a script beside its data, no package

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from skypact.formats.incident_file import LETTERS, started, what_of
from skypact.formats.jsonpath import Node
from skypact.incident.entries import Entry
from skypact.instants import SECOND_US, parse_instant

FOLDER = Path(__file__).resolve().parent
PARTIES = {"coalition": "US-led coalition", "russia": "Russia", "damascus": "Damascus"}
STAFF = "press report of 9 June 2017 on a briefing of the Russian General Staff"
CENTCOM = "U.S. Central Command, statement on the al-Tanf garrison, 18 May 2017"
AREA = "33.5046, 38.6180 ± 60 km"

Line = tuple[str, dict[str, Any]]


def account(party: str, speaker: str, said: str, source: str, **more: Any) -> Line:
    """What somebody said, in English, received when the file was written."""
    fixed = {"received": "2017-06-10T08:00:00Z", "language": "en", "standing": "press"}
    return "account", fixed | {"party": party, "speaker": speaker, "said": said, "source": source} | more


def claim(of: str, predicate: str, subject: str, value: str, quote: str, **more: Any) -> Line:
    """An answer, with the words that it was read from."""
    said = {"account": of, "predicate": predicate, "subject": subject, "value": value, "quote": quote}
    return "claim", {"modality": "asserted"} | said | more


def write(name: str, opening: dict[str, Any], lines: list[Line]) -> None:
    """One incident: its opening, and a line a minute after it."""
    at_us = parse_instant("2017-06-10T08:00:00Z")

    def entry(kind: str, said: dict[str, Any]) -> Entry:
        by = said.pop("by", "example")
        return Entry(at_us, by, "archivist", what_of(Node(said, ""), kind))

    kept = started(entry("incident", {"name": name, "area": AREA} | opening))
    for kind, said in lines:
        at_us += 60 * SECOND_US
        own = {"id": kept.case.next_id(LETTERS[kind])} if kind in LETTERS else {}
        kept = kept.with_entry(entry(kind, own | said))
    (FOLDER / f"{name}.jsonl").write_bytes(kept.data)


def real(day: str) -> dict[str, Any]:
    """The opening of an incident of 2017."""
    return {
        "title": f"Al-Tanf, {int(day[-2:])} {'May' if '-05-' in day else 'June'} 2017",
        "data_mode": "real",
        "parties": PARTIES,
        "window": f"{day}+03:00",
        "instruments": ["memorandum of understanding of October 2015 (its text is not public)"],
    }


def main() -> None:
    """Write them all."""
    zone = "the de-confliction zone around al-Tanf"
    write(
        "al-tanf-2017-05-18",
        real("2017-05-18"),
        [
            account("coalition", "coalition statement", "2017-05-18-04:00", CENTCOM, standing="official"),
            account("russia", "Russia", "2017-05-18Z/2017-05-31Z", STAFF,
                    text="a violation of international law"),
            claim("A1", "inside_zone", "the forces that were struck", zone,
                  "well inside an established de-confliction zone"),
        ],
    )  # fmt: skip
    write(
        "al-tanf-2017-06-06",
        real("2017-06-06"),
        [
            account("coalition", "the Pentagon", "2017-06-06-04:00", STAFF),
            account("damascus", "a Syrian source", "2017-06-06+03:00", STAFF, standing="witness"),
            account("russia", "the foreign minister", "2017-06-01Z/2017-06-10Z", "TASS, politics/950324",
                    standing="official"),
            claim("A1", "how_many", "soldiers in the force that was struck", "more than 60",
                  "more than 60 soldiers"),
            claim("A1", "inside_zone", "the force that was struck", zone,
                  "entered the de-confliction zone with Russia"),
            claim("A1", "zone_recognised", "the zone, by Russia", zone,
                  "the de-confliction zone with Russia", thing="russia"),
            claim("A1", "purpose", "the coalition's action", "the safety of its personnel",
                  "posed threat to its personnel"),
            claim("A2", "harm", "Syrian servicemen killed", "at least 2",
                  "at least two Syrian servicemen were killed"),
            claim("A2", "harm", "Syrian servicemen injured", "more than 15", "more than 15 injured"),
            claim("A3", "zone_recognised", "the zone, by Russia", zone, "cannot recognize", thing="russia",
                  modality="denied"),
        ],
    )  # fmt: skip
    write(
        "al-tanf-2017-06-08",
        real("2017-06-08"),
        [
            account("coalition", "coalition spokesmen", "2017-06-08-04:00", "Grasswire, 8 June 2017"),
            account("russia", "chief of the Main Operational Directorate of the General Staff",
                    "2017-06-09+03:00", STAFF),
            claim("A1", "harm", "coalition personnel", "none: what the drone dropped hit dirt", "hit dirt"),
            claim("A1", "who", "who flew the drone", "regime", "regime"),
            claim("A2", "purpose", "the coalition's actions",
                  "they keep government forces from defeating Daesh",
                  "only prevents the government forces from defeating Daesh terrorists"),
            claim("A2", "purpose", "the coalition's actions", "the safety of its personnel", "absurd",
                  modality="denied"),
        ],
    )  # fmt: skip
    invented()


def invented() -> None:
    """The incident of the simulated day: a column, a warning, two accounts, and the coalition's record."""
    column = "the column"
    write(
        "simulated-column",
        {
            "title": "The column of the simulated day",
            "data_mode": "simulated",
            "parties": {"coalition": "US-led coalition", "russia": "Russian forces in Syria"},
            "window": "2017-06-08T06:00:00Z/2017-06-08T09:00:00Z",
            "instruments": ["al-tanf-2017"],
        },
        [
            account("coalition", "duty officer", "2017-06-08T10:00:00Z", "invented", standing="official"),
            account("russia", "duty officer", "2017-06-08T11:00:00Z", "invented", standing="official"),
            claim("A1", "when", "entry of the column into the zone", "2017-06-08T06:35:00Z ± 1 min",
                  "It entered the zone at 06:35.", thing="column-1", zone="al-tanf-55km"),
            claim("A1", "inside_zone", column, "al-tanf-55km", "It was inside from 06:40 to 07:50.",
                  thing="column-1", during="2017-06-08T06:40:00Z/2017-06-08T07:50:00Z"),
            claim("A1", "warned", "warning about the column", "hotline, 20 min before",
                  "We rang twenty minutes before.", thing="column-1"),
            claim("A1", "zone_recognised", "the zone, by Russia", "al-tanf-55km",
                  "They had never objected to the zone.", thing="russia"),
            claim("A2", "inside_zone", column, "al-tanf-55km", "It did not enter.", modality="denied",
                  thing="column-1", during="2017-06-08T06:40:00Z/2017-06-08T07:50:00Z"),
            claim("A2", "when", "entry of the column into the zone", "2017-06-08T07:10:00Z ± 5 min",
                  "If at all, it was at ten past seven.", thing="column-1", zone="al-tanf-55km"),
            claim("A2", "warned", "warning about the column", "less than 1 min before",
                  "The call came less than a minute before.", thing="column-1"),
            claim("A2", "zone_recognised", "the zone, by Russia", "al-tanf-55km", "We do not recognise it.",
                  modality="denied", thing="russia"),
            claim("A1", "where", column, "33.505, 38.618 ± 45 km",
                  "At seven it stood within 45 km of the town.",
                  thing="column-1", during="2017-06-08T07:00:00Z"),
            claim("A2", "where", column, "33.95, 38.05 ± 5 km",
                  "At seven it stood far outside, to the north-west.",
                  thing="column-1", during="2017-06-08T07:00:00Z"),
            ("status", {"step": "dispute", "why": "the times are not those of our log", "by": "russia"}),
        ],
    )  # fmt: skip
    record = {
        "format": "skypact record extract 1",
        "data_mode": "simulated",
        "holder": "coalition",
        "event": "2017-06-08T06:35:00Z ± 1 s",
        "clock": {"offset_s": 0.4, "bound_s": 0.2},
        "messages": [
            {
                "ref": "m-17",
                "kind": "notify",
                "sender": "coalition",
                "receiver": "russia",
                "channel": "hotline",
                "sent": "2017-06-08T06:30:49Z",
                "delivered": "2017-06-08T06:30:50Z",
                "opened": "2017-06-08T06:31:58Z",
                "about": ["column-1"],
            }
        ],
        "tracks": ["../column.geojson"],
        "pact": "../pact.toml",
    }
    text = json.dumps(record, indent=2) + "\n"
    (FOLDER / "simulated-record.json").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
