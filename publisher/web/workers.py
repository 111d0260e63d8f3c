"""Several processes that serve one socket, and the one that keeps them.

A process that dies is replaced, unless it died so soon that the next would too: then all of it ends with an error.
SIGTERM and SIGINT end them all, and so does the death of the keeper.
"""

import os
import signal
from collections.abc import Callable
from multiprocessing import get_context
from multiprocessing.process import BaseProcess
from time import monotonic

import structlog

from publisher.errors import PublisherError

_SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGCHLD)
_TOO_SOON = 3.0  # seconds

log = structlog.get_logger()


def cores() -> int:
    """How many this process may use."""
    return len(os.sched_getaffinity(0))


def keep(count: int, work: Callable[[int], None]) -> None:
    """Run `work` in `count` processes until a signal. It is given a descriptor that can be read once it has to end."""
    ours, theirs = os.pipe()
    # Blocked, they wait for `sigwait`; a blocked SIGCHLD is not lost between two looks.
    before = signal.pthread_sigmask(signal.SIG_BLOCK, _SIGNALS)

    def begin() -> BaseProcess:
        worker = get_context("fork").Process(target=_begin, args=(work, ours, theirs, before))
        worker.start()
        return worker

    workers = {begin(): monotonic() for _ in range(count)}
    try:
        while signal.sigwait(_SIGNALS) == signal.SIGCHLD:
            for worker in [one for one in workers if not one.is_alive()]:
                lived = monotonic() - workers.pop(worker)
                if lived < _TOO_SOON:
                    raise PublisherError(f"a serving process ended at once, with exit code {worker.exitcode}.")
                log.warning("a serving process died and is replaced", process=worker.pid, exitcode=worker.exitcode)
                workers[begin()] = monotonic()
    finally:
        os.close(theirs)
        for worker in workers:
            worker.join()
        os.close(ours)
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _begin(work: Callable[[int], None], ours: int, theirs: int, mask: set[signal.Signals]) -> None:
    os.close(theirs)
    signal.pthread_sigmask(signal.SIG_SETMASK, mask)
    work(ours)
