"""The one HTTP client: guarded, capped, and clear about what failed. Its servers are real, on 127.0.0.1."""

import asyncio
import gc
import gzip
import socket
import ssl
import time
import tracemalloc
import warnings
import zlib
from base64 import b64encode
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from threading import Event, Thread

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from publisher.errors import FetchError
from publisher.fetch import Fetcher, Response, shown
from publisher.guard import is_public
from tests.websites import Answer, Website, a_website


@pytest.fixture
def website() -> Iterator[Website]:
    with a_website() as site:
        yield site


@contextmanager
def a_server(talk: Callable[[socket.socket, Event], None]) -> Iterator[str]:
    """Below HTTP: `talk` gets each connection when its request has come, and an event that says when to stop."""
    stop = Event()
    listener = socket.create_server(("127.0.0.1", 0))
    listener.settimeout(0.02)
    talks: list[Thread] = []

    def answer(connection: socket.socket) -> None:
        with connection, suppress(OSError):
            connection.settimeout(5)
            while b"\r\n\r\n" not in (head := connection.recv(65_536)) and head:
                pass
            talk(connection, stop)

    def listen() -> None:
        while not stop.is_set():
            with suppress(TimeoutError):
                talks.append(Thread(target=answer, args=(listener.accept()[0],)))
                talks[-1].start()

    listening = Thread(target=listen)
    listening.start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        stop.set()
        for thread in (listening, *talks):
            thread.join()
        listener.close()


def get(url: str, headers: Mapping[str, str] | None = None, allow=("127.0.0.1",), pause=0, **limits) -> Response:
    async def once() -> Response:
        async with Fetcher(allow, pause=pause, **limits) as http:
            return await http.get(url, headers)

    return asyncio.run(once())


@contextmanager
def little_memory(most: int = 8_000_000) -> Iterator[None]:
    tracemalloc.start()
    try:
        yield
        assert tracemalloc.get_traced_memory()[1] < most
    finally:
        tracemalloc.stop()


def zeros(megabytes: int, level: int = 9) -> bytes:
    packer = zlib.compressobj(level, wbits=zlib.MAX_WBITS | 16)
    million = bytes(1_000_000)
    return b"".join([*(packer.compress(million) for _ in range(megabytes)), packer.flush()])


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

    with pytest.raises(FetchError, match="it redirects more than 3 times"):
        get(f"{website.url}/")

    assert len(website.asked) == 4


class TestMoved:
    """RFC 9110 §15.4: only 301 and 308 say where to ask from now on."""

    @pytest.mark.parametrize(
        ("first", "second", "permanent"),
        [(301, 308, True), (308, 301, True), (301, 302, False), (307, 301, False), (303, 303, False)],
    )
    def test_it_is_named_where_every_step_was_for_good(self, website, first, second, permanent):
        website.answers["/a"] = Answer(status=first, headers={"Location": "/b"})
        website.answers["/b"] = Answer(status=second, headers={"Location": "/c"})
        website.answers["/c"] = Answer(b"news")

        response = get(f"{website.url}/a")

        assert response.moved == (f"{website.url}/c" if permanent else "")

    def test_an_answer_at_once_has_not_moved(self, website):
        website.answers["/"] = Answer(b"news")

        assert get(f"{website.url}/").moved == ""

    def test_a_redirect_that_leads_nowhere_is_an_answer(self, website):
        website.answers["/"] = Answer(status=301)

        assert get(f"{website.url}/").status == 301

    def test_a_location_in_raw_letters_is_followed(self, website):
        website.answers["/"] = Answer(status=302, headers={"Location": "/خبر".encode().decode("latin-1")})
        website.answers["/%D8%AE%D8%A8%D8%B1"] = Answer(b"news")

        assert get(f"{website.url}/").content == b"news"

    @pytest.mark.parametrize(
        "location",
        ["file:///etc/passwd", "javascript:x", "ftp://a.example/", "http://[::1", "http://a:99999/", "http://\x7f"],
    )
    def test_a_redirect_to_what_is_no_web_address_is_a_fetch_error(self, website, location):
        website.answers["/"] = Answer(status=302, headers={"Location": location})

        with pytest.raises(FetchError, match=r"only http and https|no web address"):
            get(f"{website.url}/")


