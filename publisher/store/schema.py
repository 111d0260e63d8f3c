"""The tables, as SQLAlchemy Core sees them; migrations/ is what makes them."""

from datetime import UTC, datetime

from sqlalchemy import (
    JSON,
    Boolean,
    Column,
    DateTime,
    Dialect,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    TypeDecorator,
    UniqueConstraint,
    text,
)


class Instant(TypeDecorator[datetime]):
    """An aware datetime in UTC; SQLite keeps it without the offset."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"{value} has no time zone")
        utc = value.astimezone(UTC)
        return utc.replace(tzinfo=None) if dialect.name == "sqlite" else utc

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)


def _to(target: str) -> ForeignKey:
    return ForeignKey(target, ondelete="CASCADE")


newsroom = Table(
    "newsroom",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("founded_at", Instant, nullable=False),
)

sources = Table(
    "sources",
    metadata,
    Column("name", Text, primary_key=True),
    Column("state", JSON, nullable=False),
    Column("checked_at", Instant, nullable=False),
    Column("changed_at", Instant),
    Column("failures", Integer, nullable=False),
    Column("problems", JSON, nullable=False),
    Column("not_before", Instant),
)

articles = Table(
    "articles",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("source", Text, nullable=False),
    Column("source_id", Text, nullable=False),
    Column("url", Text),
    Column("slug", Text, nullable=False, unique=True),
    Column("tag", Text, nullable=False, unique=True),
    Column("kind", Text, nullable=False),
    Column("headline", Text, nullable=False),
    Column("standfirst", Text, nullable=False),
    Column("teaser", Text, nullable=False),
    Column("body", Text, nullable=False),
    Column("authors", JSON, nullable=False),
    Column("image", JSON),
    Column("tags", JSON, nullable=False),
    Column("language", Text, nullable=False),
    Column("words", Integer, nullable=False),
    Column("words_key", Text),
    Column("status", Text, nullable=False),
    Column("access", Text, nullable=False),
    Column("published", Instant),
    Column("modified", Instant),
    Column("embargo", Instant),
    Column("related", JSON, nullable=False),
    Column("comments", Text, nullable=False),
    Column("origins", JSON, nullable=False),
    Column("first_seen", Instant, nullable=False),
    Column("updated", Instant, nullable=False),
    Column("content_hash", Text, nullable=False),
    Column("replies", Integer),
    Column("shown_at", Instant),
    Index("ix_articles_words_key", "source", "words_key"),
    Index("ix_articles_published", "source", "published"),
    Index("ix_articles_released", "published"),
    Index(
        "ix_articles_embargo",
        "embargo",
        sqlite_where=text("embargo IS NOT NULL"),
        postgresql_where=text("embargo IS NOT NULL"),
    ),
    Index(
        "ix_articles_replies",
        "replies",
        sqlite_where=text("replies IS NOT NULL"),
        postgresql_where=text("replies IS NOT NULL"),
    ),
)

article_origins = Table(
    "article_origins",
    metadata,
    Column("source", Text, primary_key=True),
    Column("source_id", Text, primary_key=True),
    Column("article_id", _to("articles.id"), nullable=False, index=True),
    Column("rule", Text, nullable=False),
    Column("filed_at", Instant, nullable=False),
    Column("gone_at", Instant),
)

article_addresses = Table(
    "article_addresses",
    metadata,
    Column("url_key", Text, primary_key=True),
    Column("article_id", _to("articles.id"), nullable=False, index=True),
)

article_history = Table(
    "article_history",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("article_id", _to("articles.id"), nullable=False, index=True),
    Column("at", Instant, nullable=False),
    Column("source", Text, nullable=False),
    Column("source_id", Text, nullable=False),
    Column("change", Text, nullable=False),
    Column("rule", Text, nullable=False),
    Column("fields", JSON, nullable=False),
    Column("repairs", JSON, nullable=False),
)

article_sections = Table(
    "article_sections",
    metadata,
    Column("article_id", _to("articles.id"), primary_key=True),
    Column("position", Integer, primary_key=True),
    Column("section", Text, nullable=False, index=True),
)

corrections = Table(
    "corrections",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("article_id", _to("articles.id"), nullable=False, index=True),
    Column("at", Instant, nullable=False),
    Column("note", Text, nullable=False),
)

feeds = Table(
    "feeds",
    metadata,
    Column("path", Text, primary_key=True),
    Column("tag", Text, nullable=False),
)

feed_archives = Table(
    "feed_archives",
    metadata,
    Column("feed", Text, primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("digest", Text, nullable=False),
    Column("content", LargeBinary, nullable=False),
)

archived = Table(
    "archived",
    metadata,
    Column("feed", Text, primary_key=True),
    Column("article_id", _to("articles.id"), primary_key=True, index=True),
    Column("number", Integer, nullable=False),
)

pings = Table(
    "pings",
    metadata,
    Column("hub", Text, primary_key=True),
    Column("topic", Text, primary_key=True),
    Column("digest", Text, nullable=False),
    Column("tries", Integer, nullable=False),
    Column("due_at", Instant),
    Column("succeeded", Boolean, nullable=False),
    Column("reply", Text, nullable=False),
)

clock = Table(
    "clock",
    metadata,
    Column("newsletter", Text, primary_key=True),
    Column("cadence", Text, primary_key=True),
    Column("seen_at", Instant, nullable=False),
)

editions = Table(
    "editions",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("newsletter", Text, nullable=False),
    Column("cadence", Text, nullable=False),
    Column("slot", Text, nullable=False),
    Column("state", Text, nullable=False, index=True),
    Column("subject", Text, nullable=False),
    Column("note", Text, nullable=False),
    Column("greeting", Text, nullable=False, server_default=""),
    Column("composed_at", Instant, nullable=False),
    Column("pressed_at", Instant),
    Column("finished_at", Instant),
    Column("plate", LargeBinary),
    Column("page", LargeBinary),
    UniqueConstraint("newsletter", "cadence", "slot"),
)

placements = Table(
    "placements",
    metadata,
    Column("edition_id", _to("editions.id"), primary_key=True),
    Column("position", Integer, primary_key=True),
    Column("section", Text, nullable=False),
    Column("article_id", _to("articles.id"), nullable=False, index=True),
)

subscribers = Table(
    "subscribers",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("key", Text, nullable=False, unique=True),
    Column("address", Text, nullable=False),
    Column("address_key", Text, nullable=False, unique=True),
    Column("name", Text, nullable=False),
    Column("language", Text, nullable=False),
    Column("timezone", Text, nullable=False),
    Column("created_at", Instant, nullable=False),
)

subscriptions = Table(
    "subscriptions",
    metadata,
    Column("subscriber_id", _to("subscribers.id"), primary_key=True),
    Column("newsletter", Text, primary_key=True),
    Column("state", Text, nullable=False),
    Column("sections", Text, nullable=False),
    Column("cadence", Text, nullable=False),
    Column("hour", Integer),
    Column("started_at", Instant, nullable=False),
    Column("ended_at", Instant),
    Index("ix_subscriptions_press", "newsletter", "cadence", "state"),
)

suppressions = Table(
    "suppressions",
    metadata,
    Column("address_key", Text, primary_key=True),
    Column("reason", Text, nullable=False),
    Column("at", Instant, nullable=False),
)

batches = Table(
    "batches",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("edition_id", _to("editions.id"), nullable=False),
    Column("connections", Integer, nullable=False),
    Column("claimed_at", Instant, nullable=False),
    Column("closed_at", Instant),
    Index(
        "ix_batches_open",
        "id",
        sqlite_where=text("closed_at IS NULL"),
        postgresql_where=text("closed_at IS NULL"),
    ),
)

deliveries = Table(
    "deliveries",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("edition_id", _to("editions.id"), nullable=False),
    Column("subscriber_id", _to("subscribers.id"), nullable=False, index=True),
    Column("state", Text, nullable=False),
    Column("sections", Text, nullable=False),
    Column("masked", Text),
    Column("batch_id", ForeignKey("batches.id"), index=True),
    Column("tries", Integer, nullable=False),
    Column("uncertain_count", Integer, nullable=False),
    Column("next_at", Instant, nullable=False),
    Column("updated_at", Instant, nullable=False),
    Column("code", Integer),
    Column("reply", Text, nullable=False),
    UniqueConstraint("edition_id", "subscriber_id"),
    Index(
        "ix_deliveries_waiting",
        "edition_id",
        "id",
        sqlite_where=text("state IN ('queued', 'deferred')"),
        postgresql_where=text("state IN ('queued', 'deferred')"),
    ),
)

attempts = Table(
    "attempts",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("delivery_id", _to("deliveries.id"), nullable=False, index=True),
    Column("batch_id", Integer, nullable=False),
    Column("at", Instant, nullable=False),
    Column("outcome", Text, nullable=False),
    Column("code", Integer),
    Column("reply", Text, nullable=False),
)
