"""The one HTTP client: guarded, capped, and clear about what failed. Its servers are real, on 127.0.0.1."""

import asyncio
import gzip
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest

from publisher.errors import FetchError
from publisher.fetch import Fetcher, Response, is_public


@dataclass
class Answer:
    body: bytes = b""
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    seconds: float = 0


@dataclass
class Website:
    """Answers by path; `asked` are the headers of every request. An ETag that comes back is a 304."""

    url: str
    answers: dict[str, Answer] = field(default_factory=dict)
    asked: list[Mapping[str, str]] = field(default_factory=list)


@contextmanager
def a_website() -> Iterator[Website]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            site.asked.append(self.headers)
            answer = site.answers.get(self.path, Answer(status=404))
            time.sleep(answer.seconds)
            etag = answer.headers.get("ETag")
            fresh = etag is not None and self.headers.get("If-None-Match") == etag
            self.send_response(304 if fresh else answer.status)
            for name, value in ({} if fresh else answer.headers).items():
                self.send_header(name, value)
            if not fresh:
                self.send_header("Content-Length", str(len(answer.body)))
            self.end_headers()
            if not fresh:
                self.wfile.write(answer.body)

        def log_message(self, *_: object) -> None:
            """Quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    site = Website(f"http://127.0.0.1:{server.server_port}")
    thread = Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield site
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture
def website() -> Iterator[Website]:
    with a_website() as site:
        yield site


def get(url: str, headers: Mapping[str, str] | None = None, allow=("127.0.0.1",), **limits) -> Response:
    async def once() -> Response:
        async with Fetcher(allow, **limits) as http:
            return await http.get(url, headers)

    return asyncio.run(once())


def test_an_answer_brings_its_status_headers_and_bytes(website):
    website.answers["/"] = Answer(b"news", headers={"ETag": '"a"', "X-Two": "2"})

    response = get(f"{website.url}/", {"X-One": "1"})

    assert (response.status, response.content) == (200, b"news")
    assert response.headers["etag"] == '"a"'
    assert website.asked[0]["X-One"] == "1"
    assert website.asked[0]["User-Agent"].startswith("Publisher/")


@pytest.mark.parametrize("status", [404, 410, 500, 503])
def test_a_refusal_is_an_answer_too(website, status):
    website.answers["/"] = Answer(status=status)

    assert get(f"{website.url}/").status == status


def test_a_redirect_is_followed_and_its_end_is_named(website):
    website.answers["/old"] = Answer(status=301, headers={"Location": "/new"})
    website.answers["/new"] = Answer(b"news")

    response = get(f"{website.url}/old")

    assert (response.url, response.content) == (f"{website.url}/new", b"news")


def test_a_redirect_in_a_circle_ends(website):
    website.answers["/"] = Answer(status=302, headers={"Location": "/"})

    with pytest.raises(FetchError, match="cannot be fetched"):
        get(f"{website.url}/")

    assert len(website.asked) == 4


def test_a_body_over_the_cap_is_refused(website):
    website.answers["/"] = Answer(b"x" * 1001)

    assert len(get(f"{website.url}/", max_bytes=1001).content) == 1001
    with pytest.raises(FetchError, match="larger than 1,000 bytes"):
        get(f"{website.url}/", max_bytes=1000)


def test_the_cap_counts_what_a_compressed_body_unfolds_to(website):
    bomb = gzip.compress(b"\0" * 20_000_000)
    website.answers["/"] = Answer(bomb, headers={"Content-Encoding": "gzip"})

    assert len(bomb) < 100_000
    with pytest.raises(FetchError, match="larger than 100,000 bytes"):
        get(f"{website.url}/", max_bytes=100_000)


def test_a_compressed_body_arrives_unfolded(website):
    website.answers["/"] = Answer(gzip.compress(b"news"), headers={"Content-Encoding": "gzip"})

    assert get(f"{website.url}/").content == b"news"


def test_a_body_that_is_not_what_its_encoding_says_is_a_fetch_error(website):
    website.answers["/"] = Answer(b"news", headers={"Content-Encoding": "gzip"})

    with pytest.raises(FetchError, match="cannot be fetched"):
        get(f"{website.url}/")


def test_a_slow_server_is_given_up(website):
    website.answers["/"] = Answer(b"late", seconds=0.5)

    with pytest.raises(FetchError, match=r"within 0.1 s|cannot be fetched"):
        get(f"{website.url}/", seconds=0.1)


@pytest.mark.parametrize(
    "url",
    ["http://no-such-host.invalid/", "http://" + "a" * 70 + ".example/", "http://[::1", "http://", "http://a b/"],
)
def test_an_address_that_leads_nowhere_is_a_fetch_error(url):
    with pytest.raises(FetchError):
        get(url, seconds=5)


@pytest.mark.parametrize("url", ["file:///etc/passwd", "ftp://a.example/", "/etc/passwd", "javascript:x"])
def test_only_http_is_fetched(url):
    with pytest.raises(FetchError, match="only http and https"):
        get(url)


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "2130706433", "0x7f.1", "[::ffff:127.0.0.1]", "0.0.0.0"])
def test_a_private_host_is_refused_however_it_is_written(website, host):
    port = website.url.rpartition(":")[2]

    with pytest.raises(FetchError):
        get(f"http://{host}:{port}/", allow=())

    assert website.asked == []


def test_a_refusal_says_what_to_write(website):
    with pytest.raises(FetchError, match=r'private address 127\.0\.0\.1; .* allow_private = \["127\.0\.0\.1"\]'):
        get(f"{website.url}/", allow=())


def test_a_redirect_to_a_private_host_is_refused(website):
    with a_website() as inside:
        secret = inside.url.replace("127.0.0.1", "127.0.0.2")
        website.answers["/"] = Answer(status=302, headers={"Location": f"{secret}/"})

        with pytest.raises(FetchError, match=r"127\.0\.0\.2"):
            get(f"{website.url}/")

        assert inside.asked == []


def test_a_host_that_listens_on_its_second_address_is_reached(website):
    website.answers["/"] = Answer(b"news")
    port = website.url.rpartition(":")[2]

    assert get(f"http://localhost:{port}/", allow=("localhost",)).content == b"news"


@pytest.mark.parametrize(
    ("address", "public"),
    [
        ("93.184.216.34", True),
        ("8.8.8.8", True),
        ("2606:2800:220:1::1", True),
        ("::ffff:8.8.8.8", True),
        ("64:ff9b::808:808", True),
        ("2002:808:808::1", True),
        ("127.0.0.1", False),
        ("127.255.255.254", False),
        ("0.0.0.0", False),
        ("10.0.0.1", False),
        ("172.16.0.1", False),
        ("192.168.1.1", False),
        ("100.64.0.1", False),
        ("169.254.1.1", False),
        ("169.254.169.254", False),
        ("192.0.2.1", False),
        ("198.18.0.1", False),
        ("224.0.0.1", False),
        ("240.0.0.1", False),
        ("255.255.255.255", False),
        ("::", False),
        ("::1", False),
        ("::127.0.0.1", False),
        ("::ffff:127.0.0.1", False),
        ("::ffff:169.254.169.254", False),
        ("64:ff9b::7f00:1", False),
        ("64:ff9b::a9fe:a9fe", False),
        ("64:ff9b:1::a00:1", False),
        ("2002:7f00:1::1", False),
        ("2001:0:4136:e378:8000:63bf:3fff:fdd2", False),
        ("2001:db8::1", False),
        ("fe80::1", False),
        ("fe80::1%eth0", False),
        ("fec0::1", False),
        ("fc00::1", False),
        ("fd00:ec2::254", False),
        ("ff02::1", False),
    ],
)
def test_an_address_is_public_or_not_whatever_it_is_wrapped_in(address, public):
    assert is_public(address) is public