class TestCredentials:
    def test_a_password_in_the_address_is_sent_and_not_repeated(self, website):
        website.answers["/"] = Answer(b"news")

        response = get(website.url.replace("//", "//ada:p%40ss@") + "/")

        assert website.asked[0]["Authorization"] == "Basic " + b64encode(b"ada:p@ss").decode()
        assert response.url == f"{website.url}/"

    def test_another_host_gets_no_credentials(self, website):
        with a_website() as other:
            website.answers["/"] = Answer(status=302, headers={"Location": f"{other.url}/"})
            other.answers["/"] = Answer(b"news")
            secrets = {"Authorization": "Ghost abc", "Cookie": "a=b", "X-Api-Key": "abc", "If-None-Match": '"a"'}

            get(f"{website.url}/", secrets)

            assert [website.asked[0][name] for name in secrets] == [*secrets.values()]
            assert [name for name in secrets if name in other.asked[0]] == ["If-None-Match"]

    def test_a_password_in_a_redirect_is_not_used(self, website):
        website.answers["/"] = Answer(status=302, headers={"Location": website.url.replace("//", "//a:b@") + "/new"})
        website.answers["/new"] = Answer(b"news")

        get(f"{website.url}/")

        assert "Authorization" not in website.asked[1]

    def test_the_same_host_is_asked_with_them_again(self, website):
        website.answers["/"] = Answer(status=302, headers={"Location": "/new"})
        website.answers["/new"] = Answer(b"news")

        get(f"{website.url}/", {"Authorization": "Ghost abc"})

        assert website.asked[1]["Authorization"] == "Ghost abc"

    def test_cookies_are_not_kept(self, website):
        website.answers["/"] = Answer(status=302, headers={"Location": "/new", "Set-Cookie": "a=b"})
        website.answers["/new"] = Answer(b"news")

        get(f"{website.url}/")

        assert "Cookie" not in website.asked[1]

    def test_proxies_and_netrc_of_the_environment_are_not_used(self, website, monkeypatch, tmp_path):
        netrc = tmp_path / ".netrc"
        netrc.write_text("machine 127.0.0.1 login ada password secret")
        for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
            monkeypatch.setenv(name, "http://127.0.0.1:9")
        monkeypatch.setenv("HOME", str(tmp_path))
        monkeypatch.setenv("NETRC", str(netrc))
        website.answers["/"] = Answer(b"news")

        assert get(f"{website.url}/").content == b"news"
        assert "Authorization" not in website.asked[0]

    @pytest.mark.parametrize(
        ("url", "told"),
        [
            ("https://a.example/x?key=abc&page=2", "https://a.example/x?key=…&page=…"),
            ("https://a.example/x?abc", "https://a.example/x?…"),
            ("https://ada:p@ss@a.example/@x#abc", "https://a.example/@x"),
            ("https://a.example/", "https://a.example/"),
            ("http://[::1?key=abc", "http://[::1?key=…"),
            ("https://a.example/\n\x1b[2J", "https://a.example/[2J"),
        ],
    )
    def test_an_address_is_shown_without_what_may_be_secret(self, url, told):
        assert shown(url) == told

    @pytest.mark.parametrize("password", ["{}", "{}/{}", "{}?{}", "{}#{}", "{}@{}", "{}:{}", "{}@{}/{}", "{}/{}@{}",
        "{}@{}?{}", "{}@{}#{}", "{}/@{}", "{} {}", "{}/{} {}", "{}%{}", "{}%2F{}", "{}\\{}", "{}\\{}/{}", "/{}", "#{}",
        "?{}", "//{}", "{}//{}", "123456/{}", "{}[{}]/{}", "{}&{}={}?{}", "{}\n{}/{}", "{}é{}/{}"])  # fmt: skip
    @pytest.mark.parametrize(
        "around",
        [
            "https://user:{}@a.example/feed",
            "HTTP://user:{}@a.example:8080/feed?key=abc#abc",
            "https:////user:{}@a.example/feed",
            "https:/user:{}@a.example/feed",
            "https:user:{}@a.example/feed",
            "https:\\\\user:{}@a.example/feed",
            "//user:{}@a.example/feed",
            "user:{}@a.example/feed",
            " https://user:{}@a.example/feed",
            "ftp://user:{}@a.example/feed",
            "https://us@er:{}@a.example/feed",
            "https://us%40er:{}@a.example/feed",
            "https://user:{}%40a.example/feed",
            "https://user:{}@[::1]/feed",
        ],
    )
    def test_no_part_of_a_password_is_shown_however_it_is_spelled(self, around, password):
        told = shown(around.format(password.replace("{}", "s3cret")))

        assert "s3cret" not in told
        assert "user" not in told
        assert "/feed" in told

    @pytest.mark.parametrize(
        "url",
        [
            "https://a.example/@ada",
            "https://a.example:8080/ada@b.example/feed",
            "https://[2001:db8::1]:8080/@ada",
            "/@ada/feed",
            "https://a.example:99999/",
        ],
    )
    def test_an_address_without_a_password_is_shown_whole(self, url):
        assert shown(url) == url

    @pytest.mark.parametrize("path", ["loop", "large", "slow", "garbled", "away", "bad"])
    def test_no_message_tells_a_key_or_a_password(self, website, path):
        query = "?key=s3cret"
        website.answers[f"/loop{query}"] = Answer(status=302, headers={"Location": f"/loop{query}"})
        website.answers[f"/large{query}"] = Answer(b"x" * 2000)
        website.answers[f"/slow{query}"] = Answer(seconds=0.3)
        website.answers[f"/garbled{query}"] = Answer(b"news", headers={"Content-Encoding": "gzip"})
        website.answers[f"/away{query}"] = Answer(status=302, headers={"Location": f"http://127.0.0.2/{query}"})
        website.answers[f"/bad{query}"] = Answer(status=302, headers={"Location": f"http://a:99999/{query}"})

        with pytest.raises(FetchError) as caught:
            get(website.url.replace("//", "//ada:s3cret@") + f"/{path}{query}", max_bytes=1000, seconds=0.2)

        assert "s3cret" not in str(caught.value)
        assert f"/{path}?key=…" in str(caught.value)


