"""The interface, drawn from the table of operations: an OpenAPI 3.1 document, and a page for people.

Law: nothing is said here that the table does not say; so nothing is served that is not in the document, and
nothing is in the document that is not served. The page is one HTML file without scripts: no request leaves
the reader's machine, and there is nothing on it to run.
"""

from __future__ import annotations

import asyncio
import html
import re
from functools import cache
from typing import TYPE_CHECKING, Any, Final

import msgspec

from skypact import __version__
from skypact.server.operation import Answer, Call, Operation, Style
from skypact.server.refusals import TITLES

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

_PARAMETER = re.compile(r"\{(\w+)\}", re.ASCII)
_REF = "#/components/schemas/{name}"
_OURS: Final = {
    "ErrorObject": {
        "type": "object",
        "description": "What is wrong, where, what was found, what was expected; and what the reason adds.",
        "properties": {"message": {"type": "string"}, "correlation": {"type": "string"}},
        "required": ["message", "correlation"],
    },
    "Problem": {
        "type": "object",
        "description": "RFC 9457 problem details.",
        "properties": {
            "type": {"type": "string"},
            "title": {"type": "string"},
            "status": {"type": "integer"},
            "detail": {"type": "string"},
            "where": {"type": "string"},
            "found": {"type": "string"},
            "expected": {"type": "string"},
            "correlation": {"type": "string"},
        },
        "required": ["type", "title", "status", "detail", "correlation"],
    },
}
_SECURITY_POLICY: Final = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"


def operations(
    rows: Sequence[Operation], *, title: str, servers: Sequence[str] = ()
) -> tuple[Operation, ...]:
    """``/openapi.json`` and ``/docs``, of these rows and themselves; written when first asked for."""

    @cache
    def whole() -> dict[str, Any]:
        return document((*rows, *own), title=title, servers=servers)

    @cache
    def as_json() -> bytes:
        return msgspec.json.encode(whole())

    @cache
    def as_page() -> bytes:
        return page_of(whole()).encode()

    async def machine(_call: Call) -> Answer:
        return Answer(body=await asyncio.to_thread(as_json))

    async def page(_call: Call) -> Answer:
        return Answer(
            body=await asyncio.to_thread(as_page),
            media_type="text/html; charset=utf-8",
            headers={"content-security-policy": _SECURITY_POLICY},
        )

    own = (
        Operation(
            "getOpenApi", "GET", "/openapi.json", (), machine,
            style=Style.PROBLEM, tag="This interface", summary="This interface, for machines (OpenAPI 3.1)",
        ),
        Operation(
            "getDocs", "GET", "/docs", (), page,
            style=Style.PROBLEM, tag="This interface", summary="This interface, for people",
        ),
    )  # fmt: skip
    return own


def document(rows: Iterable[Operation], *, title: str, servers: Sequence[str] = ()) -> dict[str, Any]:
    """The OpenAPI 3.1 document of these operations."""
    listed = tuple(rows)
    kinds = [
        kind for row in listed for kind in (row.body, row.answer) if kind is not None and kind is not bytes
    ]
    unique = list({id(kind): kind for kind in kinds}.values())
    schemas, components = msgspec.json.schema_components(unique, ref_template=_REF)
    of = {id(kind): schema for kind, schema in zip(unique, schemas, strict=True)}
    paths: dict[str, dict[str, Any]] = {}
    scopes: dict[str, str] = {}
    for row in listed:
        scopes.update({scope: "" for needed in row.scopes for scope in needed})
        paths.setdefault(row.path, {})[row.method.lower()] = _operation(row, of)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": title,
            "version": __version__,
            "description": "Every answer has the header X-Request-Id; a refusal has it in its body as "
            "`correlation`, and the server's log has it too.",
        },
        **({"servers": [{"url": url} for url in servers]} if servers else {}),
        "paths": paths,
        "components": {
            "schemas": {**_OURS, **components},
            "securitySchemes": {
                "bearer": {
                    "type": "http",
                    "scheme": "bearer",
                    "bearerFormat": "JWT",
                    "description": f"RS256, ES256 or EdDSA. Scopes: {', '.join(sorted(scopes))}",
                }
            },
        },
        "tags": [{"name": name} for name in dict.fromkeys(row.tag or "Others" for row in listed)],
    }


def statuses(row: Operation) -> dict[int, str]:
    """Every status that an operation can answer with, and what it means."""
    named = dict(row.statuses)
    if not any(200 <= status < 300 for status in named) and 501 not in named:
        named[200] = "Done."
    common = [500, 503]
    if row.scopes:
        common += [401, 403, 429]
    if row.body is not None:
        common += [400, 408, 413, 415]
    elif row.query or "{" in row.path or row.scopes:
        common.append(400)
    return dict(
        sorted((named | {status: TITLES[status] for status in common if status not in named}).items())
    )


