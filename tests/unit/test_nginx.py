"""The configuration for nginx, which Debian's nginx runs: it answers as our own server does."""

import os
import re
import shutil
import socket
import subprocess
import tempfile
import time
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from publisher import app
from publisher.config import load
from publisher.errors import PublisherError
from publisher.model.newsletter import Syndication
from publisher.pipeline.syndicate import Site
from publisher.store import database
from publisher.web.application import application
from publisher.web.nginx import ACTING, configuration
from tests.builders import NOW, a_newsletter, a_publication, templates, tokens
from tests.unit.test_files import BROWSER, FEED, RULES, SITE, publish
from tests.webserver import ask, web_server

ROOT = Path(__file__).parents[2]

NGINX = shutil.which("nginx", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
needs_nginx = pytest.mark.skipif(NGINX is None, reason="no nginx; install Debian's package nginx")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def nginx(folder: Path, text: str):
    """Debian's nginx with this configuration on a free port."""
    port = free_port()
    text = text.replace("listen 80;", f"listen 127.0.0.1:{port};").replace("    listen [::]:80;\n", "")
    for name in ("body", "proxy", "fastcgi", "uwsgi", "scgi"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    own = "".join(f"{name}_temp_path {folder}/{name};\n" for name in ("proxy", "fastcgi", "uwsgi", "scgi"))
    (folder / "nginx.conf").write_text(
        f"user {os.environ.get('USER', 'root')};\n" * (os.geteuid() == 0) + f"pid {folder}/pid;\nworker_processes 1;\n"
        f"events {{}}\nhttp {{\naccess_log off;\nclient_body_temp_path {folder}/body;\n{own}{text}\n}}\n"
    )
    command = [str(NGINX), "-e", f"{folder}/error.log", "-c", f"{folder}/nginx.conf", "-g", "daemon off;"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    try:
        for _ in range(200):
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            assert process.poll() is None, process.communicate()[0]
            time.sleep(0.05)
        yield port
    finally:
        process.terminate()
        process.communicate(timeout=20)


def rendered(path: Path, upstream: str = "127.0.0.1:1", per_minute: int = 0, **changes) -> str:
    return configuration(a_publication(**changes), RULES, path, upstream, per_minute)


def a_site(path: Path) -> Site:
    publication = a_publication()
    made = Site(publication, {"briefing": a_newsletter()}, (), templates(publication), path, path, NOW, path)
    return replace(made, syndication=RULES)


@pytest.fixture(scope="module")
def both(tmp_path_factory):
    """The ports of our own server and of nginx, on the same files; nginx hands us what is no file."""
    folder = tmp_path_factory.mktemp("wire")
    publish(folder / "site", SITE)
    engine = database.open_engine("sqlite:///test.db", folder)
    database.migrate(engine)
    app = application(engine, a_site(folder / "site"), tokens(), lambda: NOW)
    with web_server(app) as ours, nginx(folder / "nginx", rendered(folder / "site", f"127.0.0.1:{ours}")) as theirs:
        yield ours, theirs
    engine.dispose()


SAME = (
    "content-type", "cache-control", "vary", "location", "allow", "retry-after", "x-content-type-options",
    "access-control-allow-origin", "access-control-expose-headers", "access-control-allow-methods",
    "access-control-allow-headers", "access-control-max-age", "content-encoding", "last-modified", "set-cookie",
)  # fmt: skip
FILES = [
    FEED, "/feeds/world/atom.xml", "/feeds/world/feed.json", "/feeds/world/archive-1.xml", "/feeds/feeds.opml",
    "/feeds/feed.css", "/feeds/", "/", "/articles/one.html", "/style.css", "/images/one.png", "/sitemap.xml",
    "/.well-known/security.txt", f"{FEED}?utm_source=x",
]  # fmt: skip


def shown(got) -> tuple[int, dict[str, str]]:
    return got.status, {name: value for name, value in got.fields().items() if name in SAME}


def without_type(got) -> tuple[int, dict[str, str]]:
    """The text of an error is each server's own."""
    status, fields = shown(got)
    return status, {name: value for name, value in fields.items() if name != "content-type"}


@needs_nginx
class TestBesideOurs:
    @pytest.mark.parametrize("path", FILES)
    @pytest.mark.parametrize("method", ["GET", "HEAD"])
    @pytest.mark.parametrize("asked", [{}, {"Accept-Encoding": "gzip"}, {"Accept": BROWSER, "Accept-Encoding": "gzip"}])
    def test_it_sends_the_same_file_with_the_same_fields(self, both, path, method, asked):
        ours, theirs = (ask(port, path, asked, method) for port in both)

        assert ours.status == 200
        assert shown(theirs) == shown(ours)
        assert theirs.body == ours.body

    @pytest.mark.parametrize("path", FILES)
    @pytest.mark.parametrize("method", ["OPTIONS", "POST", "DELETE"])
    def test_it_refuses_the_same_methods(self, both, path, method):
        ours, theirs = (ask(port, path, {"Content-Length": "0"}, method) for port in both)

        assert ours.status == (204 if method == "OPTIONS" else 405)
        assert without_type(theirs) == without_type(ours)

    @pytest.mark.parametrize("path", [FEED, "/feeds/world/feed.json", "/", "/images/one.png"])
    def test_it_answers_304_to_its_own_validators(self, both, path):
        for name, field in (("If-None-Match", "ETag"), ("If-Modified-Since", "Last-Modified")):
            answers = []
            for port in both:
                whole = ask(port, path, {"Accept-Encoding": "gzip"})
                answers.append(ask(port, path, {"Accept-Encoding": "gzip", name: whole.headers[field]}))

            assert answers[0].status == 304
            assert shown(answers[1])[0] == 304
            kept = ("cache-control", "vary", "access-control-allow-origin", "last-modified")
            assert [answers[1].headers[one] for one in kept] == [answers[0].headers[one] for one in kept]

    @pytest.mark.parametrize(
        "path",
        [
            "/feeds/podcasts", "/feeds/podcasts/", "/feeds/podcasts/a/rss.xml", "/feeds/world/gone/x",
            "/feeds/older/rss.xml", "/feeds/older/asia/feed.json", "/feeds/old/archive-1.xml", "/feeds/older",
            "/feeds/older/", "/feeds/world-news/rss.xml", "/feeds/oldest/rss.xml", "/feeds", "/nowhere",
            "/feeds/nowhere/rss.xml", "/nowhere.html", "/.published", "/feeds/world/.rss.xml.0a1b2c3d.half",
            "/feeds/.well-known/x", "/feeds/world/rss.xml/x",
        ],
    )  # fmt: skip
    def test_it_says_the_same_of_what_moved_or_is_gone(self, both, path):
        ours, theirs = (ask(port, path) for port in both)

        assert ours.status in (301, 404, 410)
        assert without_type(theirs) == without_type(ours)

    def test_those_pages_that_act_are_ours(self, both):
        link = tokens().links("key-of-ada@example.org", "briefing").unsubscribe
        asked = [ask(port, f"/unsubscribe/{link}") for port in both]

        assert asked[0].status == 200
        assert [(one.status, one.body, one.fields("connection", "server")) for one in asked[1:]] == [
            (200, asked[0].body, asked[0].fields("connection", "server"))
        ]
        assert ask(both[1], "/health").body == b"ok\n"


@needs_nginx
def test_an_abuser_is_told_when_to_come_back(tmp_path):
    publish(tmp_path / "site", SITE)
    with nginx(tmp_path / "nginx", rendered(tmp_path / "site", per_minute=3)) as port:
        got = [ask(port, FEED) for _ in range(8)]
        leaving = [ask(port, "/unsubscribe/x").status for _ in range(8)]

    refused = got[-1]
    assert (got[0].status, refused.status) == (200, 429)
    assert (refused.headers["Retry-After"], refused.headers["Cache-Control"]) == ("20", "no-store")
    assert leaving == [502] * 8


@needs_nginx
def test_it_serves_a_folder_and_feeds_with_strange_names(tmp_path):
    folder = tmp_path / 'a "site" with \\ and {braces};'
    publish(folder, {"feeds/by/zoë/rss.xml": b"<rss/>", "index.html": b"Front"})
    rules = Syndication(moved={"by/zoe": "by/zoë"}, closed=("by/a.b",))
    with nginx(
        tmp_path / "nginx", configuration(a_publication(name="A\nB {"), rules, folder, "127.0.0.1:1", 0)
    ) as port:
        assert ask(port, "/").body == b"Front"
        assert ask(port, "/feeds/by/zoe/rss.xml").headers["Location"] == "/feeds/by/zo%C3%AB/rss.xml"
        assert ask(port, "/feeds/by/zo%C3%AB/rss.xml").status == 200
        assert [ask(port, path).status for path in ("/feeds/by/a.b/x", "/feeds/by/aXb/x")] == [410, 404]


@pytest.mark.parametrize("name", ["a$b", "a\nb"])
def test_a_folder_that_nginx_cannot_name_is_refused(name):
    with pytest.raises(PublisherError, match=r"nginx cannot serve .* \[site\] path"):
        rendered(Path("/srv") / name)


def test_it_hands_us_just_what_our_server_answers_itself(tmp_path, engine):
    app = application(engine, a_site(tmp_path), tokens(), lambda: NOW)

    assert app.acting == frozenset(ACTING)


def test_without_a_limit_there_is_none(tmp_path):
    assert "limit_req" not in rendered(tmp_path)
    assert re.search(r"rate=240r/m", rendered(tmp_path, per_minute=240))


MANUAL = ROOT / "docs/feeds/nginx.conf"


def printed(folder: Path) -> str:
    """For config.example.toml, in a folder where its secrets can be read."""
    (folder / "var").mkdir()
    for name in ("secret.key", "ghost.key", "smtp.password", "dkim.pem"):
        (folder / "var" / name).write_text("a secret for tests, longer than thirty-two characters")
    config = load(Path(shutil.copy(ROOT / "config.example.toml", folder / "config.toml")))
    upstream = f"{config.site.host}:{config.site.port}"
    house, rules, most = app.publication(config), app.syndication(config), config.site.requests_per_minute
    return configuration(house, rules, Path("/srv/journal/site"), upstream, most)


def test_the_manual_shows_what_is_printed(tmp_path):
    """Written anew by: python -m tests.unit.test_nginx"""
    assert MANUAL.read_text("utf-8") == printed(tmp_path)


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as name:
        MANUAL.write_text(printed(Path(name)), "utf-8")
