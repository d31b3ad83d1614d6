"""Every table there is, in sections by who owns them.

Law: one MetaData; what is not here is not in the database, and ``store/migrations`` leads to exactly this (a
test holds the two together on both databases). Ids are 16 raw bytes (:data:`Id`), instants microseconds since
1970 UTC in 64 bits, words of a closed list are text with a CHECK. No constraint is deferred: a write that
is wrong fails where it stands, not at the commit that others share. Everything is plain SQL that SQLite and
PostgreSQL both understand.
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Double,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    SmallInteger,
    Table,
    Text,
    text,
)

metadata: Final = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)

Id: Final = LargeBinary(16)
"""An id: 16 raw bytes."""
Digest: Final = LargeBinary(32)
"""A SHA-256: 32 raw bytes."""
Big: Final = BigInteger().with_variant(Integer(), "sqlite")
"""A 64-bit primary key. (In SQLite only INTEGER names the row itself; there it holds 64 bits too.)"""

# ---------------------------------------------------------------------------------------------- STORE

region: Final = Table(
    "region",
    metadata,
    Column("one", SmallInteger, primary_key=True, autoincrement=False),
    Column("id", Id, nullable=False),
    Column("seq", BigInteger, nullable=False),
    Column("leaves", BigInteger, nullable=False),
    Column("messages", BigInteger, nullable=False),
    Column("notifications", BigInteger, nullable=False),
    Column("forgotten", BigInteger, nullable=False),
    Column("stamp", Id, nullable=False),
    CheckConstraint("one = 1", name="one"),
)
"""One row: who this region is (drawn when the database is made) and how far its counters have come.

A write locks this row first, so that there is one writer at a time, whatever process it is in. ``seq`` counts
the writes; the next three count leaves of the ledger, messages of the outbox and notification indices.
``forgotten`` is the last write that removed something and of which no version is kept any more; ``stamp`` is
random bytes that the last write left: two histories of one region never have the same.
"""

leaf: Final = Table(
    "leaf",
    metadata,
    Column("position", Big, primary_key=True, autoincrement=False),
    Column("seq", BigInteger, nullable=False),
    Column("kind", Text, nullable=False),
    Column("ref", Text, nullable=False),
    Column("salt", LargeBinary(32)),
    Column("content", LargeBinary),
    Column("hash", LargeBinary(32), nullable=False),
    CheckConstraint("(salt IS NULL) = (content IS NULL)", name="whole"),
)
"""The ledger: ``position`` counts from 0 without a gap, in commit order; ``seq`` is the write it came with.

``salt`` and ``content`` are NULL once redacted; ``hash`` stays. :mod:`skypact.record.ledger` says what it is.
"""

outbox: Final = Table(
    "outbox",
    metadata,
    Column("id", Big, primary_key=True, autoincrement=False),
    Column("seq", BigInteger, nullable=False),
    Column("lane", Text, nullable=False),
    Column("party", Text, nullable=False),
    Column("topic", Text, nullable=False),
    Column("ref", Text, nullable=False),
    Column("url", Text, nullable=False),
    Column("method", Text, nullable=False),
    Column("scope", Text, nullable=False),
    Column("body", LargeBinary),
    Column("made_us", BigInteger, nullable=False),
    Column("not_after_us", BigInteger, nullable=False),
    Column("state", Text, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("ended_us", BigInteger),
    CheckConstraint("state IN ('waiting', 'delivered', 'refused', 'expired', 'withdrawn')", name="state"),
    CheckConstraint("(state = 'waiting') = (ended_us IS NULL)", name="ended"),
)
"""Messages to others, in the order they were decided; ``id`` counts from 1 without a gap."""
Index(
    "ix_outbox_ref",
    outbox.c.ref,
    sqlite_where=text("state = 'waiting'"),
    postgresql_where=text("state = 'waiting'"),
)
Index("ix_outbox_reach", outbox.c.party, outbox.c.lane, outbox.c.state)
Index("ix_outbox_ended", outbox.c.ended_us)

waiting: Final = Table(
    "waiting",
    metadata,
    Column("lane", Text, primary_key=True),
    Column("message", BigInteger, ForeignKey("outbox.id"), primary_key=True, autoincrement=False),
    sqlite_with_rowid=False,
)
"""Which messages wait, lane by lane: exactly those of ``outbox`` whose state is ``waiting``.

