"""A real WordPress: Debian's package on PHP's own web server, with a database and a content folder of its own.

It needs a MariaDB that lets this user in as root without a password, by its socket or where PUBLISHER_TEST_MARIADB says
(`127.0.0.1:3306`).
"""

import os
import secrets
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

PRETTY = "/%year%/%monthnum%/%postname%/"
PLAIN = ""
MARIADB = os.environ.get("PUBLISHER_TEST_MARIADB", "localhost:/run/mysqld/mysqld.sock")
_PHP = Path(__file__).parent / "php"
_WORDPRESS = Path("/usr/share/wordpress/wp-settings.php")
_MODULES = {"mysqli", "SimpleXML"}
_SCRIPT_SECONDS = 120
_SERVER_SECONDS = 900  # it ends by itself where nobody could end it


@dataclass(frozen=True)
class Site:
    """`environment` is what the scripts beside this file read."""

    url: str
    environment: dict[str, str]

    def run(self, script: str, *arguments: str) -> str:
        command = ["php", str(_PHP / script), *arguments]
        done = subprocess.run(command, env=self.environment, capture_output=True, text=True, timeout=_SCRIPT_SECONDS)
        if done.returncode:
            raise RuntimeError(f"{script} {' '.join(arguments)[:100]}: {done.stderr or done.stdout}")
        return done.stdout.strip()

    def change(self, action: str, *arguments: str) -> str:
        """What happens in the newsroom; returns the ids of the posts concerned."""
        return self.run("change.php", action, *arguments)


def missing() -> str:
    """What is not here of that which the suite needs, or nothing."""
    if not shutil.which("php"):
        return "no PHP: apt-get install php-cli php-mysql php-xml"
    modules = subprocess.run(["php", "-m"], capture_output=True, text=True, timeout=_SCRIPT_SECONDS).stdout.split()
    if not set(modules) >= _MODULES:
        return "PHP lacks modules: apt-get install php-mysql php-xml"
    if not _WORDPRESS.exists():
        return "no WordPress: apt-get install wordpress"
    return "" if _answers(MARIADB) else f"no MariaDB at {MARIADB}; set PUBLISHER_TEST_MARIADB"


def _answers(place: str) -> bool:
    host, _, end = place.partition(":")
    try:
        if end.startswith("/"):
            with socket.socket(socket.AF_UNIX) as connection:
                connection.connect(end)
        else:
            socket.create_connection((host, int(end or 3306)), 2).close()
    except OSError:
        return False
    return True


@contextmanager
def a_site(permalinks: str) -> Iterator[Site]:
    """Installed, empty, and gone afterwards."""
    with TemporaryDirectory(prefix="publisher-wordpress-") as folder:
        port = _free_port()
        site = Site(
            f"http://127.0.0.1:{port}",
            {
                "PATH": os.environ["PATH"],
                "WORDPRESS_URL": f"http://127.0.0.1:{port}",
                "WORDPRESS_CONTENT": folder,
                "WORDPRESS_DATABASE": f"publisher_test_{secrets.token_hex(6)}",
                "WORDPRESS_DATABASE_HOST": MARIADB,
            },
        )
        site.run("install.php", permalinks)
        try:
            with _served(site, port, Path(folder)):
                yield site
        finally:
            site.run("drop.php")


@contextmanager
def _served(site: Site, port: int, folder: Path) -> Iterator[None]:
    command = ["timeout", str(_SERVER_SECONDS), "php", "-S", f"127.0.0.1:{port}", "-t", str(folder)]
    with (folder / "server.log").open("wb") as log:
        server = subprocess.Popen([*command, str(_PHP / "front.php")], env=site.environment, stdout=log, stderr=log)
    try:
        _wait(server, port)
        yield
    finally:
        server.terminate()
        server.wait(10)


def _wait(server: subprocess.Popen[bytes], port: int) -> None:
    for _ in range(100):
        if server.poll() is not None:
            break
        if _answers(f"127.0.0.1:{port}"):
            return
        time.sleep(0.1)
    raise RuntimeError(f"PHP's server does not answer on port {port}")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
