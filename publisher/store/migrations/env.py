"""Alembic's entry: migrate through the engine that the program opened."""

from alembic import context

from publisher.store.schema import metadata


def run() -> None:
    engine = context.config.attributes["engine"]
    with engine.begin() as connection:
        context.configure(connection=connection, target_metadata=metadata, transaction_per_migration=False)
        context.run_migrations()


run()
