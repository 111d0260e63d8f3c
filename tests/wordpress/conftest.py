"""Two sites filled from the sample export, with pretty permalinks and with plain ones."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.builders import SAMPLES
from tests.wordpress import site as setup
from tests.wordpress.site import Site

EXPORT = SAMPLES / "wordpress" / "themeunittestdata.wordpress.xml"


@pytest.fixture(scope="session")
def export() -> Path:
    if not EXPORT.exists():
        pytest.skip("../shared/samples is not here")
    return EXPORT


@pytest.fixture(scope="session", params=[setup.PRETTY, setup.PLAIN], ids=["pretty", "plain"])
def site(request: pytest.FixtureRequest, export: Path) -> Iterator[Site]:
    if reason := setup.missing():
        pytest.skip(reason)
    with setup.a_site(request.param) as made:
        made.run("load.php", str(export))
        yield made