def head(*fields: str) -> bytes:
    return "\r\n".join(["HTTP/1.1 200 OK", *fields, "", ""]).encode()


class TestSize:
    def test_a_body_over_the_cap_is_refused(self, website):
        website.answers["/"] = Answer(b"x" * 1001)

        assert len(get(f"{website.url}/", max_bytes=1001).content) == 1001
        with pytest.raises(FetchError, match="larger than 1,000 bytes"):
            get(f"{website.url}/", max_bytes=1000)

    def test_a_length_over_the_cap_is_refused_before_a_byte_is_read(self):
        def talk(connection: socket.socket, stop: Event) -> None:
            connection.sendall(head("Content-Length: 1000000000"))
            stop.wait(5)

        with a_server(talk) as url, pytest.raises(FetchError, match="larger than 10,000,000 bytes"):
            get(f"{url}/", seconds=5)

    def test_a_304_that_tells_the_length_of_what_it_does_not_send_is_no_large_answer(self):
        def talk(connection: socket.socket, stop: Event) -> None:
            connection.sendall(b"HTTP/1.1 304 Not Modified\r\nContent-Length: 1000000000\r\n\r\n")

        with a_server(talk) as url:
            assert get(f"{url}/").status == 304

    @pytest.mark.parametrize("framing", ["Connection: close", "Transfer-Encoding: chunked"])
    def test_a_body_that_never_ends_is_cut_at_the_cap(self, framing):
        def talk(connection: socket.socket, stop: Event) -> None:
            connection.sendall(head(framing))
            million = bytes(1_000_000)
            while not stop.is_set():
                connection.sendall(b"f4240\r\n%b\r\n" % million if "chunked" in framing else million)

        with a_server(talk) as url, little_memory(), pytest.raises(FetchError, match="larger than 1,000,000 bytes"):
            get(f"{url}/", max_bytes=1_000_000)

    def test_the_cap_counts_what_a_compressed_body_unfolds_to(self, website):
        bomb = zeros(100)
        website.answers["/"] = Answer(bomb, headers={"Content-Encoding": "gzip"})

        assert len(bomb) < 200_000
        with little_memory(), pytest.raises(FetchError, match="larger than 1,000,000 bytes"):
            get(f"{website.url}/", max_bytes=1_000_000)

    def test_a_bomb_in_a_bomb_is_met_too(self, website):
        website.answers["/"] = Answer(gzip.compress(zeros(100)), headers={"Content-Encoding": "gzip, gzip"})

        with little_memory(), pytest.raises(FetchError, match="larger than 1,000,000 bytes"):
            get(f"{website.url}/", max_bytes=1_000_000)

    def test_a_bomb_that_unfolds_to_nothing_is_met_on_the_way(self, website):
        """Nothing comes out of a million empty gzips, but somebody has to look."""
        nothing = gzip.compress(gzip.compress(b"") * 1_000_000)
        website.answers["/"] = Answer(nothing, headers={"Content-Encoding": "gzip, gzip"})

        with little_memory(), pytest.raises(FetchError, match="larger than 1,000,000 bytes"):
            get(f"{website.url}/", max_bytes=1_000_000)


