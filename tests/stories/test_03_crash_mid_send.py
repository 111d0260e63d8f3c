"""kill -9 in the middle of a send: nobody is lost, and at most one copy per connection goes out twice."""

import random
import signal
import time
from collections import Counter
from threading import Lock

import pytest

from tests.servers import FaultServer

READERS = 400
CONNECTIONS = 4
KILLS = 4


class SlowSink(FaultServer):
    """Takes its time, so that a kill meets copies in every phase."""

    def __init__(self) -> None:
        self.lock = Lock()
        super().__init__(self.answer)

    def answer(self, verb: str, line: str) -> str:
        if verb == "BODY":
            time.sleep(0.002)
        return ""


@pytest.mark.parametrize("on_uncertain", ["resend", "hold"])
def test_a_killed_and_resumed_send_loses_nobody(newsroom, store_url, on_uncertain):
    random.seed(20261120)
    with SlowSink().running() as sink:
        smtp = f'[transport]\ntype = "smtp"\nhost = "127.0.0.1"\nport = {sink.port}\nsecurity = "none"\n'
        delivery = f'connections = {CONNECTIONS}\n[delivery]\non_uncertain = "{on_uncertain}"\nbatch = 150\n'
        newsroom.write(smtp + delivery, store=store_url)
        newsroom.article("world/one.md").readers(*(f"reader{number}@example.org,,*" for number in range(READERS)))
        newsroom.run("gather")
        edition = str(newsroom.json("editions", "build", "briefing")["id"])

        kills = 0
        while kills < KILLS:
            before = len(sink.accepted)
            process = newsroom.start("editions", "send", edition, "--yes")
            wanted = before + random.randint(1, READERS // (KILLS + 2))
            while len(sink.accepted) < wanted and process.poll() is None:
                time.sleep(0.001)
            process.send_signal(signal.SIGKILL)
            process.communicate()
            kills += 1
        newsroom.run("editions", "send", edition, "--yes", code=0 if on_uncertain == "resend" else 3)

        shown = newsroom.json("editions", "show", edition)
        times = Counter(sink.accepted)
        copies = sum(times.values()) - len(times)
        assert sum(shown["deliveries"].values()) == READERS
        if on_uncertain == "resend":
            assert shown["deliveries"] == {"accepted": READERS}
            assert len(times) == READERS
            assert copies <= kills * CONNECTIONS
        else:
            assert copies == 0
            assert shown["deliveries"]["uncertain"] <= kills * CONNECTIONS
            assert len(times) >= READERS - shown["deliveries"]["uncertain"]


def test_a_copy_that_is_sent_again_is_the_same_message(newsroom):
    """The reader's mailbox can tell: same Message-ID, same bytes."""
    fall = iter(["accept and drop"])
    with FaultServer(lambda verb, line: next(fall, "") if verb == "BODY" else "").running() as server:
        smtp = f'[transport]\ntype = "smtp"\nhost = "127.0.0.1"\nport = {server.port}\nsecurity = "none"\n'
        newsroom.write(smtp).article("world/one.md").readers("ada@example.org,,*")
        newsroom.run("gather")
        edition = str(newsroom.json("editions", "build", "briefing")["id"])

        newsroom.run("editions", "send", edition, "--yes")

        assert server.accepted == ["ada@example.org"] * 2
        assert server.bodies[0] == server.bodies[1]


def test_ctrl_c_lets_the_copies_in_hand_arrive_and_sends_none_twice(newsroom):
    def script(verb, line):
        if verb == "BODY":
            time.sleep(0.05)
        return ""

    with FaultServer(script).running() as server:
        smtp = f'[transport]\ntype = "smtp"\nhost = "127.0.0.1"\nport = {server.port}\nsecurity = "none"\n'
        newsroom.write(smtp).article("world/one.md").readers(
            *(f"reader{number}@example.org,,*" for number in range(60))
        )
        newsroom.run("gather")
        edition = str(newsroom.json("editions", "build", "briefing")["id"])
        process = newsroom.start("editions", "send", edition, "--yes")
        while len(server.accepted) < 5 and process.poll() is None:
            time.sleep(0.01)

        process.send_signal(signal.SIGINT)
        said, _ = process.communicate(timeout=30)
        stopped_at = len(server.accepted)
        newsroom.run("editions", "send", edition, "--yes")

        assert "Type the same line again" in said
        assert 5 <= stopped_at < 60
        assert Counter(server.accepted) == {f"reader{number}@example.org": 1 for number in range(60)}
