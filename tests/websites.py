"""Real HTTP servers for tests, on 127.0.0.1, ended by whoever started them."""

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread


@dataclass
class Answer:
    body: bytes = b""
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    seconds: float = 0


@contextmanager
def serving(answer: Callable[[str, Mapping[str, str]], Answer]) -> Iterator[str]:
    """Serve what `answer` gives for a path with its query and the request's headers; yield the address."""

    class Handler(BaseHTTPRequestHandler):
        disable_nagle_algorithm = True

        def do_GET(self) -> None:
            given = answer(self.path, self.headers)
            self.send_response(given.status)
            length = {} if given.status == 304 else {"Content-Length": str(len(given.body))}
            for name, value in {**given.headers, **length}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(given.body)

        def log_message(self, *_: object) -> None:
            """Quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@dataclass
class Website:
    """Answers by path; `asked` are the headers of every request. An ETag that comes back is a 304.

    `began` says when each request came, `most` how many were there at once.
    """

    url: str = ""
    answers: dict[str, Answer] = field(default_factory=dict)
    asked: list[Mapping[str, str]] = field(default_factory=list)
    began: list[float] = field(default_factory=list)
    here: int = 0
    most: int = 0

    def answer(self, path: str, headers: Mapping[str, str]) -> Answer:
        self.asked.append(headers)
        self.began.append(time.monotonic())
        self.here += 1
        self.most = max(self.most, self.here)
        try:
            given = self.answers.get(path, Answer(status=404))
            time.sleep(given.seconds)
        finally:
            self.here -= 1
        etag = given.headers.get("ETag")
        return Answer(status=304) if etag is not None and headers.get("If-None-Match") == etag else given


@contextmanager
def a_website() -> Iterator[Website]:
    site = Website()
    with serving(site.answer) as site.url:
        yield site