A table of its own, and not an index of ``outbox``, so that the first message of a lane is found in one step
whatever a planner believes about the thousands that have been delivered and are kept.
"""

lane: Final = Table(
    "lane",
    metadata,
    Column("lane", Text, primary_key=True),
    Column("due_us", BigInteger, nullable=False),
    Column("leased_us", BigInteger, nullable=False),
    Column("holder", Id),
    Column("failures", Integer, nullable=False),
)
"""One row for each order key that has messages waiting: when its first message is due, and who is at it.

Order, patience and lease are the lane's, not the message's: while the first message of a lane cannot be
delivered none behind it may be, and ten thousand of them cost a look-up nothing.
"""
Index("ix_lane_due", lane.c.due_us)

attempt: Final = Table(
    "attempt",
    metadata,
    Column(
        "message", BigInteger, ForeignKey("outbox.id", ondelete="CASCADE"), primary_key=True, nullable=False
    ),
    Column("number", Integer, primary_key=True, nullable=False),
    Column("at_us", BigInteger, nullable=False),
    Column("took_us", BigInteger, nullable=False),
    Column("status", Integer),
    Column("fault", Text, nullable=False),
)
"""Each try to deliver a message: when it ended, how long it took, a ``status`` or a ``fault``."""

# ------------------------------------------------------------------------------------------------ DSS

# What is valid now is in ``dss_entity``, a row an entity; every version there was, for the retention period,
# in ``dss_version``. Extents are kept once, under the digest of their JSON, with the boxes of their volumes:
# an intent and its implicit subscription share them. They go when no entity names them any more.

dss_entity: Final = Table(
    "dss_entity",
    metadata,
    Column("kind", Text, primary_key=True),
    Column("id", Id, primary_key=True),
    Column("party", Text, nullable=False),
    Column("version", Integer, nullable=False),
    Column("seq", BigInteger, nullable=False),
    Column("ovn", Text, nullable=False),
    Column("state", Text),
    Column("base_url", Text, nullable=False),
    Column("start_us", BigInteger, nullable=False),
    Column("end_us", BigInteger, nullable=False),
    Column("shape", Digest, nullable=False),
    Column("subscription", Id),
    Column("for_intents", Boolean, nullable=False),
    Column("for_constraints", Boolean, nullable=False),
    Column("implicit", Boolean, nullable=False),
    Column("written_us", BigInteger, nullable=False),
    CheckConstraint("kind IN ('intent', 'constraint', 'subscription')", name="kind"),
    CheckConstraint("(kind = 'intent') = (state IS NOT NULL)", name="state"),
    CheckConstraint("start_us < end_us", name="window"),
)
"""Entities that are alive. ``ovn`` of a subscription is its version; ``seq`` the write that made this one."""
Index("ix_dss_entity_shape", dss_entity.c.shape)
Index("ix_dss_entity_end", dss_entity.c.end_us)
Index("ix_dss_entity_seq", dss_entity.c.seq)
Index("ix_dss_entity_subscription", dss_entity.c.subscription)
Index(
    "ix_dss_entity_own",
    dss_entity.c.party,
    dss_entity.c.end_us,
    sqlite_where=text("kind = 'subscription' AND NOT implicit"),
    postgresql_where=text("kind = 'subscription' AND NOT implicit"),
)

dss_created: Final = Table(
    "dss_created",
    metadata,
    Column("kind", Text, primary_key=True),
    Column("id", Id, primary_key=True),
    Column("request", LargeBinary(32), nullable=False),
    Column("told", LargeBinary, nullable=False),
    Column("told_index", Integer, nullable=False),
)
"""How an entity was created, while it is unchanged, so that the same request gets the same answer again.

``request`` is the digest of the request, ``told`` the ids of the subscriptions it was told to notify, 16
bytes each, one after the other, ``told_index`` the index it was given for them.
"""

dss_version: Final = Table(
    "dss_version",
    metadata,
    Column("kind", Text, primary_key=True),
    Column("id", Id, primary_key=True),
    Column("seq", Big, primary_key=True, autoincrement=False),
    Column("version", Integer, nullable=False),
    Column("act", Text, nullable=False),
    Column("party", Text, nullable=False),
    Column("ovn", Text, nullable=False),
    Column("content", LargeBinary, nullable=False),
    Column("written_us", BigInteger, nullable=False),
    CheckConstraint("act IN ('create', 'update', 'delete', 'expire')", name="act"),
)
"""Every version of every entity; ``content`` is its JSON as the ledger has it, extents and all."""
Index("ix_dss_version_written", dss_version.c.written_us)
Index(
    "ix_dss_version_gone",
    dss_version.c.seq,
    sqlite_where=text("act IN ('delete', 'expire')"),
    postgresql_where=text("act IN ('delete', 'expire')"),
)

dss_shape: Final = Table(
    "dss_shape",
    metadata,
    Column("digest", Digest, primary_key=True),
    Column("extents", LargeBinary, nullable=False),
    Column("parts", LargeBinary, nullable=False),
)
"""Extents: an array of Volume4D as JSON, under its SHA-256: whole, since a collision would hide an intent.

