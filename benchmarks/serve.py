"""Serving a feed against Debian's nginx, which serves the same files: `publisher serve` as it is, wrk as the readers.

A journal with a feed of fifty entries is built into a temporary folder. Both servers run all the while, each with a
process per core, write no log of requests and take turns under the load of 32 connections; the median of each counts.
nginx sends the `.gz` beside each file; ours counts every request of an address besides, without ever refusing one.
"""

import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from http.client import HTTPConnection
from pathlib import Path
from statistics import median

from benchmarks import journal
from publisher import app
from publisher.clean import urls
from publisher.demo.stage import free_port
from publisher.pipeline import syndicate
from publisher.store import database, filing
from publisher.store.recognition import Candidate

ROUNDS = 7
SECONDS = 2
CONNECTIONS = 32
BARS = {"not_modified": 0.6, "gzip": 0.4}
FEED = "/feeds/rss.xml"
NOW = datetime(2026, 11, 20, 2, 0, tzinfo=UTC)

CONFIG = """\
[publication]
name = "The Meridian Journal"
url = "https://journal.example"
secret_key = "the benchmarks' own key, longer than thirty-two characters"
{sections}
[site]
requests_per_minute = 1000000000
"""
NGINX = """\
worker_processes auto;
pid {folder}/nginx.pid;
events {{ worker_connections 768; }}
http {{
    include /etc/nginx/mime.types;
    access_log off;
    sendfile on;
    tcp_nopush on;
    keepalive_requests 1000000000;
    server {{
        listen 127.0.0.1:{port};
        root {site};
        gzip_static on;
        add_header Cache-Control "public, max-age=300, stale-while-revalidate=300, stale-if-error=86400";
        add_header Vary "Accept, Accept-Encoding";
        add_header Access-Control-Allow-Origin "*";
        add_header X-Content-Type-Options nosniff;
    }}
}}
"""


def main() -> None:
    nginx, wrk = tool("nginx"), tool("wrk")
    with tempfile.TemporaryDirectory(prefix="publisher-bench-") as name:
        folder = Path(name)
        folder.chmod(0o755)  # nginx drops its rights, and reads as somebody else
        config = build(folder)
        feed = folder / "site" / FEED[1:]
        print(f"{FEED}: {feed.stat().st_size:,} bytes, {Path(f'{feed}.gz').stat().st_size:,} packed")
        ports = {"ours": free_port(0), "nginx": free_port(0)}
        (folder / "nginx.conf").write_text(NGINX.format(folder=folder, site=folder / "site", port=ports["nginx"]))
        servers = {
            "ours": [sys.executable, "-m", "publisher", "--config", str(config), "serve", "--port", str(ports["ours"])],
            "nginx": [nginx, "-e", f"{folder}/error.log", "-c", f"{folder}/nginx.conf", "-g", "daemon off;"],
        }
        with running(servers["ours"], ports["ours"]), running(servers["nginx"], ports["nginx"]):
            rates = measured(wrk, ports)
    for (answer, server), found in rates.items():
        print(f"{answer} by {server}: {median(found):,.0f} requests/s")
    ratio = {answer: median(rates[answer, "ours"]) / median(rates[answer, "nginx"]) for answer in BARS}
    print(f"serve not_modified={ratio['not_modified']:.2f} gzip={ratio['gzip']:.2f} (bars 0.6, 0.4)")


def tool(name: str) -> str:
    found = shutil.which(name) or shutil.which(f"/usr/sbin/{name}")
    if found is None:
        sys.exit(f"benchmarks.serve: there is no {name}. Install Debian's packages nginx and wrk.")
    return found


def build(folder: Path) -> Path:
    """A newsroom with its site; return the path of its configuration."""
    sections = "".join(
        f'[[section]]\npath = "{one.path}"\ntitle = "{one.title}"\n' for one in journal.PUBLICATION.sections
    )
    config = folder / "config.toml"
    config.write_text(CONFIG.format(sections=sections), "utf-8")
    with app.opened(config, NOW) as made:
        room = made.newsroom
        stories = [Candidate(one, urls.key(one.url)) for one in journal.articles(200, NOW)]
        with database.writing(room.database) as db:
            filing.file(db, stories, "tag:journal.example,2026-11-20:articles/", NOW)
        syndicate.build(room.database, room.site, NOW)
    return config


@contextmanager
def running(command: list[str], port: int) -> Iterator[None]:
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        wait_for(port, process)
        yield
    finally:
        process.terminate()
        process.wait(30)


def wait_for(port: int, process: subprocess.Popen[bytes]) -> None:
    for _ in range(300):
        if process.poll() is not None:
            raise SystemExit(f"benchmarks.serve: a server ended with {process.returncode}.")
        try:
            headers(port)
        except OSError:
            time.sleep(0.1)
        else:
            return
    raise SystemExit(f"benchmarks.serve: nobody answers on port {port}.")


def headers(port: int, tag: str = "") -> tuple[int, str, str]:
    """(status, ETag, Content-Encoding) of the packed feed."""
    connection = HTTPConnection("127.0.0.1", port, timeout=10)
    connection.request("GET", FEED, headers={"Accept-Encoding": "gzip", **({"If-None-Match": tag} if tag else {})})
    answer = connection.getresponse()
    answer.read()
    connection.close()
    return answer.status, answer.getheader("ETag", ""), answer.getheader("Content-Encoding", "")


def measured(wrk: str, ports: dict[str, int]) -> dict[tuple[str, str], list[float]]:
    """Requests a second by answer and server, one figure for each round."""
    rates: dict[tuple[str, str], list[float]] = {(answer, server): [] for answer in BARS for server in ports}
    for _ in range(ROUNDS):
        for answer in BARS:
            for server, port in ports.items():
                status, tag, coding = headers(port)
                assert (status, coding) == (200, "gzip"), f"{server} answers {status} {coding}"
                if answer == "not_modified":
                    assert headers(port, tag)[0] == 304
                rates[answer, server].append(rate(wrk, port, tag if answer == "not_modified" else ""))
    return rates


def rate(wrk: str, port: int, tag: str) -> float:
    asked = ["-H", "Accept-Encoding: gzip", *(["-H", f"If-None-Match: {tag}"] if tag else [])]
    command = [wrk, "-t2", f"-c{CONNECTIONS}", f"-d{SECONDS}s", *asked, f"http://127.0.0.1:{port}{FEED}"]
    printed = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    assert "Non-2xx" not in printed, printed
    assert "Socket errors" not in printed, printed
    found = re.search(r"Requests/sec:\s+([0-9.]+)", printed)
    assert found is not None
    return float(found[1])


if __name__ == "__main__":
    main()
