"""WebSub hubs for tests: real servers on 127.0.0.1, ended by whoever started them."""

import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Thread
from urllib.parse import parse_qs


@dataclass
class Hub:
    """Comes for a feed at once when it is told of it, as WebSub §7 has it, unless its answer is a failure.

    `told` are the topics of every ping, `fetched` what it found there. It answers when `free` is set.
    """

    status: int = 204
    headers: Mapping[str, str] = field(default_factory=dict)
    words: bytes = b""
    refuses: str = ""
    url: str = ""
    told: list[str] = field(default_factory=list)
    fetched: list[tuple[str, bytes]] = field(default_factory=list)
    free: Event = field(default_factory=Event)

    def heard(self, word: bytes) -> bool:
        return any(word in content for _, content in self.fetched)

    def hear(self, content_type: str, body: bytes) -> int:
        """Take a ping; return the status of the answer."""
        form = parse_qs(body.decode("ascii"), strict_parsing=True)
        topic = form["hub.url"][0]
        assert content_type == "application/x-www-form-urlencoded"
        assert form == {"hub.mode": ["publish"], "hub.url": [topic], "hub.topic": [topic]}
        self.told.append(topic)
        self.free.wait(20)
        if self.refuses and self.refuses in topic:
            return 400
        if 200 <= self.status < 300:
            with urllib.request.urlopen(topic, timeout=5) as answer:
                self.fetched.append((topic, answer.read()))
        return self.status


@contextmanager
def a_hub() -> Iterator[Hub]:
    hub = Hub()
    hub.free.set()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            length = int(self.headers["Content-Length"])
            self.send_response(hub.hear(self.headers["Content-Type"], self.rfile.read(length)))
            for name, value in {**hub.headers, "Content-Length": str(len(hub.words))}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(hub.words)

        def log_message(self, *_: object) -> None:
            """Quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    hub.url = f"http://127.0.0.1:{server.server_port}/"
    try:
        yield hub
    finally:
        hub.free.set()
        server.shutdown()
        thread.join()
        server.server_close()