``parts`` is what a search compares of each volume, its box and its window (``store.alive.pack``).
"""

dss_availability: Final = Table(
    "dss_availability",
    metadata,
    Column("party", Text, primary_key=True),
    Column("state", Text, nullable=False),
    Column("version", Text, nullable=False),
    Column("arbiter", Text, nullable=False),
    Column("written_us", BigInteger, nullable=False),
    CheckConstraint("state IN ('Unknown', 'Normal', 'Down')", name="state"),
)
"""What an arbiter declared of a party; one that is not here is Unknown. Its history is in the ledger."""

dss_report: Final = Table(
    "dss_report",
    metadata,
    Column("id", Text, primary_key=True),
    Column("party", Text, nullable=False),
    Column("content", LargeBinary, nullable=False),
    Column("written_us", BigInteger, nullable=False),
)
"""Reports of faults, as they came."""
Index("ix_dss_report_written", dss_report.c.written_us)

# ----------------------------------------------------------------------------------------------- NODE

# What this party manages is in ``node_flight``, as the discovery service last accepted it; every version
# there was, in ``node_version``. What is under way is in ``node_attempt``, a row a flight. What others manage
# and said is in ``node_known``, one version an entity: details are a cache, held against the discovery
# service whenever they are used.

node_flight: Final = Table(
    "node_flight",
    metadata,
    Column("id", Id, primary_key=True),
    Column("name", Text, nullable=False),
    Column("operator", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("filed", Integer, nullable=False),
    Column("priority", Integer, nullable=False),
    Column("version", Integer, nullable=False),
    Column("ovn", Text, nullable=False),
    Column("reference", LargeBinary, nullable=False),
    Column("details", LargeBinary, nullable=False),
    Column("subscribers", LargeBinary, nullable=False),
    Column("start_us", BigInteger, nullable=False),
    Column("end_us", BigInteger, nullable=False),
    Column("south", Double, nullable=False),
    Column("north", Double, nullable=False),
    Column("west", Double, nullable=False),
    Column("east", Double, nullable=False),
    Column("written_us", BigInteger, nullable=False),
    CheckConstraint(
        "state IN ('Accepted', 'Activated', 'Nonconforming', 'Contingent', 'Ended')", name="state"
    ),
    CheckConstraint("start_us < end_us", name="window"),
)
"""Our flights. ``filed`` counts our own versions; ``version`` and ``ovn`` are the discovery service's.

``reference`` and ``details`` are JSON as peers get them, ``subscribers`` whom the last write had to tell.
Degrees; ``west`` is in [-180, 180), ``east`` up to 360 more than it.
"""
Index("ix_node_flight_state_end", node_flight.c.state, node_flight.c.end_us)
Index("ix_node_flight_name", node_flight.c.name)
Index(
    "uq_node_flight_name",
    node_flight.c.name,
    unique=True,
    sqlite_where=text("name <> '' AND state <> 'Ended'"),
    postgresql_where=text("name <> '' AND state <> 'Ended'"),
)

node_version: Final = Table(
    "node_version",
    metadata,
    Column("flight", Id, primary_key=True),
    Column("filed", Integer, primary_key=True, autoincrement=False),
    Column("act", Text, nullable=False),
    Column("content", LargeBinary, nullable=False),
    Column("leaf", BigInteger, nullable=False),
    Column("written_us", BigInteger, nullable=False),
)
"""Every version of our flights, and the leaf of the ledger that it was written with."""
Index("ix_node_version_written", node_version.c.written_us)

node_attempt: Final = Table(
    "node_attempt",
    metadata,
    Column("flight", Id, primary_key=True),
    Column("name", Text, nullable=False),
    Column("act", Text, nullable=False),
    Column("filing", LargeBinary, nullable=False),
    Column("attempt", LargeBinary, nullable=False),
    Column("holder", Id, nullable=False),
    Column("leased_us", BigInteger, nullable=False),
    Column("begun_us", BigInteger, nullable=False),
)
"""What was sent, or is about to be, and is not settled: who is at it, and until when.

