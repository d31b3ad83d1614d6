"""What is asked of the node itself: does it live, is it ready, its figures, its version, its pool.

Law: ``/healthz`` says that the process answers, nothing more. ``/readyz`` says yes only when a request
would be served now: the store reads and is of this version, the kernels are compiled, the keys of every
issuer are there; and it says which is not. Operations of the DSS pool interface that mean nothing here
answer 501 and why, never a made-up value.

Sources: InterUSS's ``aux.yaml`` (DSS Auxiliary API 1.1.0), ``token.yaml`` and ``versioning.yaml``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from skypact import __version__
from skypact.errors import InputError, Reason, Refused
from skypact.seal import LIFE_S, access_token
from skypact.server.metrics import MEDIA_TYPE
from skypact.server.operation import Answer, Call, Operation, Style, any_of

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from skypact.seal import SigningKey
    from skypact.server.metrics import Metrics

VERSION: Final = f"skypact/v{__version__}"
POOL_READ: Final = "interuss.pool_status.read"
HEARTBEAT: Final = "interuss.pool_status.heartbeat.write"
READ_VERSIONS: Final = "interuss.versioning.read_system_versions"

_NOT_HERE: Final = {
    ("getDSSInstances", "GET", "/aux/v1/pool/dss_instances", POOL_READ): (
        "processes of one region share a database and keep no list of each other"
    ),
    ("putDSSInstancesHeartbeat", "PUT", "/aux/v1/pool/dss_instances/heartbeat", HEARTBEAT): (
        "processes of one region share a database and keep no list of each other"
    ),
    ("getAcceptedCAs", "GET", "/aux/v1/configuration/accepted_ca_certs", ""): (
        "there are no certificates between the processes of a region; the database has its own"
    ),
    ("getInstanceCAs", "GET", "/aux/v1/configuration/ca_certs", ""): (
        "there are no certificates between the processes of a region; the database has its own"
    ),
    ("getGlobalOptions", "GET", "/aux/v1/configuration/global_options", POOL_READ): (
        "these are options of another implementation; here all writes of a region are always in one order"
    ),
}


def health(metrics: Metrics, ready: Callable[[int], Awaitable[Mapping[str, str]]]) -> tuple[Operation, ...]:
    """``/healthz``, ``/readyz`` and ``/metrics``.

    Parameters
    ----------
    metrics
        Of this process.
    ready
        Given the time, says of every part what is amiss with it; an empty text where nothing is.
    """

    async def healthz(_call: Call) -> Answer:
        return Answer(body={"status": "alive"})

    async def readyz(call: Call) -> Answer:
        parts = await ready(call.now_us)
        amiss = {name: text for name, text in parts.items() if text}
        told = {name: text or "ready" for name, text in parts.items()}
        return Answer(503 if amiss else 200, {"status": "not ready" if amiss else "ready", "parts": told})

    async def figures(_call: Call) -> Answer:
        return Answer(body=metrics.text(), media_type=MEDIA_TYPE)

    tag = "Health"
    return (
        _open("getHealth", "/healthz", healthz, tag, "Whether the process answers", quiet=True),
        _open(
            "getReadiness",
            "/readyz",
            readyz,
            tag,
            "Whether a request would be served now, and what is amiss",
            quiet=True,
            statuses={503: "A part is not ready; the body says which."},
        ),
        _open("getMetrics", "/metrics", figures, tag, "Figures of this process, for Prometheus", quiet=True),
    )


def pool(region: Callable[[], Awaitable[str]]) -> tuple[Operation, ...]:
    """The DSS Auxiliary API, where it makes sense.

    Parameters
    ----------
    region
        The id of the airspace representation that the processes of one database share.
    """

    async def version(_call: Call) -> Answer:
        return Answer(body={"version": VERSION})

    async def whole(_call: Call) -> Answer:
        return Answer(body={"dar_id": await region()})

    async def validate(call: Call) -> Answer:
        if call.query["owner"] != call.party:
            raise Refused(
                Reason.FORBIDDEN,
                "another owner",
                where="query.owner",
                found=call.party,
                expected="sub of the token",
            )
        return Answer()

    def absent(why: str) -> Callable[[Call], Awaitable[Answer]]:
        async def handle(call: Call) -> Answer:
            return Answer(
                501, {"message": f"not done by this server: {why}", "correlation": call.correlation}
            )

        return handle

    tag = "DSS pool"
    return (
        _open(
            "getVersion", "/aux/v1/version", version, tag, "The version of this software", style=Style.F3548
        ),
        Operation(
            "validateOauth",
            "GET",
            "/aux/v1/validate_oauth",
            any_of(
                "dss.read.identification_service_areas",
                "dss.write.identification_service_areas",
                "utm.strategic_coordination",
                "utm.constraint_management",
                "utm.constraint_processing",
                "utm.conformance_monitoring_sa",
                "utm.availability_arbitration",
            ),
            validate,
            query={"owner*": "what `sub` of the token must be"},
            tag=tag,
            summary="Whether a token is accepted here, and is of the owner named",
        ),
        Operation(
            "getPool",
            "GET",
            "/aux/v1/pool",
            any_of(POOL_READ),
            whole,
            tag=tag,
            summary="The id of the airspace representation that the processes of one database share",
        ),
        *(
            Operation(
                name,
                method,
                path,
                any_of(scope) if scope else (),
                absent(why),
                tag=tag,
                summary="Not done by this server; says why",
                statuses={501: "Not done by this server."},
            )
            for (name, method, path, scope), why in _NOT_HERE.items()
        ),
    )


def testing(key: SigningKey, issuer: str) -> tuple[Operation, ...]:
    """The stand-in for an authority, and the versions of this system: for test suites, off by default.

    Parameters
    ----------
    key
        Signs a token for whoever asks.
    issuer
        ``iss`` where the asker names none.
    """

    async def token(call: Call) -> Answer:
        asked = call.query
        now_s = call.now_us // 1_000_000
        try:
            end_s = int(asked["expire"]) if asked.get("expire") else now_s + LIFE_S
        except ValueError:
            raise InputError(
                "not an instant",
                where="query.expire",
                found=asked["expire"][:40],
                expected="seconds since 1970",
            ) from None
        text = access_token(
            key,
            issuer=asked.get("issuer") or issuer,
            party=asked["sub"],
            audience=asked["intended_audience"],
            scope=asked["scope"],
            now_s=now_s,
            end_s=end_s,
            ident=call.correlation,
        )
        return Answer(body={"access_token": text})

    async def version(call: Call) -> Answer:
        return Answer(
            body={"system_identity": call.params["system_identity"], "system_version": f"v{__version__}"}
        )

    tag = "For test suites"
    return (
        _open(
            "getToken",
            "/token",
            token,
            tag,
            "A token for whoever asks",
            style=Style.F3548,
            query={
                "intended_audience*": "`aud` of the token",
                "scope*": "its scopes, with spaces between",
                "sub*": "its `sub`",
                "issuer": "its `iss`",
                "expire": "its `exp`, in seconds since 1970; an hour from now where it is left out",
            },
        ),
        *(
            Operation(
                name,
                "GET",
                f"{base}/versions/{{system_identity}}",
                any_of(READ_VERSIONS),
                version,
                tag=tag,
                summary="The version of this system, by whatever name it is asked for",
            )
            # a suite asks for the version of a DSS at the root of the DSS
            for name, base in (("getSystemVersion", "/versioning"), ("getDssVersion", ""))
        ),
    )


def _open(
    name: str,
    path: str,
    handle: Callable[[Call], Awaitable[Answer]],
    tag: str,
    summary: str,
    *,
    style: Style = Style.PROBLEM,
    **more: Any,
) -> Operation:
    """An operation that asks for no token."""
    return Operation(name, "GET", path, (), handle, style=style, tag=tag, summary=summary, **more)
