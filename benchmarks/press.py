"""Pressing an edition cold against the one premailer call that it cannot do without.

Cold: each is the first thing that a fresh Python does after its imports, with nothing compiled or remembered. premailer
gets the very page that the press hands to its inliner. Both take turns, and the median of each counts, in seconds of
processor time.
"""

import subprocess
import sys
from statistics import median

from premailer import Premailer

import publisher.render.inline  # noqa: F401 - so that no import is measured
from benchmarks import journal
from benchmarks.edition import ARTICLES, TEMPLATES, a_view, make_plate, placements, timed
from publisher.render.environment import Templates, shipped
from publisher.render.seal import Seal

ROUNDS = 7
BAR = 3


def main() -> None:
    presses, calls = [], []
    for _ in range(ROUNDS):
        presses.append(alone("press"))
        calls.append(alone("premailer"))
    page, plate = rendered(), make_plate()
    print(f"{ARTICLES} articles; {len(page):,} characters of HTML to inline; a plate of {len(plate.dump()):,} bytes")
    print(f"pressing, cold: {median(presses) * 1000:.0f} ms; premailer alone: {median(calls) * 1000:.0f} ms")
    print(f"the bar: ratio <= {BAR}")
    print(f"press ratio={median(presses) / median(calls):.2f}")


def alone(what: str) -> float:
    """Seconds that it takes in a process of its own."""
    command = [sys.executable, "-m", "benchmarks.press", what]
    return float(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def press() -> float:
    return timed(lambda: make_plate(TEMPLATES))[1]


def premailer() -> float:
    """As its manual has it, kept from the network."""
    page = rendered()
    return timed(
        lambda: Premailer(page, allow_network=False, disable_validation=True, cssutils_logging_level=50).transform()
    )[1]


def rendered() -> str:
    """The page as the press hands it to the inliner."""
    seal = Seal("0" * 24)
    view = a_view(placements())
    values = {"edition": view, "language": view.language, "reader": seal.reader, "marks": seal}
    return Templates(journal.PUBLICATION, shipped()).render(f"email/{view.layout}.html.j2", values)


if __name__ == "__main__":
    if sys.argv[1:]:
        print({"press": press, "premailer": premailer}[sys.argv[1]]())
    else:
        main()
