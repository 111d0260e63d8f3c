"""Articles in full: status, access, embargo, related, comments, where each field came from; and their identity."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    _identity()
    with op.batch_alter_table("articles") as articles:
        articles.add_column(sa.Column("words_key", sa.Text(), nullable=True))
        articles.add_column(sa.Column("status", sa.Text(), nullable=False, server_default="usable"))
        articles.add_column(sa.Column("access", sa.Text(), nullable=False, server_default="public"))
        articles.add_column(sa.Column("embargo", sa.DateTime(timezone=True), nullable=True))
        articles.add_column(sa.Column("related", sa.JSON(), nullable=False, server_default="[]"))
        articles.add_column(sa.Column("comments", sa.Text(), nullable=False, server_default=""))
        articles.add_column(sa.Column("origins", sa.JSON(), nullable=False, server_default="{}"))
    op.execute("UPDATE articles SET status = 'withheld' WHERE NOT usable")
    with op.batch_alter_table("articles") as articles:
        articles.drop_constraint("uq_articles_url_key", type_="unique")
        articles.drop_column("url_key")
        articles.drop_column("usable")
        for column in ("status", "access", "related", "comments", "origins"):
            articles.alter_column(column, server_default=None)
    op.create_index("ix_articles_words_key", "articles", ["source", "words_key"])
    op.create_index("ix_articles_published", "articles", ["source", "published"])
    op.add_column("sources", sa.Column("not_before", sa.DateTime(timezone=True), nullable=True))


def _identity() -> None:
    op.create_table(
        "article_addresses",
        sa.Column("url_key", sa.Text(), nullable=False),
        sa.Column("article_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["article_id"], ["articles.id"], name=op.f("fk_article_addresses_article_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("url_key", name=op.f("pk_article_addresses")),
    )
    op.create_index(op.f("ix_article_addresses_article_id"), "article_addresses", ["article_id"])
    op.execute(
        "INSERT INTO article_addresses (url_key, article_id) SELECT url_key, id FROM articles WHERE url_key IS NOT NULL"
    )
    op.create_table(
        "article_history",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("article_id", sa.Integer(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("source_id", sa.Text(), nullable=False),
        sa.Column("change", sa.Text(), nullable=False),
        sa.Column("rule", sa.Text(), nullable=False),
        sa.Column("fields", sa.JSON(), nullable=False),
        sa.Column("repairs", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(
            ["article_id"], ["articles.id"], name=op.f("fk_article_history_article_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_article_history")),
    )
    op.create_index(op.f("ix_article_history_article_id"), "article_history", ["article_id"])
    with op.batch_alter_table("article_origins") as origins:
        origins.add_column(sa.Column("rule", sa.Text(), nullable=False, server_default="new"))
        origins.add_column(
            sa.Column(
                "filed_at", sa.DateTime(timezone=True), nullable=False, server_default="1970-01-01 00:00:00.000000"
            )
        )
        origins.add_column(sa.Column("gone_at", sa.DateTime(timezone=True), nullable=True))
    op.execute(
        "UPDATE article_origins SET filed_at ="
        " (SELECT first_seen FROM articles WHERE articles.id = article_origins.article_id)"
    )
    with op.batch_alter_table("article_origins") as origins:
        for column in ("rule", "filed_at"):
            origins.alter_column(column, server_default=None)