``name`` is the name that the flight will have and has not yet: nobody else may take it meanwhile.
"""
Index("ix_node_attempt_leased", node_attempt.c.leased_us)
Index(
    "uq_node_attempt_name",
    node_attempt.c.name,
    unique=True,
    sqlite_where=text("name <> ''"),
    postgresql_where=text("name <> ''"),
)

node_known: Final = Table(
    "node_known",
    metadata,
    Column("kind", Text, primary_key=True),
    Column("id", Id, primary_key=True),
    Column("manager", Text, primary_key=True),
    Column("version", Integer, nullable=False),
    Column("ovn", Text, nullable=False),
    Column("digest", LargeBinary(32), nullable=False),
    Column("content", LargeBinary),
    Column("source", Text, nullable=False),
    Column("start_us", BigInteger, nullable=False),
    Column("end_us", BigInteger, nullable=False),
    Column("heard_us", BigInteger, nullable=False),
    CheckConstraint("kind IN ('intent', 'constraint')", name="kind"),
    CheckConstraint("source IN ('told', 'asked')", name="source"),
)
"""What others say that they manage, as each said it last; ``content`` is NULL where it said that it is gone.

What one party says of an id never touches what another says: who manages it, the discovery service says.
"""
Index("ix_node_known_end", node_known.c.end_us)
Index("ix_node_known_heard", node_known.c.heard_us)

node_notice: Final = Table(
    "node_notice",
    metadata,
    Column("at_us", Big, primary_key=True, autoincrement=False),
    Column("kind", Text, nullable=False),
    Column("flight", Id, nullable=False),
    Column("operator", Text, nullable=False),
    Column("conflicts", Integer, nullable=False),
    Column("text", Text, nullable=False),
    Column("content", LargeBinary, nullable=False),
    Column("caused_us", BigInteger, nullable=False),
    Column("leaf", BigInteger, nullable=False),
)
"""What an operator is told of what concerns a flight of its own; no two at one instant."""
Index("ix_node_notice_flight", node_notice.c.flight)

node_report: Final = Table(
    "node_report",
    metadata,
    Column("id", Text, primary_key=True),
    Column("way", Text, nullable=False),
    Column("party", Text, nullable=False),
    Column("content", LargeBinary, nullable=False),
    Column("written_us", BigInteger, nullable=False),
    CheckConstraint("way IN ('received', 'made')", name="way"),
)
"""Reports of faults in exchanges: those that others made to us, and those that we made to others."""
Index("ix_node_report_written", node_report.c.written_us)

node_position: Final = Table(
    "node_position",
    metadata,
    Column("flight", Id, primary_key=True),
    Column("measured_us", BigInteger, primary_key=True, autoincrement=False),
    Column("received_us", BigInteger, nullable=False),
    Column("content", LargeBinary, nullable=False),
)
"""Where our flights were: VehicleTelemetry as JSON."""

# ------------------------------------------------------------ NODE: constraints, positions, logs

node_constraint: Final = Table(
    "node_constraint",
    metadata,
    Column("id", Id, primary_key=True),
    Column("name", Text, nullable=False),
    Column("provider", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("filed", Integer, nullable=False),
    Column("version", Integer, nullable=False),
    Column("ovn", Text, nullable=False),
    Column("reference", LargeBinary, nullable=False),
    Column("details", LargeBinary, nullable=False),
    Column("subscribers", LargeBinary, nullable=False),
    Column("start_us", BigInteger, nullable=False),
    Column("end_us", BigInteger, nullable=False),
    Column("written_us", BigInteger, nullable=False),
    CheckConstraint("state IN ('Valid', 'Ended')", name="state"),
)
"""Constraints that this party manages, as the discovery service last accepted them."""
Index("ix_node_constraint_end", node_constraint.c.end_us)

node_constraint_version: Final = Table(
    "node_constraint_version",
    metadata,
    Column("constraint", Id, primary_key=True),
    Column("filed", Integer, primary_key=True, autoincrement=False),
    Column("act", Text, nullable=False),
    Column("content", LargeBinary, nullable=False),
    Column("leaf", BigInteger, nullable=False),
    Column("written_us", BigInteger, nullable=False),
)
"""Every version of our constraints, and the leaf of the ledger that it was written with."""
Index("ix_node_constraint_version_written", node_constraint_version.c.written_us)

node_constraint_attempt: Final = Table(
    "node_constraint_attempt",
    metadata,
    Column("constraint", Id, primary_key=True),
    Column("act", Text, nullable=False),
    Column("filing", LargeBinary, nullable=False),
    Column("base_ovn", Text, nullable=False),
    Column("holder", Id, nullable=False),
    Column("leased_us", BigInteger, nullable=False),
    Column("begun_us", BigInteger, nullable=False),
)
"""What is being done with a constraint and is not settled: who is at it, and until when."""

node_watch: Final = Table(
    "node_watch",
    metadata,
    Column("flight", Id, primary_key=True),
    Column("standing", Text, nullable=False),
    Column("outside_us", BigInteger, nullable=False),
    Column("inside_us", BigInteger, nullable=False),
    Column("declared_us", BigInteger, nullable=False),
    Column("seen_us", BigInteger, nullable=False),
    Column("heard_us", BigInteger, nullable=False),
    Column("ours", Boolean, nullable=False),
    Column("lost", Boolean, nullable=False),
)
"""How each of our flights in use stands to its volumes: skypact.exchange.conformance.Watch."""

node_flown: Final = Table(
    "node_flown",
    metadata,
    Column("operator", Text, primary_key=True),
    Column("day", BigInteger, primary_key=True, autoincrement=False),
    Column("inside_us", BigInteger, nullable=False),
    Column("outside_us", BigInteger, nullable=False),
    Column("told", Boolean, nullable=False),
)
"""How long the flights of an operator were seen inside and outside their volumes, a UTC day (from 1970)."""

node_log: Final = Table(
    "node_log",
    metadata,
    Column("id", Big, primary_key=True, autoincrement=False),
    Column("kind", Text, nullable=False),
    Column("ref", Text, nullable=False),
    Column("at_us", BigInteger, nullable=False),
    Column("content", LargeBinary, nullable=False),
    CheckConstraint("kind IN ('message', 'input', 'planning')", name="kind"),
)
"""What F3548-21 wants logged and no other table has: messages, operators' inputs, planning attempts."""
Index("ix_node_log_at", node_log.c.kind, node_log.c.at_us)
Index("ix_node_log_ref", node_log.c.ref)