def _operation(row: Operation, of: Mapping[int, Any]) -> dict[str, Any]:
    wrong = {
        "F3548": ("application/json", "ErrorObject"),
        "PROBLEM": ("application/problem+json", "Problem"),
    }[row.style.name]
    responses: dict[str, Any] = {}
    for status, text in statuses(row).items():
        told: dict[str, Any] = {"description": text}
        if status < 300 and row.answer is not None:
            told["content"] = {"application/json": {"schema": of[id(row.answer)]}}
        elif status >= 400:
            told["content"] = {wrong[0]: {"schema": {"$ref": _REF.format(name=wrong[1])}}}
        responses[str(status)] = told
    made: dict[str, Any] = {
        "operationId": row.name,
        "summary": row.summary,
        "tags": [row.tag or "Others"],
        "responses": responses,
    }
    parameters = [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
        for name in _PARAMETER.findall(row.path)
    ] + [
        {
            "name": name.rstrip("*"),
            "in": "query",
            "required": name.endswith("*"),
            "description": text,
            "schema": {"type": "string"},
        }
        for name, text in row.query.items()
    ]
    if parameters:
        made["parameters"] = parameters
    if row.body is not None:
        media, schema = "application/json", of.get(id(row.body), {})
        if row.body is bytes:
            media = "application/octet-stream"
        made["requestBody"] = {"required": True, "content": {media: {"schema": schema}}}
    # OpenAPI 3.1 lets a scheme of any type name the scopes it takes
    made["security"] = [{"bearer": sorted(needed)} for needed in row.scopes]
    return made


_STYLE = """
:root{color-scheme:light dark;--line:#8885}
body{font:15px/1.5 system-ui,sans-serif;max-width:62rem;margin:0 auto;padding:1rem}
h1{font-size:1.5rem}h2{margin:2rem 0 .5rem;font-size:1.15rem;border-bottom:1px solid var(--line)}
details{border-bottom:1px solid var(--line);padding:.3rem 0}summary{cursor:pointer}
code,pre{font:13px/1.4 ui-monospace,monospace}pre{overflow:auto;padding:.6rem;border:1px solid var(--line)}
b{display:inline-block;min-width:4.2rem}table{border-collapse:collapse;margin:.4rem 0}
td{padding:.1rem .8rem .1rem 0;vertical-align:top}.note{opacity:.75}
"""


def page_of(whole: Mapping[str, Any]) -> str:
    """The page of a document."""
    esc = html.escape
    parts = [
        "<!doctype html><html lang=en><meta charset=utf-8>",
        "<meta name=viewport content='width=device-width,initial-scale=1'>",
        f"<title>{esc(whole['info']['title'])}</title><style>{_STYLE}</style>",
        f"<h1>{esc(whole['info']['title'])} <small>{esc(whole['info']['version'])}</small></h1>",
        f"<p>{esc(whole['info']['description'])} The same <a href=/openapi.json>for machines</a>.",
    ]
    by_tag: dict[str, list[tuple[str, str, Any]]] = {tag["name"]: [] for tag in whole["tags"]}
    for path, methods in whole["paths"].items():
        for method, made in methods.items():
            by_tag[made["tags"][0]].append((path, method.upper(), made))
    for tag, listed in by_tag.items():
        parts.append(f"<h2>{esc(tag)}</h2>")
        parts += [_shown(*item) for item in listed]
    parts.append("<h2>Statuses of refusals</h2><table>")
    parts += [
        f"<tr id=status-{status}><td>{status}<td>{esc(text)}" for status, text in sorted(TITLES.items())
    ]
    parts.append("</table><h2>Types</h2>")
    for name, schema in sorted(whole["components"]["schemas"].items()):
        text = esc(msgspec.json.format(msgspec.json.encode(schema), indent=2).decode())
        parts.append(
            f"<details id='type-{esc(name)}'><summary>{esc(name)}</summary><pre>{text}</pre></details>"
        )
    return "\n".join(parts) + "</html>\n"


def _shown(path: str, method: str, made: Mapping[str, Any]) -> str:
    esc = html.escape
    needed = [" with ".join(item["bearer"]) for item in made["security"]]
    rows = [("Scopes", " or ".join(needed) or "no token needed")]
    rows += [
        (
            f"{item['in']}: {item['name']}",
            item.get("description", "") + ("" if item["required"] else " (may be left out)"),
        )
        for item in made.get("parameters", ())
    ]
    lines = [f"<tr><td>{esc(name)}<td>{esc(text)}" for name, text in rows]
    if "requestBody" in made:
        (media,) = made["requestBody"]["content"].items()
        lines.append(f"<tr><td>body<td>{_type(media[1]['schema']) or esc(media[0])}")
    for status, told in made["responses"].items():
        content: Mapping[str, Any] = next(iter(told.get("content", {}).values()), {"schema": {}})
        lines.append(f"<tr><td>{status}<td>{esc(told['description'])} {_type(content['schema'])}")
    return (
        f"<details id='{esc(made['operationId'])}'><summary><b>{method}</b> <code>{esc(path)}</code> "
        f"<span class=note>{esc(made['summary'])}</span></summary><table>{''.join(lines)}</table></details>"
    )


def _type(schema: Mapping[str, Any]) -> str:
    """A link to a type."""
    name = schema.get("$ref", "").rpartition("/")[2]
    return f"<a href='#type-{html.escape(name)}'>{html.escape(name)}</a>" if name else ""