class TestCompression:
    @pytest.mark.parametrize(
        ("coding", "body"),
        [
            ("gzip", gzip.compress(b"news")),
            ("x-gzip", gzip.compress(b"news")),
            ("GZIP", gzip.compress(b"ne") + gzip.compress(b"ws")),
            ("gzip, gzip", gzip.compress(gzip.compress(b"news"))),
            ("deflate", zlib.compress(b"news")),
            ("deflate", zlib.compress(b"news", wbits=-15)),
            ("deflate, gzip", gzip.compress(zlib.compress(b"news"))),
            ("identity", b"news"),
            ("utf-8", b"news"),
        ],
    )
    def test_a_compressed_body_arrives_unfolded(self, website, coding, body):
        website.answers["/"] = Answer(body, headers={"Content-Encoding": coding})

        assert get(f"{website.url}/").content == b"news"

    @pytest.mark.parametrize("size", [65_535, 65_536, 65_537, 131_072, 1_000_000])
    def test_a_body_of_any_size_arrives_whole(self, website, size):
        website.answers["/"] = Answer(gzip.compress(b"x" * size), headers={"Content-Encoding": "gzip"})

        assert get(f"{website.url}/").content == b"x" * size

    @pytest.mark.parametrize("status", [200, 404])
    def test_no_body_needs_no_unfolding(self, website, status):
        website.answers["/"] = Answer(status=status, headers={"Content-Encoding": "gzip"})

        assert get(f"{website.url}/").content == b""

    def test_gzip_alone_is_asked_for(self, website):
        get(f"{website.url}/", {"Accept-Encoding": "br"})

        assert website.asked[0].get_all("Accept-Encoding") == ["gzip"]

    @pytest.mark.parametrize(
        ("coding", "body", "reason"),
        [
            ("gzip", b"news", "not the gzip it claims"),
            ("deflate", b"news", "not the deflate it claims"),
            ("gzip", gzip.compress(b"news")[:-6], "ends in the middle"),
            ("gzip", gzip.compress(b"news") + b"more", "not the gzip it claims"),
            ("br", b"news", "packed as br"),
            ("gzip, gzip, gzip", gzip.compress(gzip.compress(gzip.compress(b"news"))), "packed as gzip, gzip, gzip"),
        ],
    )
    def test_a_body_that_is_not_what_its_encoding_says_is_a_fetch_error(self, website, coding, body, reason):
        website.answers["/"] = Answer(body, headers={"Content-Encoding": coding})

        with pytest.raises(FetchError, match=f"cannot be fetched: .*{reason}"):
            get(f"{website.url}/")


class TestTime:
    def test_a_slow_server_is_given_up(self, website):
        website.answers["/"] = Answer(b"late", seconds=0.5)

        with pytest.raises(FetchError, match=r"no full answer within 0\.1 s"):
            get(f"{website.url}/", seconds=0.1)

    @pytest.mark.parametrize("start", [b"", b"HTTP/1.1 200 OK\r\n", head("Connection: close")])
    def test_an_answer_that_trickles_ends_with_the_time(self, start):
        def talk(connection: socket.socket, stop: Event) -> None:
            connection.sendall(start)
            while not stop.wait(0.02):
                connection.sendall(b"X")

        began = time.monotonic()
        with a_server(talk) as url, pytest.raises(FetchError, match=r"no full answer within 0\.2 s"):
            get(f"{url}/", seconds=0.2)

        assert time.monotonic() - began < 2

    def test_redirects_share_one_deadline(self, website):
        for step in range(4):
            website.answers[f"/{step}"] = Answer(status=302, headers={"Location": f"/{step + 1}"}, seconds=0.15)

        with pytest.raises(FetchError, match=r"redirected to .* gave no full answer within 0\.4 s"):
            get(f"{website.url}/0", seconds=0.4)

    def test_the_wait_for_a_turn_is_not_the_servers_fault(self, website):
        website.answers["/"] = Answer(b"news", seconds=0.15)

        async def all_of_them() -> list[Response]:
            async with Fetcher(["127.0.0.1"], seconds=0.4, per_host=1, pause=0) as http:
                return await asyncio.gather(*(http.get(f"{website.url}/") for _ in range(4)))

        assert [response.content for response in asyncio.run(all_of_them())] == [b"news"] * 4