node_seen: Final = Table(
    "node_seen",
    metadata,
    Column("notice", Big, primary_key=True, autoincrement=False),
    Column("by", Text, nullable=False),
    Column("seen_us", BigInteger, nullable=False),
)
"""Which notices somebody said to have seen, who, and when."""

# --------------------------------------------------------------------------------------------- RECORD

ledger_subtree: Final = Table(
    "ledger_subtree",
    metadata,
    Column("level", SmallInteger, primary_key=True, autoincrement=False),
    Column("number", BigInteger, primary_key=True, autoincrement=False),
    Column("hash", Digest, nullable=False),
    sqlite_with_rowid=False,
)
"""Hashes over complete subtrees of ``256**level`` leaves, level 1 and up, so that a proof reads few rows."""

ledger_checkpoint: Final = Table(
    "ledger_checkpoint",
    metadata,
    Column("size", Big, primary_key=True, autoincrement=False),
    Column("origin", Text, nullable=False),
    Column("root", Digest, nullable=False),
    Column("made_us", BigInteger, nullable=False),
    Column("note", LargeBinary, nullable=False),
)
"""Every checkpoint that was signed, as the log's own key signed it; none is ever changed or removed."""
Index("ix_ledger_checkpoint_made_us", ledger_checkpoint.c.made_us)

ledger_erased: Final = Table(
    "ledger_erased",
    metadata,
    Column("position", Big, primary_key=True, autoincrement=False),
    Column("entry", Digest, nullable=False),
    Column("erased_us", BigInteger, nullable=False),
)
"""What is left of leaves whose content and salt were forgotten: the entry, which says nothing."""

ledger_cosignature: Final = Table(
    "ledger_cosignature",
    metadata,
    Column("witness", Text, primary_key=True),
    Column("size", BigInteger, primary_key=True, autoincrement=False),
    Column("line", Text, nullable=False),
    Column("time_s", BigInteger, nullable=False),
)
"""Which witness cosigned which of our checkpoints, and when it says that it did; ``witness`` is its vkey."""
Index("ix_ledger_cosignature_size", ledger_cosignature.c.size)

ledger_witnessed: Final = Table(
    "ledger_witnessed",
    metadata,
    Column("origin", Text, primary_key=True),
    Column("size", BigInteger, nullable=False),
    Column("root", Digest, nullable=False),
    Column("note", LargeBinary, nullable=False),
    Column("cosigned_us", BigInteger, nullable=False),
    Column("fork", BigInteger),
)
"""As a witness of others' logs: the last checkpoint of each that was cosigned here.

``fork`` is the leaf that proves that the log contradicted itself; NULL where it never did.
"""

