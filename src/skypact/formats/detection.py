"""Telling a format by what is in the file.

Law: the name of a file is never asked. Every format has a mark that the others lack: magic bytes, the root
element of XML, the members of a JSON document, lines that only OpenAir has, a ``[pact]`` table, the names in
a CSV header. What has no mark is refused with what was seen, and never tried on the readers one by one.

How it works. The first 64 KiB are looked at. JSON is walked as far as that goes, keeping which keys stand
where; if a document hides its marks further back, its outermost members are looked up in the whole of it.

Known limits: the marks of a document that is no JSON must be within the first 64 KiB.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from skypact.errors import FormatError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from skypact.formats.source import Source

DEPTH_MAX: Final = 64
"""JSON nested deeper than this in its first 64 KiB is refused: no format here comes near."""

_BOM: Final = b"\xef\xbb\xbf"
_UTF16 = (b"\xff\xfe", b"\xfe\xff")
_PACKED: Final = {
    b"PK\x03\x04": "a zip archive (KMZ and .zip are to be unpacked first)",
    b"\x28\xb5\x2f\xfd": "zstandard data (to be unpacked first)",
    b"BZh": "bzip2 data (to be unpacked first)",
    b"\xfd7zXZ": "xz data (to be unpacked first)",
    b"SQLite format 3": "an SQLite database",
    b"\x89HDF": "an HDF5 file",
    b"ARROW1": "an Arrow file (write it as Parquet)",
}
_JSON_TOKEN = re.compile(rb'"((?:[^"\\]|\\.)*)"|([\[{])|([\]}])|([,:])|([^\s,:\[\]{}"]+)', re.DOTALL)
_XML_ROOT = re.compile(rb"<(?:[A-Za-z_][\w.-]*:)?([A-Za-z_][\w.-]*)[\s/>]")
_XML_PREAMBLE = re.compile(rb"\s*(?:<\?.*?\?>|<!--.*?-->|<!DOCTYPE[^>\[]*(?:\[.*?\]\s*)?>)", re.DOTALL)
_OPENAIR = re.compile(rb"^[ \t]*(?:AC[ \t]+\S|AN[ \t]+\S)", re.MULTILINE)
_OPENAIR_SHAPE = re.compile(rb"^[ \t]*(?:AH|AL|DP|DC|DB|DA|V)[ \t]+\S", re.MULTILINE)
_PACT = re.compile(rb"^[ \t]*\[[ \t]*pact[ \t]*\]", re.MULTILINE)
_TOML_TABLE = re.compile(rb"^[ \t]*\[\[?[ \t]*[A-Za-z_-]+[ \t]*\]", re.MULTILINE)

_GEOJSON_TYPES = frozenset(
    {
        "FeatureCollection",
        "Feature",
        "Point",
        "MultiPoint",
        "LineString",
        "MultiLineString",
        "Polygon",
        "MultiPolygon",
        "GeometryCollection",
    }
)
_ED269_KEYS = frozenset({"horizontalProjection", "uomDimensions", "UASZoneVersion", "UASZoneList", "UASZone"})
_F3548_KEYS = frozenset(
    {
        "volume",
        "volumes",
        "off_nominal_volumes",
        "outline_polygon",
        "outline_circle",
        "extent",
        "extents",
        "area_of_interest",
        "operational_intent",
        "operational_intents",
        "operational_intent_reference",
        "operational_intent_references",
        "constraint",
        "constraints",
        "constraint_reference",
        "constraint_references",
    }
)

_Keys = dict[str, dict[str, str]]
"""Where (``$``, ``$[]``, ``$.features[]``) to the keys there and their first plain value."""


def detect(source: Source, titles: Mapping[str, str]) -> str:
    """The short name of the format of ``source``.

    Parameters
    ----------
    titles
        The formats that are known, short name to title, for the error.

    Raises
    ------
    FormatError
        It is empty, packed, in UTF-16, or of no format that is known; the text says what was seen.
    """
    head = source.head
    if not head:
        raise FormatError("the file is empty", where=source.name, found="0 bytes", expected=_known(titles))
    if head.startswith(b"PAR1"):
        return "parquet"
    _refuse_binary(source.name, head, titles)
    text = head.removeprefix(_BOM).lstrip()
    if _holds_filings(text):
        raise FormatError(
            "filings, which are no tracks or volumes",
            where=source.name,
            expected="'skypact notify check', with its --against for tracks, plans, volumes and zones",
        )
    found = _of_text(source, text)
    if found is not None:
        return found
    raise FormatError(
        "not a format that is known",
        where=source.name,
        found=_described(source.name, text),
        expected=_known(titles),
    )


def _holds_filings(text: bytes) -> bool:
    """Whether a text is a filing or a list of them; whatever has times in columns is recorded tracks."""
    first = text.split(b"\n", 1)[0].lower()
    if b"skypact.filing." not in text and (b"time" in first or not re.search(rb"radius|half.width", first)):
        return False
    from skypact.formats.filing_lists import looks_like_a_list
    from skypact.formats.filings_json import is_filing

    return is_filing(text) or looks_like_a_list(text)


def _known(titles: Mapping[str, str]) -> str:
    return "one of " + ", ".join(titles.values())


def _refuse_binary(name: str, head: bytes, titles: Mapping[str, str]) -> None:
    for magic, what in _PACKED.items():
        if head.startswith(magic):
            raise FormatError("not a format that is known", where=name, found=what, expected=_known(titles))
    if head.startswith(_UTF16) or (b"\0" in head[:4] and head[:4].replace(b"\0", b"").isascii()):
        raise FormatError("not UTF-8", where=name, found="UTF-16 or UTF-32", expected="text saved as UTF-8")
    if b"\0" in head:
        seen = head[:8].hex(" ")
        raise FormatError(
            "not a format that is known",
            where=name,
            found=f"binary data that begins with {seen}",
            expected=_known(titles),
        )


def _of_text(source: Source, text: bytes) -> str | None:
    if text.startswith(b"<"):
        root = _xml_root(text)
        return root if root in {"kml", "gpx"} else None
    if _is_json(text):
        return _of_json(source, text)
    if _PACT.search(text) is not None:
        return "pact"
    if _OPENAIR.search(text) is not None and _OPENAIR_SHAPE.search(text) is not None:
        return "openair"
    from skypact.formats import csv_tracks
    from skypact.formats.columns import VOCABULARY

    found = csv_tracks.header(text)
    if found is not None and len(VOCABULARY.intersection(n.strip().lower() for n in found[0])) > 1:
        return "csv"
    return "openair" if _OPENAIR.match(text) is not None else None


def _is_json(text: bytes) -> bool:
    """Whether the text begins as a JSON document; a TOML table begins with a bracket too."""
    if text.startswith(b"{"):
        return True
    return text.startswith(b"[") and _TOML_TABLE.match(text) is None


def _xml_root(text: bytes) -> str:
    while (match := _XML_PREAMBLE.match(text)) is not None:
        text = text[match.end() :]
    root = _XML_ROOT.match(text.lstrip())
    return root.group(1).decode("ascii", "replace") if root is not None else ""


def _of_json(source: Source, text: bytes) -> str | None:
    seen = _walked(source.name, text)
    found = _of_keys(seen)
    if found is None and text.startswith(b"{") and len(source.head) >= 64 * 1024:
        found = _of_keys({"$": _outermost(source)})
    return found


def _of_keys(seen: _Keys) -> str | None:
    from skypact.formats.columns import looks_like_points

    root, item = seen.get("$", {}), seen.get("$[]", {})
    everywhere = set[str]().union(*seen.values())
    if _ED269_KEYS & everywhere:
        return "ed269"
    if "fileType" in root or {"mission", "groundStation"} <= root.keys():
        return "plan"
    if root.get("type") in _GEOJSON_TYPES or seen.get("$.features[]", {}).get("type") == "Feature":
        return "geojson"
    if _F3548_KEYS & root.keys() or _F3548_KEYS & item.keys():
        return "f3548"
    if looks_like_points(root) or looks_like_points(item):
        return "json"
    return None


def _walked(name: str, text: bytes) -> _Keys:
    """Which keys stand where, as far as the text goes."""
    seen: _Keys = {}
    places = ["$"]
    lists = [False]
    key = ""
    word: str | None = None
    for match in _JSON_TOKEN.finditer(text):
        string, opening, closing, mark, plain = match.groups()
        if opening:
            if len(places) > DEPTH_MAX:
                raise FormatError(
                    "nested too deeply",
                    where=name,
                    found=f"over {DEPTH_MAX} levels",
                    expected="a document of one of the formats that are known",
                )
            outer = places[-1]
            inner = outer if len(places) == 1 else f"{outer}[]" if lists[-1] else f"{outer}.{key}"
            places.append(inner if len(inner) < 200 else "")
            lists.append(opening == b"[")
            if opening == b"{":
                seen.setdefault(places[-1], {})
            word = None
        elif closing:
            if len(places) <= 2:
                break
            places.pop()
            lists.pop()
            word = None
        elif mark == b":":
            key, word = word or "", None
            if not lists[-1]:
                seen.setdefault(places[-1], {}).setdefault(key, "")
        elif mark is None:
            word = (string if string is not None else plain).decode("utf-8", "replace")[:80]
            if key and not lists[-1] and seen.get(places[-1], {}).get(key) == "":
                seen[places[-1]][key] = word
        else:
            key, word = "", None
    return seen


def _outermost(source: Source) -> dict[str, str]:
    """The outermost members of a large document, with their value where it is a text."""
    import msgspec

    try:
        members = msgspec.json.decode(source.read_bytes().removeprefix(_BOM), type=dict[str, msgspec.Raw])
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return {}
    return {
        key: bytes(value).decode("utf-8", "replace").strip('"') if len(bytes(value)) < 80 else ""
        for key, value in members.items()
    }


def _described(name: str, text: bytes) -> str:
    """What was seen, in few words."""
    if text.startswith(b"<"):
        return f"XML whose root is <{_xml_root(text)}>"
    if _is_json(text):
        seen = _walked(name, text)
        for place, what in (("$", "a JSON object"), ("$[]", "a JSON list of objects")):
            if place in seen:
                keys = ", ".join(key[:30] for key in list(seen[place])[:8])
                return f"{what} with {keys}" if keys else what
        return "JSON without objects"
    line = text[:400].decode("utf-8", "replace").splitlines()[:1]
    return f"a text that begins with {line[0][:60]!r}" if line else "blanks"