class TestManners:
    def test_a_host_is_asked_by_so_many_at_once(self, website):
        website.answers["/"] = Answer(b"news", seconds=0.05)

        async def all_of_them() -> None:
            async with Fetcher(["127.0.0.1"], per_host=2, pause=0) as http:
                await asyncio.gather(*(http.get(f"{website.url}/") for _ in range(6)))

        asyncio.run(all_of_them())

        assert (len(website.asked), website.most) == (6, 2)

    def test_there_is_a_pause_between_the_starts_at_one_host(self, website):
        website.answers["/"] = Answer(b"news")

        async def all_of_them() -> None:
            async with Fetcher(["127.0.0.1"], per_host=2, pause=0.1) as http:
                await asyncio.gather(*(http.get(f"{website.url}/") for _ in range(4)))

        asyncio.run(all_of_them())

        assert min(later - earlier for earlier, later in pairwise(sorted(website.began))) > 0.08

    def test_another_host_does_not_wait(self, website):
        website.answers["/"] = Answer(b"news", seconds=0.2)

        async def all_of_them(other: Website) -> float:
            async with Fetcher(["127.0.0.1"], per_host=1, pause=0.2) as http:
                slow = [asyncio.create_task(http.get(f"{website.url}/")) for _ in range(4)]
                await asyncio.sleep(0.05)
                began = time.monotonic()
                await http.get(f"{other.url}/")
                took = time.monotonic() - began
                for task in slow:
                    task.cancel()
                await asyncio.gather(*slow, return_exceptions=True)
                return took

        with a_website() as other:
            assert asyncio.run(all_of_them(other)) < 0.15


def echo(connection: socket.socket, stop: Event) -> None:
    """Keep the connection, as servers do, and say so when the other side closes it."""
    connection.sendall(head("Content-Length: 4") + b"news")
    while connection.recv(1000):
        connection.sendall(head("Content-Length: 4") + b"news")
    stop.closed = getattr(stop, "closed", 0) + 1


class TestEventLoops:
    def test_one_client_serves_one_loop_after_the_other_and_leaves_no_socket(self):
        stops: list[Event] = []

        def talk(connection: socket.socket, stop: Event) -> None:
            stops.append(stop)
            echo(connection, stop)

        async def twice(http: Fetcher, url: str) -> list[bytes]:
            async with http:
                return [(await http.get(f"{url}/")).content for _ in range(2)]

        http = Fetcher(["127.0.0.1"], pause=0)
        with a_server(talk) as url, warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            contents = [asyncio.run(twice(http, url)) for _ in range(3)]
            gc.collect()
            time.sleep(0.05)

            assert contents == [[b"news", b"news"]] * 3
            assert len(stops) == 3  # a connection is kept within one loop
            assert stops[0].closed == 3
        assert [str(warning.message) for warning in caught] == []

    def test_it_is_closed_when_the_last_of_its_users_is_gone(self, website):
        website.answers["/"] = Answer(b"news")

        async def nested() -> bytes:
            http = Fetcher(["127.0.0.1"], pause=0)
            async with http:
                async with http:
                    await http.get(f"{website.url}/")
                return (await http.get(f"{website.url}/")).content

        assert asyncio.run(nested()) == b"news"

    def test_outside_of_its_context_it_says_how_it_is_used(self):
        with pytest.raises(RuntimeError, match="async with"):
            asyncio.run(Fetcher().get("http://127.0.0.1/"))

    def test_what_is_never_used_opens_nothing(self):
        async def nothing() -> float:
            began = time.perf_counter()
            async with Fetcher():
                return time.perf_counter() - began

        assert asyncio.run(nothing()) < 0.01


