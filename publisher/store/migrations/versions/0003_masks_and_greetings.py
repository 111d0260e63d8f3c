"""What a reader has already received, by delivery; an editor's greeting on an edition."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    # The default stays: taking it away would copy the whole table, plates and all, on SQLite.
    op.add_column("editions", sa.Column("greeting", sa.Text(), nullable=False, server_default=""))
    op.add_column("deliveries", sa.Column("masked", sa.Text(), nullable=True))
