"""Pressing an edition cold against the one premailer call that it cannot do without.

Cold is what a press does once in its life: templates are compiled anew, and nothing is remembered. The call to
premailer gets the very page that the press gives it. Both take turns, and the median of each counts.
"""

from statistics import median

from premailer import Premailer

from benchmarks import journal
from benchmarks.edition import ARTICLES, a_view, make_plate, placements, timed
from publisher.render.environment import Templates, shipped
from publisher.render.seal import Seal

ROUNDS = 7
BAR = 3


def main() -> None:
    page = rendered()
    make_plate()  # what Python imports and compiles once is no part of a press
    bare(page)
    presses, calls = [], []
    for _ in range(ROUNDS):
        plate, spent = timed(lambda: make_plate(Templates(journal.PUBLICATION, shipped())))
        presses.append(spent)
        _, spent = timed(lambda: bare(page))
        calls.append(spent)
    print(f"{ARTICLES} articles; {len(page):,} characters of HTML to inline; a plate of {len(plate.dump()):,} bytes")
    print(f"pressing, cold: {median(presses) * 1000:.0f} ms; premailer alone: {median(calls) * 1000:.0f} ms")
    print(f"the bar: ratio <= {BAR}")
    print(f"press ratio={median(presses) / median(calls):.2f}")


def rendered() -> str:
    """The page as the press hands it to the inliner."""
    seal = Seal("0" * 24)
    view = a_view(placements())
    values = {"edition": view, "language": view.language, "reader": seal.reader, "marks": seal}
    return Templates(journal.PUBLICATION, shipped()).render(f"email/{view.layout}.html.j2", values)


def bare(page: str) -> str:
    """premailer as its manual has it, kept from the network."""
    inlined = Premailer(page, allow_network=False, disable_validation=True, cssutils_logging_level=50).transform()
    return str(inlined)


if __name__ == "__main__":
    main()
