"""Feeds over time: corrections, what was shown once, ids of feeds, archives, and pings to hubs."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    op.add_column("articles", sa.Column("replies", sa.Integer(), nullable=True))
    op.add_column("articles", sa.Column("shown_at", sa.DateTime(timezone=True), nullable=True))
    # What was public until now may have been shown; a tombstone too many tells nothing that was not public once.
    op.execute("UPDATE articles SET shown_at = first_seen WHERE status = 'usable' AND published IS NOT NULL")
    op.create_index("ix_articles_released", "articles", ["published"])
    op.execute("UPDATE articles SET updated = published WHERE published > updated")
    for column in ("embargo", "replies"):
        held = sa.text(f"{column} IS NOT NULL")
        op.create_index(f"ix_articles_{column}", "articles", [column], sqlite_where=held, postgresql_where=held)
    op.create_table(
        "corrections",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("article_id", sa.Integer(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["article_id"], ["articles.id"], name=op.f("fk_corrections_article_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_corrections")),
    )
    op.create_index(op.f("ix_corrections_article_id"), "corrections", ["article_id"])
    op.create_table(
        "feeds",
        sa.Column("path", sa.Text(), nullable=False),
        sa.Column("tag", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("path", name=op.f("pk_feeds")),
    )
    op.create_table(
        "feed_archives",
        sa.Column("feed", sa.Text(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("feed", "number", name=op.f("pk_feed_archives")),
    )
    op.create_table(
        "archived",
        sa.Column("feed", sa.Text(), nullable=False),
        sa.Column("article_id", sa.Integer(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["article_id"], ["articles.id"], name=op.f("fk_archived_article_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("feed", "article_id", name=op.f("pk_archived")),
    )
    op.create_index(op.f("ix_archived_article_id"), "archived", ["article_id"])
    op.create_table(
        "pings",
        sa.Column("hub", sa.Text(), nullable=False),
        sa.Column("topic", sa.Text(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("succeeded", sa.Boolean(), nullable=False),
        sa.Column("reply", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("hub", "topic", name=op.f("pk_pings")),
    )
