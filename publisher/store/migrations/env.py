"""Alembic's entry: migrate through the engine that the program opened, in one transaction."""

from alembic import context

from publisher.store.schema import metadata


def run() -> None:
    engine = context.config.attributes["engine"]
    with engine.connect() as connection:
        # SQLite changes a table by copying and dropping it, and the drop would cascade to all that points there.
        # The switch works outside of a transaction only, and belongs to this connection.
        on_sqlite = engine.dialect.name == "sqlite"
        raw = connection.connection.dbapi_connection
        if on_sqlite:
            raw.execute("PRAGMA foreign_keys=OFF").close()
        try:
            with connection.begin():
                context.configure(connection=connection, target_metadata=metadata, transaction_per_migration=False)
                context.run_migrations()
                if on_sqlite and connection.exec_driver_sql("PRAGMA foreign_key_check").first():
                    raise RuntimeError("a migration left a row that points nowhere")
        finally:
            if on_sqlite:
                raw.execute("PRAGMA foreign_keys=ON").close()


run()
