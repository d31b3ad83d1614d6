"""The first tables."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """From nothing to 0001."""
    op.create_table(
        "dss_availability",
        sa.Column("party", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("version", sa.Text(), nullable=False),
        sa.Column("arbiter", sa.Text(), nullable=False),
        sa.Column("written_us", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("state IN ('Unknown', 'Normal', 'Down')", name=op.f("ck_dss_availability_state")),
        sa.PrimaryKeyConstraint("party", name=op.f("pk_dss_availability")),
    )
    op.create_table(
        "dss_created",
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("id", sa.LargeBinary(length=16), nullable=False),
        sa.Column("request", sa.LargeBinary(length=32), nullable=False),
        sa.Column("told", sa.LargeBinary(), nullable=False),
        sa.Column("told_index", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("kind", "id", name=op.f("pk_dss_created")),
    )
    op.create_table(
        "dss_entity",
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("id", sa.LargeBinary(length=16), nullable=False),
        sa.Column("party", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("ovn", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=True),
        sa.Column("base_url", sa.Text(), nullable=False),
        sa.Column("start_us", sa.BigInteger(), nullable=False),
        sa.Column("end_us", sa.BigInteger(), nullable=False),
        sa.Column("shape", sa.LargeBinary(length=32), nullable=False),
        sa.Column("subscription", sa.LargeBinary(length=16), nullable=True),
        sa.Column("for_intents", sa.Boolean(), nullable=False),
        sa.Column("for_constraints", sa.Boolean(), nullable=False),
        sa.Column("implicit", sa.Boolean(), nullable=False),
        sa.Column("written_us", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("(kind = 'intent') = (state IS NOT NULL)", name=op.f("ck_dss_entity_state")),
        sa.CheckConstraint(
            "kind IN ('intent', 'constraint', 'subscription')", name=op.f("ck_dss_entity_kind")
        ),
        sa.CheckConstraint("start_us < end_us", name=op.f("ck_dss_entity_window")),
        sa.PrimaryKeyConstraint("kind", "id", name=op.f("pk_dss_entity")),
    )
    op.create_index("ix_dss_entity_end", "dss_entity", ["end_us"], unique=False)
    op.create_index(
        "ix_dss_entity_own",
        "dss_entity",
        ["party", "end_us"],
        unique=False,
        sqlite_where=sa.text("kind = 'subscription' AND NOT implicit"),
        postgresql_where=sa.text("kind = 'subscription' AND NOT implicit"),
    )
    op.create_index("ix_dss_entity_seq", "dss_entity", ["seq"], unique=False)
    op.create_index("ix_dss_entity_shape", "dss_entity", ["shape"], unique=False)
    op.create_index("ix_dss_entity_subscription", "dss_entity", ["subscription"], unique=False)
    op.create_table(
        "dss_report",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("party", sa.Text(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.Column("written_us", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_dss_report")),
    )
    op.create_index("ix_dss_report_written", "dss_report", ["written_us"], unique=False)
    op.create_table(
        "dss_shape",
        sa.Column("digest", sa.LargeBinary(length=32), nullable=False),
        sa.Column("extents", sa.LargeBinary(), nullable=False),
        sa.Column("parts", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_dss_shape")),
    )
    op.create_table(
        "dss_version",
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("id", sa.LargeBinary(length=16), nullable=False),
        sa.Column(
            "seq", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=False, nullable=False
        ),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("act", sa.Text(), nullable=False),
        sa.Column("party", sa.Text(), nullable=False),
        sa.Column("ovn", sa.Text(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.Column("written_us", sa.BigInteger(), nullable=False),
        sa.CheckConstraint(
            "act IN ('create', 'update', 'delete', 'expire')", name=op.f("ck_dss_version_act")
        ),
        sa.PrimaryKeyConstraint("kind", "id", "seq", name=op.f("pk_dss_version")),
    )
    op.create_index(
        "ix_dss_version_gone",
        "dss_version",
        ["seq"],
        unique=False,
        sqlite_where=sa.text("act IN ('delete', 'expire')"),
        postgresql_where=sa.text("act IN ('delete', 'expire')"),
    )
    op.create_index("ix_dss_version_written", "dss_version", ["written_us"], unique=False)
    op.create_table(
        "lane",
        sa.Column("lane", sa.Text(), nullable=False),
        sa.Column("due_us", sa.BigInteger(), nullable=False),
        sa.Column("leased_us", sa.BigInteger(), nullable=False),
        sa.Column("holder", sa.LargeBinary(length=16), nullable=True),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("lane", name=op.f("pk_lane")),
    )
    op.create_index("ix_lane_due", "lane", ["due_us"], unique=False)
    op.create_table(
        "leaf",
        sa.Column(
            "position",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            autoincrement=False,
            nullable=False,
        ),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("ref", sa.Text(), nullable=False),
        sa.Column("salt", sa.LargeBinary(length=32), nullable=True),
        sa.Column("content", sa.LargeBinary(), nullable=True),
        sa.Column("hash", sa.LargeBinary(length=32), nullable=False),
        sa.CheckConstraint("(salt IS NULL) = (content IS NULL)", name=op.f("ck_leaf_whole")),
        sa.PrimaryKeyConstraint("position", name=op.f("pk_leaf")),
    )
    op.create_table(
        "node_attempt",
        sa.Column("flight", sa.LargeBinary(length=16), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("act", sa.Text(), nullable=False),
        sa.Column("filing", sa.LargeBinary(), nullable=False),
        sa.Column("attempt", sa.LargeBinary(), nullable=False),
        sa.Column("holder", sa.LargeBinary(length=16), nullable=False),
        sa.Column("leased_us", sa.BigInteger(), nullable=False),
        sa.Column("begun_us", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("flight", name=op.f("pk_node_attempt")),
    )
    op.create_index("ix_node_attempt_leased", "node_attempt", ["leased_us"], unique=False)
    op.create_index(
        "uq_node_attempt_name",
        "node_attempt",
        ["name"],
        unique=True,
        sqlite_where=sa.text("name <> ''"),
        postgresql_where=sa.text("name <> ''"),
    )
    op.create_table(
        "node_constraint",
        sa.Column("id", sa.LargeBinary(length=16), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("provider", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("filed", sa.Integer(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("ovn", sa.Text(), nullable=False),
        sa.Column("reference", sa.LargeBinary(), nullable=False),
        sa.Column("details", sa.LargeBinary(), nullable=False),
        sa.Column("subscribers", sa.LargeBinary(), nullable=False),
        sa.Column("start_us", sa.BigInteger(), nullable=False),
        sa.Column("end_us", sa.BigInteger(), nullable=False),
        sa.Column("written_us", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("state IN ('Valid', 'Ended')", name=op.f("ck_node_constraint_state")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_node_constraint")),
    )
    op.create_index("ix_node_constraint_end", "node_constraint", ["end_us"], unique=False)
    op.create_table(
        "node_constraint_attempt",
        sa.Column("constraint", sa.LargeBinary(length=16), nullable=False),
        sa.Column("act", sa.Text(), nullable=False),
        sa.Column("filing", sa.LargeBinary(), nullable=False),
        sa.Column("base_ovn", sa.Text(), nullable=False),
        sa.Column("holder", sa.LargeBinary(length=16), nullable=False),
        sa.Column("leased_us", sa.BigInteger(), nullable=False),
        sa.Column("begun_us", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("constraint", name=op.f("pk_node_constraint_attempt")),
    )
    op.create_table(
        "node_constraint_version",
        sa.Column("constraint", sa.LargeBinary(length=16), nullable=False),
        sa.Column("filed", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("act", sa.Text(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.Column("leaf", sa.BigInteger(), nullable=False),
        sa.Column("written_us", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("constraint", "filed", name=op.f("pk_node_constraint_version")),
    )
    op.create_index(
        "ix_node_constraint_version_written", "node_constraint_version", ["written_us"], unique=False
    )
    op.create_table(
        "node_flight",
        sa.Column("id", sa.LargeBinary(length=16), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("operator", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("filed", sa.Integer(), nullable=False),
        sa.Column("priority", sa.Integer(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("ovn", sa.Text(), nullable=False),
        sa.Column("reference", sa.LargeBinary(), nullable=False),
        sa.Column("details", sa.LargeBinary(), nullable=False),
        sa.Column("subscribers", sa.LargeBinary(), nullable=False),
        sa.Column("start_us", sa.BigInteger(), nullable=False),
        sa.Column("end_us", sa.BigInteger(), nullable=False),
        sa.Column("south", sa.Double(), nullable=False),
        sa.Column("north", sa.Double(), nullable=False),
        sa.Column("west", sa.Double(), nullable=False),
        sa.Column("east", sa.Double(), nullable=False),
        sa.Column("written_us", sa.BigInteger(), nullable=False),
        sa.CheckConstraint(
            "state IN ('Accepted', 'Activated', 'Nonconforming', 'Contingent', 'Ended')",
            name=op.f("ck_node_flight_state"),
        ),
        sa.CheckConstraint("start_us < end_us", name=op.f("ck_node_flight_window")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_node_flight")),
    )
    op.create_index("ix_node_flight_name", "node_flight", ["name"], unique=False)
    op.create_index("ix_node_flight_state_end", "node_flight", ["state", "end_us"], unique=False)
    op.create_index(
        "uq_node_flight_name",
        "node_flight",
        ["name"],
        unique=True,
        sqlite_where=sa.text("name <> '' AND state <> 'Ended'"),
        postgresql_where=sa.text("name <> '' AND state <> 'Ended'"),
    )
    op.create_table(
        "node_flown",
        sa.Column("operator", sa.Text(), nullable=False),
        sa.Column("day", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("inside_us", sa.BigInteger(), nullable=False),
        sa.Column("outside_us", sa.BigInteger(), nullable=False),
        sa.Column("told", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("operator", "day", name=op.f("pk_node_flown")),
    )
    op.create_table(
        "node_known",
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("id", sa.LargeBinary(length=16), nullable=False),
        sa.Column("manager", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("ovn", sa.Text(), nullable=False),
        sa.Column("digest", sa.LargeBinary(length=32), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=True),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("start_us", sa.BigInteger(), nullable=False),
        sa.Column("end_us", sa.BigInteger(), nullable=False),
        sa.Column("heard_us", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("kind IN ('intent', 'constraint')", name=op.f("ck_node_known_kind")),
        sa.CheckConstraint("source IN ('told', 'asked')", name=op.f("ck_node_known_source")),
        sa.PrimaryKeyConstraint("kind", "id", "manager", name=op.f("pk_node_known")),
    )
    op.create_index("ix_node_known_end", "node_known", ["end_us"], unique=False)
    op.create_index("ix_node_known_heard", "node_known", ["heard_us"], unique=False)
    op.create_table(
        "node_log",
        sa.Column(
            "id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=False, nullable=False
        ),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("ref", sa.Text(), nullable=False),
        sa.Column("at_us", sa.BigInteger(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.CheckConstraint("kind IN ('message', 'input', 'planning')", name=op.f("ck_node_log_kind")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_node_log")),
    )
    op.create_index("ix_node_log_at", "node_log", ["kind", "at_us"], unique=False)
    op.create_index("ix_node_log_ref", "node_log", ["ref"], unique=False)
    op.create_table(
        "node_notice",
        sa.Column(
            "at_us", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=False, nullable=False
        ),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("flight", sa.LargeBinary(length=16), nullable=False),
        sa.Column("operator", sa.Text(), nullable=False),
        sa.Column("conflicts", sa.Integer(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.Column("caused_us", sa.BigInteger(), nullable=False),
        sa.Column("leaf", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("at_us", name=op.f("pk_node_notice")),
    )
    op.create_index("ix_node_notice_flight", "node_notice", ["flight"], unique=False)
    op.create_table(
        "node_position",
        sa.Column("flight", sa.LargeBinary(length=16), nullable=False),
        sa.Column("measured_us", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("received_us", sa.BigInteger(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("flight", "measured_us", name=op.f("pk_node_position")),
    )
    op.create_table(
        "node_report",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("way", sa.Text(), nullable=False),
        sa.Column("party", sa.Text(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.Column("written_us", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("way IN ('received', 'made')", name=op.f("ck_node_report_way")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_node_report")),
    )
    op.create_index("ix_node_report_written", "node_report", ["written_us"], unique=False)
    op.create_table(
        "node_seen",
        sa.Column(
            "notice",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            autoincrement=False,
            nullable=False,
        ),
        sa.Column("by", sa.Text(), nullable=False),
        sa.Column("seen_us", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("notice", name=op.f("pk_node_seen")),
    )
    op.create_table(
        "node_version",
        sa.Column("flight", sa.LargeBinary(length=16), nullable=False),
        sa.Column("filed", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("act", sa.Text(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.Column("leaf", sa.BigInteger(), nullable=False),
        sa.Column("written_us", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("flight", "filed", name=op.f("pk_node_version")),
    )
    op.create_index("ix_node_version_written", "node_version", ["written_us"], unique=False)
    op.create_table(
        "node_watch",
        sa.Column("flight", sa.LargeBinary(length=16), nullable=False),
        sa.Column("standing", sa.Text(), nullable=False),
        sa.Column("outside_us", sa.BigInteger(), nullable=False),
        sa.Column("inside_us", sa.BigInteger(), nullable=False),
        sa.Column("declared_us", sa.BigInteger(), nullable=False),
        sa.Column("seen_us", sa.BigInteger(), nullable=False),
        sa.Column("heard_us", sa.BigInteger(), nullable=False),
        sa.Column("ours", sa.Boolean(), nullable=False),
        sa.Column("lost", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("flight", name=op.f("pk_node_watch")),
    )
    op.create_table(
        "outbox",
        sa.Column(
            "id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=False, nullable=False
        ),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("lane", sa.Text(), nullable=False),
        sa.Column("party", sa.Text(), nullable=False),
        sa.Column("topic", sa.Text(), nullable=False),
        sa.Column("ref", sa.Text(), nullable=False),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("method", sa.Text(), nullable=False),
        sa.Column("scope", sa.Text(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=True),
        sa.Column("made_us", sa.BigInteger(), nullable=False),
        sa.Column("not_after_us", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("ended_us", sa.BigInteger(), nullable=True),
        sa.CheckConstraint("(state = 'waiting') = (ended_us IS NULL)", name=op.f("ck_outbox_ended")),
        sa.CheckConstraint(
            "state IN ('waiting', 'delivered', 'refused', 'expired', 'withdrawn')",
            name=op.f("ck_outbox_state"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_outbox")),
    )
    op.create_index("ix_outbox_ended", "outbox", ["ended_us"], unique=False)
    op.create_index("ix_outbox_reach", "outbox", ["party", "lane", "state"], unique=False)
    op.create_index(
        "ix_outbox_ref",
        "outbox",
        ["ref"],
        unique=False,
        sqlite_where=sa.text("state = 'waiting'"),
        postgresql_where=sa.text("state = 'waiting'"),
    )
    op.create_table(
        "region",
        sa.Column("one", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("id", sa.LargeBinary(length=16), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("leaves", sa.BigInteger(), nullable=False),
        sa.Column("messages", sa.BigInteger(), nullable=False),
        sa.Column("notifications", sa.BigInteger(), nullable=False),
        sa.Column("forgotten", sa.BigInteger(), nullable=False),
        sa.Column("stamp", sa.LargeBinary(length=16), nullable=False),
        sa.CheckConstraint("one = 1", name=op.f("ck_region_one")),
        sa.PrimaryKeyConstraint("one", name=op.f("pk_region")),
    )
    op.create_table(
        "attempt",
        sa.Column("message", sa.BigInteger(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("at_us", sa.BigInteger(), nullable=False),
        sa.Column("took_us", sa.BigInteger(), nullable=False),
        sa.Column("status", sa.Integer(), nullable=True),
        sa.Column("fault", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["message"], ["outbox.id"], name=op.f("fk_attempt_message"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("message", "number", name=op.f("pk_attempt")),
    )
    op.create_table(
        "waiting",
        sa.Column("lane", sa.Text(), nullable=False),
        sa.Column("message", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.ForeignKeyConstraint(["message"], ["outbox.id"], name=op.f("fk_waiting_message")),
        sa.PrimaryKeyConstraint("lane", "message", name=op.f("pk_waiting")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "ledger_subtree",
        sa.Column("level", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("number", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("hash", sa.LargeBinary(length=32), nullable=False),
        sa.PrimaryKeyConstraint("level", "number", name=op.f("pk_ledger_subtree")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "ledger_checkpoint",
        sa.Column(
            "size",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            autoincrement=False,
            nullable=False,
        ),
        sa.Column("origin", sa.Text(), nullable=False),
        sa.Column("root", sa.LargeBinary(length=32), nullable=False),
        sa.Column("made_us", sa.BigInteger(), nullable=False),
        sa.Column("note", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("size", name=op.f("pk_ledger_checkpoint")),
    )
    op.create_index("ix_ledger_checkpoint_made_us", "ledger_checkpoint", ["made_us"], unique=False)
    op.create_table(
        "ledger_erased",
        sa.Column(
            "position",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            autoincrement=False,
            nullable=False,
        ),
        sa.Column("entry", sa.LargeBinary(length=32), nullable=False),
        sa.Column("erased_us", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("position", name=op.f("pk_ledger_erased")),
    )
    op.create_table(
        "ledger_cosignature",
        sa.Column("witness", sa.Text(), nullable=False),
        sa.Column("size", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("line", sa.Text(), nullable=False),
        sa.Column("time_s", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("witness", "size", name=op.f("pk_ledger_cosignature")),
    )
    op.create_index("ix_ledger_cosignature_size", "ledger_cosignature", ["size"], unique=False)
    op.create_table(
        "ledger_witnessed",
        sa.Column("origin", sa.Text(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("root", sa.LargeBinary(length=32), nullable=False),
        sa.Column("note", sa.LargeBinary(), nullable=False),
        sa.Column("cosigned_us", sa.BigInteger(), nullable=False),
        sa.Column("fork", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("origin", name=op.f("pk_ledger_witnessed")),
    )
    op.create_table(
        "ledger_epoch",
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("begun_us", sa.BigInteger(), nullable=False),
        sa.Column("why", sa.Text(), nullable=False),
        sa.Column("witnessed", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_ledger_epoch")),
    )
    op.create_table(
        "hotline_call",
        sa.Column("message", sa.LargeBinary(length=32), nullable=False),
        sa.Column("timer", sa.Text(), nullable=False),
        sa.Column("owed_by", sa.Text(), nullable=False),
        sa.Column("step", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("contact", sa.Text(), nullable=False),
        sa.Column("at_us", sa.BigInteger(), nullable=False),
        sa.Column("outcome", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("message", "timer", "owed_by", "step", name=op.f("pk_hotline_call")),
    )
    op.create_table(
        "hotline_clock",
        sa.Column("message", sa.LargeBinary(length=32), nullable=False),
        sa.Column("party", sa.Text(), nullable=False),
        sa.Column("offset_us", sa.BigInteger(), nullable=False),
        sa.Column("bound_us", sa.BigInteger(), nullable=False),
        sa.Column("at_us", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("message", name=op.f("pk_hotline_clock")),
    )
    op.create_index("ix_hotline_clock_party", "hotline_clock", ["party", "at_us"], unique=False)
    op.create_table(
        "hotline_line",
        sa.Column("sender", sa.Text(), nullable=False),
        sa.Column("recipient", sa.Text(), nullable=False),
        sa.Column("serial", sa.BigInteger(), nullable=False),
        sa.Column("whole", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("sender", "recipient", name=op.f("pk_hotline_line")),
    )
    op.create_table(
        "hotline_message",
        sa.Column("id", sa.LargeBinary(length=32), nullable=False),
        sa.Column("thread", sa.LargeBinary(length=32), nullable=False),
        sa.Column("re", sa.LargeBinary(length=32), nullable=True),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("sender", sa.Text(), nullable=False),
        sa.Column("recipient", sa.Text(), nullable=False),
        sa.Column("serial", sa.BigInteger(), nullable=False),
        sa.Column("pact", sa.Text(), nullable=False),
        sa.Column("said_us", sa.BigInteger(), nullable=False),
        sa.Column("envelope", sa.Text(), nullable=False),
        sa.Column("way", sa.Text(), nullable=False),
        sa.Column("carrier", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("why", sa.Text(), nullable=False),
        sa.Column("by", sa.Text(), nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("arrived_us", sa.BigInteger(), nullable=False),
        sa.Column("ended_us", sa.BigInteger(), nullable=True),
        sa.Column("leaf", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("(state = 'waiting') = (ended_us IS NULL)", name=op.f("ck_hotline_message_ended")),
        sa.CheckConstraint(
            "(way = 'out' AND state IN ('waiting', 'delivered', 'refused'))"
            " OR (way = 'in' AND state IN ('waiting', 'taken', 'refused'))",
            name=op.f("ck_hotline_message_state"),
        ),
        sa.CheckConstraint("way IN ('in', 'out')", name=op.f("ck_hotline_message_way")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_hotline_message")),
    )
    op.create_index("ix_hotline_message_arrived", "hotline_message", ["arrived_us"], unique=False)
    op.create_index(
        "ix_hotline_message_number", "hotline_message", ["sender", "recipient", "serial"], unique=False
    )
    op.create_index("ix_hotline_message_re", "hotline_message", ["re"], unique=False)
    op.create_index("ix_hotline_message_thread", "hotline_message", ["thread"], unique=False)
    op.create_index(
        "ix_hotline_message_waiting",
        "hotline_message",
        ["recipient", "serial"],
        unique=False,
        sqlite_where=sa.text("state = 'waiting'"),
        postgresql_where=sa.text("state = 'waiting'"),
    )
    op.create_table(
        "hotline_thread",
        sa.Column("id", sa.LargeBinary(length=32), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("opener", sa.Text(), nullable=False),
        sa.Column("other", sa.Text(), nullable=False),
        sa.Column("opened_us", sa.BigInteger(), nullable=False),
        sa.Column("changed_us", sa.BigInteger(), nullable=False),
        sa.Column("ended", sa.Boolean(), nullable=False),
        sa.Column("due_us", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_hotline_thread")),
    )
    op.create_index("ix_hotline_thread_changed", "hotline_thread", ["changed_us"], unique=False)
    op.create_index("ix_hotline_thread_due", "hotline_thread", ["due_us"], unique=False)
    op.create_table(
        "pact_edition",
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("text", sa.LargeBinary(), nullable=False),
        sa.Column("signatures", sa.LargeBinary(), nullable=False),
        sa.Column("mark", sa.Text(), nullable=False),
        sa.Column("begun_us", sa.BigInteger(), nullable=False),
        sa.Column("leaf", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_pact_edition")),
    )
    op.create_table(
        "account",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("display", sa.Text(), nullable=False),
        sa.Column("created_us", sa.BigInteger(), nullable=False),
        sa.Column("created_by", sa.Text(), nullable=False),
        sa.Column("ended_us", sa.BigInteger(), nullable=True),
        sa.Column("leaf", sa.BigInteger(), nullable=False),
        sa.CheckConstraint(
            "role IN ('observer', 'watch-keeper', 'duty-officer', 'investigator', 'administrator')",
            name=op.f("ck_account_role"),
        ),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_account")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "filing",
        sa.Column("filer", sa.Text(), nullable=False),
        sa.Column("serial", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("data_mode", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("opens_us", sa.BigInteger(), nullable=False),
        sa.Column("closes_us", sa.BigInteger(), nullable=False),
        sa.Column("reconfirm_us", sa.BigInteger(), nullable=True),
        sa.Column("written_us", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("kind IN ('movement', 'site', 'activity', 'zone')", name=op.f("ck_filing_kind")),
        sa.CheckConstraint(
            "state IN ('filed', 'amended', 'active', 'ended', 'cancelled', 'expired')",
            name=op.f("ck_filing_state"),
        ),
        sa.PrimaryKeyConstraint("filer", "serial", name=op.f("pk_filing")),
    )
    op.create_index("ix_filing_state_closes", "filing", ["state", "closes_us"], unique=False)
    op.create_table(
        "filing_check",
        sa.Column("filer", sa.Text(), nullable=False),
        sa.Column("serial", sa.BigInteger(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("checked_us", sa.BigInteger(), nullable=False),
        sa.Column("found", sa.Integer(), nullable=False),
        sa.Column("findings", sa.LargeBinary(), nullable=False),
        sa.Column("leaf", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("filer", "serial", "version", "checked_us", name=op.f("pk_filing_check")),
    )
    op.create_table(
        "filing_draft",
        sa.Column("id", sa.LargeBinary(length=16), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.Column("by", sa.Text(), nullable=False),
        sa.Column("written_us", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_filing_draft")),
    )
    op.create_table(
        "filing_move",
        sa.Column("filer", sa.Text(), nullable=False),
        sa.Column("serial", sa.BigInteger(), nullable=False),
        sa.Column("step", sa.Integer(), nullable=False),
        sa.Column("move", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("by", sa.Text(), nullable=False),
        sa.Column("moved_us", sa.BigInteger(), nullable=False),
        sa.Column("leaf", sa.BigInteger(), nullable=False),
        sa.CheckConstraint(
            "move IN ('file', 'amend', 'begin', 'end', 'cancel', 'expire')", name=op.f("ck_filing_move_move")
        ),
        sa.PrimaryKeyConstraint("filer", "serial", "step", name=op.f("pk_filing_move")),
    )
    op.create_table(
        "filing_told",
        sa.Column("filer", sa.Text(), nullable=False),
        sa.Column("serial", sa.BigInteger(), nullable=False),
        sa.Column("party", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("message", sa.LargeBinary(length=32), nullable=False),
        sa.Column("over", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("filer", "serial", "party", name=op.f("pk_filing_told")),
    )
    op.create_table(
        "filing_version",
        sa.Column("filer", sa.Text(), nullable=False),
        sa.Column("serial", sa.BigInteger(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=True),
        sa.Column("sha256", sa.LargeBinary(length=32), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=True),
        sa.Column("readable", sa.Boolean(), nullable=False),
        sa.Column("fault", sa.Text(), nullable=False),
        sa.Column("by", sa.Text(), nullable=False),
        sa.Column("written_us", sa.BigInteger(), nullable=False),
        sa.Column("notice", sa.LargeBinary(), nullable=True),
        sa.Column("message", sa.LargeBinary(length=32), nullable=True),
        sa.Column("south", sa.Double(), nullable=True),
        sa.Column("north", sa.Double(), nullable=True),
        sa.Column("west", sa.Double(), nullable=True),
        sa.Column("east", sa.Double(), nullable=True),
        sa.Column("leaf", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("filer", "serial", "version", name=op.f("pk_filing_version")),
    )
    op.create_index("ix_filing_version_message", "filing_version", ["message"], unique=False)
    op.create_index("ix_filing_version_sha256", "filing_version", ["sha256"], unique=False)
    op.create_index("uq_filing_version_number", "filing_version", ["filer", "number"], unique=True)
    op.create_table(
        "filing_wanted",
        sa.Column("filer", sa.Text(), nullable=False),
        sa.Column("serial", sa.BigInteger(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("sha256", sa.LargeBinary(length=32), nullable=False),
        sa.Column("carrier", sa.Text(), nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("due_us", sa.BigInteger(), nullable=False),
        sa.Column("why", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("filer", "serial", "version", name=op.f("pk_filing_wanted")),
    )
    op.create_index("ix_filing_wanted_due", "filing_wanted", ["due_us"], unique=False)
    op.create_table(
        "incident",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("entries", sa.Integer(), nullable=False),
        sa.Column("head", sa.LargeBinary(length=32), nullable=False),
        sa.Column("opened_us", sa.BigInteger(), nullable=False),
        sa.Column("changed_us", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_incident")),
    )
    op.create_index("ix_incident_changed", "incident", ["changed_us"], unique=False)
    op.create_table(
        "incident_copy",
        sa.Column("incident", sa.Text(), nullable=False),
        sa.Column("head", sa.LargeBinary(length=32), nullable=False),
        sa.Column("entries", sa.Integer(), nullable=False),
        sa.Column("parted", sa.Integer(), nullable=False),
        sa.Column("data", sa.LargeBinary(), nullable=False),
        sa.Column("signatures", sa.LargeBinary(), nullable=False),
        sa.Column("account", sa.Text(), nullable=False),
        sa.Column("arrived_us", sa.BigInteger(), nullable=False),
        sa.Column("leaf", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("incident", "head", name=op.f("pk_incident_copy")),
    )
    op.create_table(
        "incident_entry",
        sa.Column("incident", sa.Text(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("line", sa.LargeBinary(), nullable=False),
        sa.Column("way", sa.Text(), nullable=False),
        sa.Column("account", sa.Text(), nullable=False),
        sa.Column("written_us", sa.BigInteger(), nullable=False),
        sa.Column("leaf", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("way IN ('written', 'taken')", name=op.f("ck_incident_entry_way")),
        sa.PrimaryKeyConstraint("incident", "number", name=op.f("pk_incident_entry")),
    )
    op.create_table(
        "incident_signature",
        sa.Column("incident", sa.Text(), nullable=False),
        sa.Column("digest", sa.LargeBinary(length=32), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("party", sa.Text(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("leaf", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("incident", "digest", name=op.f("pk_incident_signature")),
    )