ledger_epoch: Final = Table(
    "ledger_epoch",
    metadata,
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("begun_us", BigInteger, nullable=False),
    Column("why", Text, nullable=False),
    Column("witnessed", LargeBinary, nullable=False),
)
"""Each time that the log had to go on under another origin: after a restore, why, and what a witness held."""

# --------------------------------------------------------------------------------------------- HOTLINE

pact_edition: Final = Table(
    "pact_edition",
    metadata,
    Column("digest", Text, primary_key=True),
    Column("name", Text, nullable=False),
    Column("version", Integer, nullable=False),
    Column("text", LargeBinary, nullable=False),
    Column("signatures", LargeBinary, nullable=False),
    Column("mark", Text, nullable=False),
    Column("begun_us", BigInteger, nullable=False),
    Column("leaf", BigInteger, nullable=False),
)
"""Every text of a pact that this node has run under, and since when; none is ever removed.

A thread is read under the pact under which it was opened. ``signatures`` is its file of signatures, empty for
a draft; ``mark`` what a draft is marked with. The version and the digest are what keeps an older text out.
"""

hotline_message: Final = Table(
    "hotline_message",
    metadata,
    Column("id", Digest, primary_key=True),
    Column("thread", Digest, nullable=False),
    Column("re", Digest),
    Column("kind", Text, nullable=False),
    Column("sender", Text, nullable=False),
    Column("recipient", Text, nullable=False),
    Column("serial", BigInteger, nullable=False),
    Column("pact", Text, nullable=False),
    Column("said_us", BigInteger, nullable=False),
    Column("envelope", Text, nullable=False),
    Column("way", Text, nullable=False),
    Column("carrier", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("why", Text, nullable=False),
    Column("by", Text, nullable=False),
    Column("tries", Integer, nullable=False),
    Column("arrived_us", BigInteger, nullable=False),
    Column("ended_us", BigInteger),
    Column("leaf", BigInteger, nullable=False),
    CheckConstraint("way IN ('in', 'out')", name="way"),
    CheckConstraint(
        "(way = 'out' AND state IN ('waiting', 'delivered', 'refused'))"
        " OR (way = 'in' AND state IN ('waiting', 'taken', 'refused'))",
        name="state",
    ),
    CheckConstraint("(state = 'waiting') = (ended_us IS NULL)", name="ended"),
)
"""Every message of the hotline, as it was signed: ours (``out``) and others' (``in``).

``out``: ``waiting`` until the recipient's node has answered for it: ``delivered`` or ``refused``, and why.
``in``: ``taken`` into its thread, ``refused`` by a rule, and kept, or ``waiting`` for what it answers. ``by``
is the account of the person who said it, empty for the machine; ``arrived_us`` when it was written here.
"""
Index("ix_hotline_message_thread", hotline_message.c.thread)
Index("ix_hotline_message_re", hotline_message.c.re)
Index(
    "ix_hotline_message_number",
    hotline_message.c.sender,
    hotline_message.c.recipient,
    hotline_message.c.serial,
)
Index(
    "ix_hotline_message_waiting",
    hotline_message.c.recipient,
    hotline_message.c.serial,
    sqlite_where=text("state = 'waiting'"),
    postgresql_where=text("state = 'waiting'"),
)
Index("ix_hotline_message_arrived", hotline_message.c.arrived_us)

hotline_line: Final = Table(
    "hotline_line",
    metadata,
    Column("sender", Text, primary_key=True),
    Column("recipient", Text, primary_key=True),
    Column("serial", BigInteger, nullable=False),
    Column("whole", BigInteger, nullable=False),
)
"""How far the numbers of a sender to a recipient have come: the highest, and up to where none is missing."""

hotline_thread: Final = Table(
    "hotline_thread",
    metadata,
    Column("id", Digest, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("opener", Text, nullable=False),
    Column("other", Text, nullable=False),
    Column("opened_us", BigInteger, nullable=False),
    Column("changed_us", BigInteger, nullable=False),
    Column("ended", Boolean, nullable=False),
    Column("due_us", BigInteger),
)
"""A thread as lists need it; its messages say everything. ``due_us``: the earliest instant at which something
of it is due or somebody is to be called; NULL where nothing is."""
Index("ix_hotline_thread_due", hotline_thread.c.due_us)
Index("ix_hotline_thread_changed", hotline_thread.c.changed_us)

hotline_clock: Final = Table(
    "hotline_clock",
    metadata,
    Column("message", Digest, primary_key=True),
    Column("party", Text, nullable=False),
    Column("offset_us", BigInteger, nullable=False),
    Column("bound_us", BigInteger, nullable=False),
    Column("at_us", BigInteger, nullable=False),
)
"""How far a party's clock was ahead of ours, from a message of ours and its receipt."""
Index("ix_hotline_clock_party", hotline_clock.c.party, hotline_clock.c.at_us)

hotline_call: Final = Table(
    "hotline_call",
    metadata,
    Column("message", Digest, primary_key=True),
    Column("timer", Text, primary_key=True),
    Column("owed_by", Text, primary_key=True),
    Column("step", Integer, primary_key=True, autoincrement=False),
    Column("contact", Text, nullable=False),
    Column("at_us", BigInteger, nullable=False),
    Column("outcome", Text, nullable=False),
)
"""Whom this node had called for what is late: ``step`` is the contact's place among the party's in the pact,
-1 where nobody was at a post; ``outcome`` is what came of it, empty while it is under way."""

# -------------------------------------------------------------------------------------------- ACCOUNTS

account: Final = Table(
    "account",
    metadata,
    Column("name", Text, primary_key=True),
    Column("role", Text, nullable=False),
    Column("display", Text, nullable=False),
    Column("created_us", BigInteger, nullable=False),
    Column("created_by", Text, nullable=False),
    Column("ended_us", BigInteger),
    Column("leaf", BigInteger, nullable=False),
    CheckConstraint(
        "role IN ('observer', 'watch-keeper', 'duty-officer', 'investigator', 'administrator')", name="role"
    ),
    sqlite_with_rowid=False,
)
"""Who may act for the party, and as what; no row is ever removed, so that no name is given twice.

``leaf`` is the leaf of the ledger that it was last written with; ``created_by`` the account, or the party.
"""

# -------------------------------------------------------------------------------------------- FILINGS

# What this party and others file beside flights. A filing is known by its filer and the serial of its first
# version; versions count from 1. Nothing here is ever removed.

filing: Final = Table(
    "filing",
    metadata,
    Column("filer", Text, primary_key=True),
    Column("serial", BigInteger, primary_key=True, autoincrement=False),
    Column("kind", Text, nullable=False),
    Column("data_mode", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("version", Integer, nullable=False),
    Column("name", Text, nullable=False),
    Column("opens_us", BigInteger, nullable=False),
    Column("closes_us", BigInteger, nullable=False),
    Column("reconfirm_us", BigInteger),
    Column("written_us", BigInteger, nullable=False),
    CheckConstraint("kind IN ('movement', 'site', 'activity', 'zone')", name="kind"),
    CheckConstraint("state IN ('filed', 'amended', 'active', 'ended', 'cancelled', 'expired')", name="state"),
)
"""Each filing as its newest version has it: its window from ``opens_us`` to ``closes_us``, with tolerance.

Of one of which only a notice came, ``name`` is empty and the window is the notice's.
"""
Index("ix_filing_state_closes", filing.c.state, filing.c.closes_us)

filing_version: Final = Table(
    "filing_version",
    metadata,
    Column("filer", Text, primary_key=True),
    Column("serial", BigInteger, primary_key=True, autoincrement=False),
    Column("version", Integer, primary_key=True, autoincrement=False),
    Column("number", BigInteger),
    Column("sha256", Digest, nullable=False),
    Column("content", LargeBinary),
    Column("readable", Boolean, nullable=False),
    Column("fault", Text, nullable=False),
    Column("by", Text, nullable=False),
    Column("written_us", BigInteger, nullable=False),
    Column("notice", LargeBinary),
    Column("message", Digest),
    Column("south", Double),
    Column("north", Double),
    Column("west", Double),
    Column("east", Double),
    Column("leaf", BigInteger),
)
"""Every version, with its bytes as they were filed; NULL where only the notice of it came.

``number`` is its own serial, one filing's for ever; ``by`` the account that filed it, empty for another
party's; ``notice`` and ``message`` are what was heard of it, for another party's. The box is that of what it
claims. ``fault`` says why bytes that came are not readable, or in what they are not what was notified.
"""
Index("uq_filing_version_number", filing_version.c.filer, filing_version.c.number, unique=True)
Index("ix_filing_version_sha256", filing_version.c.sha256)
Index("ix_filing_version_message", filing_version.c.message)

filing_check: Final = Table(
    "filing_check",
    metadata,
    Column("filer", Text, primary_key=True),
    Column("serial", BigInteger, primary_key=True, autoincrement=False),
    Column("version", Integer, primary_key=True, autoincrement=False),
    Column("checked_us", BigInteger, primary_key=True, autoincrement=False),
    Column("found", Integer, nullable=False),
    Column("findings", LargeBinary, nullable=False),
    Column("leaf", BigInteger, nullable=False),
)
"""What the check of a version found, each time that it was checked; JSON."""

filing_move: Final = Table(
    "filing_move",
    metadata,
    Column("filer", Text, primary_key=True),
    Column("serial", BigInteger, primary_key=True, autoincrement=False),
    Column("step", Integer, primary_key=True, autoincrement=False),
    Column("move", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("version", Integer, nullable=False),
    Column("by", Text, nullable=False),
    Column("moved_us", BigInteger, nullable=False),
    Column("leaf", BigInteger, nullable=False),
    CheckConstraint("move IN ('file', 'amend', 'begin', 'end', 'cancel', 'expire')", name="move"),
)
"""What moved a filing, where to, and who did it; ``by`` is empty where the clock did, or another party."""

filing_told: Final = Table(
    "filing_told",
    metadata,
    Column("filer", Text, primary_key=True),
    Column("serial", BigInteger, primary_key=True, autoincrement=False),
    Column("party", Text, primary_key=True),
    Column("version", Integer, nullable=False),
    Column("message", Digest, nullable=False),
    Column("over", Boolean, nullable=False),
)
"""Which version of ours each party was told last, by which message; ``over``: it was told that it is off."""

filing_wanted: Final = Table(
    "filing_wanted",
    metadata,
    Column("filer", Text, primary_key=True),
    Column("serial", BigInteger, primary_key=True, autoincrement=False),
    Column("version", Integer, primary_key=True, autoincrement=False),
    Column("sha256", Digest, nullable=False),
    Column("carrier", Text, nullable=False),
    Column("tries", Integer, nullable=False),
    Column("due_us", BigInteger, nullable=False),
    Column("why", Text, nullable=False),
)
"""Bytes of others' filings that are still to be fetched; ``why`` the last try brought nothing."""
Index("ix_filing_wanted_due", filing_wanted.c.due_us)

filing_draft: Final = Table(
    "filing_draft",
    metadata,
    Column("id", Id, primary_key=True),
    Column("content", LargeBinary, nullable=False),
    Column("by", Text, nullable=False),
    Column("written_us", BigInteger, nullable=False),
)
"""What somebody began to write and nobody was told of: without a serial, thrown away when it is filed."""

# ------------------------------------------------------------------------------------------ INCIDENTS

# Incidents as this party keeps them. A line is kept as it was written or came, and none is ever changed or
# removed; what signs a line lies beside it.

incident: Final = Table(
    "incident",
    metadata,
    Column("name", Text, primary_key=True),
    Column("title", Text, nullable=False),
    Column("status", Text, nullable=False),
    Column("entries", Integer, nullable=False),
    Column("head", Digest, nullable=False),
    Column("opened_us", BigInteger, nullable=False),
    Column("changed_us", BigInteger, nullable=False),
)
"""Each incident as its last line leaves it; ``head`` is that line's digest, which names all of them."""
Index("ix_incident_changed", incident.c.changed_us)

incident_entry: Final = Table(
    "incident_entry",
    metadata,
    Column("incident", Text, primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("line", LargeBinary, nullable=False),
    Column("way", Text, nullable=False),
    Column("account", Text, nullable=False),
    Column("written_us", BigInteger, nullable=False),
    Column("leaf", BigInteger, nullable=False),
    CheckConstraint("way IN ('written', 'taken')", name="way"),
)
"""Every line: ``written`` here by that account, or ``taken`` by it from another's file; when; its leaf."""

incident_signature: Final = Table(
    "incident_signature",
    metadata,
    Column("incident", Text, primary_key=True),
    Column("digest", Digest, primary_key=True),
    Column("number", Integer, nullable=False),
    Column("party", Text, nullable=False),
    Column("text", Text, nullable=False),
    Column("leaf", BigInteger, nullable=False),
)
"""What signs a line, as it was made or came, under its SHA-256; a detached JWS."""

incident_copy: Final = Table(
    "incident_copy",
    metadata,
    Column("incident", Text, primary_key=True),
    Column("head", Digest, primary_key=True),
    Column("entries", Integer, nullable=False),
    Column("parted", Integer, nullable=False),
    Column("data", LargeBinary, nullable=False),
    Column("signatures", LargeBinary, nullable=False),
    Column("account", Text, nullable=False),
    Column("arrived_us", BigInteger, nullable=False),
    Column("leaf", BigInteger, nullable=False),
)
"""Another's file of an incident that went on otherwise than ours, from the line ``parted`` on: kept whole."""
