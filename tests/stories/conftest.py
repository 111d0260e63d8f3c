"""What stories share."""

import socket
from pathlib import Path

import pytest
from sqlalchemy import Engine

from tests.stories.newsroom import NewsroomOnDisk


@pytest.fixture
def newsroom(tmp_path: Path) -> NewsroomOnDisk:
    return NewsroomOnDisk(tmp_path).write()


@pytest.fixture
def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture(params=["sqlite", "postgres"])
def store_url(request: pytest.FixtureRequest) -> str:
    """The `[store] url` of an empty database."""
    if request.param == "sqlite":
        return "sqlite:///var/publisher.db"
    from tests.builders import tables

    shared: Engine = request.getfixturevalue("postgres")
    tables(shared)
    return shared.url.set(drivername="postgresql").render_as_string(hide_password=False)