class TestGarbage:
    @pytest.mark.parametrize(
        "answer",
        [
            b"",
            b"SSH-2.0-OpenSSH_9.2\r\n",
            b"\x00\xff" * 500,
            b"HTTP/1.1\r\n\r\n",
            b"HTTP/1.1 999999 OK\r\n\r\n",
            b"HTTP/1.1 200 OK\r\nno colon\r\n\r\n",
            b"HTTP/1.1 200 OK\r\nA: \x00\r\n\r\n",
            b"HTTP/1.1 200 OK\r\nA: " + b"x" * 200_000,
            b"HTTP/1.1 200 OK\r\nContent-Length: many\r\n\r\n",
            b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nshort",
            b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab",
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: magic\r\n\r\n",
            b"HTTP/1.1 101 Switching\r\n\r\n",
            b"<html>news</html>",
        ],
    )
    def test_what_is_not_http_is_one_clear_fetch_error(self, answer):
        with (
            a_server(lambda connection, stop: connection.sendall(answer)) as url,
            pytest.raises(FetchError) as caught,
        ):
            get(f"{url}/", seconds=2)

        assert str(caught.value).startswith(f"{url}/ cannot be fetched: ")
        assert len(str(caught.value)) < 300

    def test_a_server_that_hangs_up_is_one_too(self):
        with a_server(lambda connection, stop: None) as url, pytest.raises(FetchError, match="disconnected"):
            get(f"{url}/", seconds=2)

    def test_a_port_where_nobody_listens_is_one_too(self):
        with socket.create_server(("127.0.0.1", 0)) as listener:
            port = listener.getsockname()[1]

        with pytest.raises(FetchError, match="Connection refused"):
            get(f"http://127.0.0.1:{port}/", seconds=2)


