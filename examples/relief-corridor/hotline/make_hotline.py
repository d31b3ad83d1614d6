"""Make the hotline of this exercise: signed messages between the parties of ``../pact-1.toml``.

Run it with the Python that has Skypact; it writes ``line.jws`` beside itself, the same bytes each time. Every
party, place and number is invented. The keys are those of RFC 8032's test vectors (TEST 1 to 3), whose
secrets are printed there: a signature by them is nobody's.
"""  # noqa: INP001 -- a script beside its data, no package

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from skypact.formats.hotline_jws import Envelope, signed
from skypact.pact.signatures import digest_of
from skypact.seal import SigningKey, signing_key

HERE: Final = Path(__file__).resolve().parent
SECRETS: Final = {
    "north": "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
    "south": "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
    "office": "c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
}
"""The secret keys of RFC 8032, 7.1, TEST 1 to 3."""
CHARITY: Final = "00" * 31 + "07"
"""An aid organisation that is no party: its key is in no pact."""
CROSSING: Final = {"lat": "48.15", "lng": "11.5"}
DEPOT: Final = {"lat": "48.2311", "lng": "11.62"}
DAY: Final = "2026-06-03"


def key(secret: str) -> SigningKey:
    """The key of 32 bytes."""
    made = Ed25519PrivateKey.from_private_bytes(bytes.fromhex(secret))
    return signing_key(
        made.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )


class Story:
    """What was said, in its order."""

    def __init__(self, digest: str) -> None:
        self.digest = digest
        self.said: list[Envelope] = []
        self._serials: dict[tuple[str, str], int] = {}

    def say(
        self,
        at: str,
        sender: str,
        to: str,
        kind: str,
        body: dict[str, Any] | None = None,
        *,
        re: Envelope | None = None,
        post: str = "watch-keeper",
        words: tuple[str, str] | None = None,
    ) -> Envelope:
        """Sign a message, said on the first of June."""
        serial = self._serials[sender, to] = self._serials.get((sender, to), 0) + 1
        whole: dict[str, Any] = {
            "kind": kind,
            "sender": sender,
            "to": to,
            "pact": self.digest,
            "serial": serial,
            "said_at": f"2026-06-01T{at}Z",
            "data_mode": "exercise",
            "post": post,
        }
        if re is not None:
            whole |= {"thread": re.message.thread, "re": re.message.id}
        if words is not None:
            whole["text"] = {"language": words[0], "words": words[1]}
        if body is not None:
            whole["body"] = body
        payload = json.dumps(whole, separators=(",", ":"), ensure_ascii=False).encode()
        return signed(key(SECRETS.get(sender, CHARITY)), payload)

    def tell(self, *args: Any, **more: Any) -> Envelope:
        """Say it on the line."""
        self.said.append(self.say(*args, **more))
        return self.said[-1]


def files() -> dict[str, bytes]:
    """The file, by its name."""
    story = Story(digest_of((HERE.parent / "pact-1.toml").read_bytes()))
    when = {"start": f"{DAY}T06:00:00Z", "end": f"{DAY}T10:00:00Z"}
    convoy = {"filing": "movement", "ref": "convoy-7", "version": 1, "points": [DEPOT, CROSSING], **when}
    notice = story.tell(
        "05:00:00", "office", "south", "NOTIFY", convoy, words=("en", "Eleven lorries, white, orange flags.")
    )
    received = {"received_at": "2026-06-01T05:00:02Z"}
    story.tell("05:00:03", "south", "office", "RECEIPT", received, re=notice, post="machine")
    misheard = {"points": [DEPOT | {"lat": "48.15"}, CROSSING], **when}
    story.tell("05:20:00", "south", "office", "READBACK", misheard, re=notice)
    heard = {"points": [DEPOT, CROSSING], **when}
    back = story.tell("05:24:00", "south", "office", "READBACK", heard, re=notice)
    received = {"received_at": "2026-06-01T05:24:01Z"}
    story.tell("05:24:02", "office", "south", "RECEIPT", received, re=back, post="machine")
    down = {"level": 4, "to_whom": "river guard"}
    passed = story.tell("06:10:00", "south", "office", "ACK", down, re=notice)
    received = {"received_at": "2026-06-01T06:10:01Z"}
    story.tell("06:10:02", "office", "south", "RECEIPT", received, re=passed, post="machine")

    hospital = {"filing": "site", "ref": "clinic-3", "version": 1, "points": [CROSSING], "radius_m": 150}
    given = story.say(
        "06:30:00", "charity", "north", "NOTIFY", hospital | {"start": when["start"], "end": None}
    )
    carried = {"on_behalf_of": "charity", "envelope": given.text}
    forward = story.tell("06:31:00", "office", "north", "FORWARD", carried, post="machine")
    received = {"received_at": "2026-06-01T06:31:01Z"}
    story.tell("06:31:02", "north", "office", "RECEIPT", received, re=forward, post="machine")

    alarm = {"points": [CROSSING], "start": "2026-06-01T07:00:00Z"}
    story.tell(
        "07:00:00", "north", "south", "STOP", alarm, words=("en", "Your aircraft are over the crossing.")
    )
    return {"line.jws": "".join(f"{each.text}\n" for each in story.said).encode("ascii")}


if __name__ == "__main__":
    for name, data in files().items():
        (HERE / name).write_bytes(data)