def a_certificate(folder: Path) -> ssl.SSLContext:
    """One that nobody signed but itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    unlocked = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    (folder / "both.pem").write_bytes(unlocked + certificate.public_bytes(pem))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "both.pem")
    return context


def test_a_server_that_speaks_no_tls_is_named_as_one():
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def listen() -> None:
            with suppress(OSError), listener.accept()[0] as connection:
                connection.sendall(head("Content-Length: 0"))

        thread = Thread(target=listen)
        thread.start()
        try:
            with pytest.raises(FetchError, match="TLS failed"):
                get(f"https://127.0.0.1:{listener.getsockname()[1]}/", seconds=5)
        finally:
            thread.join(5)


def test_a_handshake_that_never_ends_leaves_no_socket():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        with pytest.raises(FetchError, match=r"no full answer within 0\.2 s"):
            get(f"https://127.0.0.1:{listener.getsockname()[1]}/", seconds=0.2)

        connection = listener.accept()[0]
        connection.settimeout(1)
        with connection:
            while connection.recv(10_000):
                pass  # ends when the other side has closed; the test would end with the second


def test_a_certificate_that_nobody_trusts_is_refused(tmp_path):
    context = a_certificate(tmp_path)
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def listen() -> None:
            with suppress(OSError), listener.accept()[0] as connection:
                context.wrap_socket(connection, server_side=True)

        thread = Thread(target=listen)
        thread.start()
        try:
            with pytest.raises(FetchError, match=r"its certificate is not trusted \(self.signed certificate\)"):
                get(f"https://localhost:{listener.getsockname()[1]}/", allow=["localhost"], seconds=5)
        finally:
            thread.join(5)


@pytest.mark.parametrize(
    "url",
    [
        "http://no-such-host.invalid/",
        "http://" + "a" * 70 + ".example/",
        "http://[::1",
        "http://",
        "http://a b/",
        "http://127.0.0.1:99999/",
        "http://127.0.0.1/\n",
        "http:///news",
        "http://" + "x" * 70_000,
    ],
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


def test_the_metadata_of_a_cloud_is_out_of_reach(website):
    website.answers["/"] = Answer(status=302, headers={"Location": "http://169.254.169.254/latest/meta-data/"})

    with pytest.raises(FetchError, match=r"redirected to http://169\.254\.169\.254/.* private address"):
        get(f"{website.url}/")


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


class TestNames:
    """Names that point inside: there is none in the real DNS to rely on, so the resolver is a fake."""

    @pytest.fixture
    def resolved(self, monkeypatch):
        """Where each name leads; `asked` are the names that were looked up."""
        names: dict[str, list[str]] = {}
        asked: list[str] = []

        def look_up(host: str, port: int, *args: object, **kwargs: object) -> list[tuple[object, ...]]:
            asked.append(host)
            return [(socket.AF_INET6 if ":" in one else socket.AF_INET, 1, 6, "", (one, port)) for one in names[host]]

        monkeypatch.setattr(socket, "getaddrinfo", look_up)
        return names, asked

    @pytest.mark.parametrize(
        "addresses",
        [
            ["10.0.0.1"],
            ["169.254.169.254"],
            ["fd00:ec2::254"],
            ["::ffff:127.0.0.1"],
            ["93.184.216.34", "127.0.0.1"],
        ],
    )
    def test_a_name_with_a_private_address_is_refused(self, resolved, addresses):
        names, _ = resolved
        names["wire.example"] = addresses

        with pytest.raises(FetchError, match=r'wire\.example is at .* allow_private = \["wire\.example"\]'):
            get("http://wire.example/", seconds=2)

    def test_a_name_is_looked_up_once_and_that_address_is_connected_to(self, resolved, website):
        names, asked = resolved
        names["wire.example"] = ["127.0.0.1"]
        website.answers["/"] = Answer(b"news")
        port = website.url.rpartition(":")[2]

        response = get(f"http://wire.example:{port}/", allow=["Wire.Example"])

        assert (response.content, asked) == (b"news", ["wire.example"])
        assert website.asked[0]["Host"] == f"wire.example:{port}"

    def test_a_name_server_that_is_silent_ends_with_the_time(self, monkeypatch):
        monkeypatch.setattr(socket, "getaddrinfo", lambda *args, **kwargs: time.sleep(0.5))

        with pytest.raises(FetchError, match=r"no full answer within 0\.1 s"):
            get("http://wire.example/", seconds=0.1)

    @pytest.fixture
    def silent(self, monkeypatch):
        """Names that nobody knows about until the end of the test; `asked` are those that were looked up."""
        end, asked = Event(), []

        def look_up(host: str, *args: object, **kwargs: object) -> list[tuple[object, ...]]:
            asked.append(host)
            if host.startswith("slow"):
                end.wait(8)
                raise socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution")
            return [(socket.AF_INET, 1, 6, "", ("127.0.0.1", 0))]

        monkeypatch.setattr(socket, "getaddrinfo", look_up)
        yield asked
        end.set()

    @pytest.mark.parametrize("host", ["127.0.0.1", "wire.example"])
    def test_a_name_server_that_is_silent_holds_up_no_other_name(self, silent, website, host):
        website.answers["/"] = Answer(b"news")
        port = website.url.rpartition(":")[2]

        async def among_the_slow() -> float:
            async with Fetcher([host], seconds=4, pause=0) as http:
                slow = [asyncio.create_task(http.get(f"http://slow{number}.example/")) for number in range(16)]
                await asyncio.sleep(0.1)
                began = time.monotonic()
                await http.get(f"http://{host}:{port}/")
                took = time.monotonic() - began
                for task in slow:
                    task.cancel()
                await asyncio.gather(*slow, return_exceptions=True)
                return took

        assert asyncio.run(among_the_slow()) < 1
        assert len(silent) == (16 if host == "127.0.0.1" else 17)  # what is an address needs no name server

    def test_a_name_that_many_wait_for_is_looked_up_once(self, silent):
        async def all_of_them() -> list[object]:
            async with Fetcher(seconds=0.2, per_host=20, pause=0) as http:
                return await asyncio.gather(
                    *(http.get(f"http://slow.example:{port}/") for port in range(80, 84) for _ in range(5)),
                    return_exceptions=True,
                )

        assert all("no full answer" in str(error) for error in asyncio.run(all_of_them()))
        assert silent == ["slow.example"]

    def test_who_gives_up_on_a_name_does_not_end_it_for_the_others(self, monkeypatch, website):
        website.answers["/"] = Answer(b"news")
        port = website.url.rpartition(":")[2]
        found = [(socket.AF_INET, 1, 6, "", ("127.0.0.1", 0))]
        monkeypatch.setattr(socket, "getaddrinfo", lambda *args, **kwargs: time.sleep(0.3) or found)

        async def two() -> bytes:
            async with Fetcher(["wire.example"], pause=0) as http:
                first, second = (asyncio.create_task(http.get(f"http://wire.example:{port}/")) for _ in range(2))
                await asyncio.sleep(0.1)
                first.cancel()
                return (await second).content

        assert asyncio.run(two()) == b"news"


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
        ("2001:0:808:808:0:f227:80ff:fffe", False),
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
