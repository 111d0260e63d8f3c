"""A made-up journal to measure with: its sections, articles and readers, the same at every run."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from random import Random
from zoneinfo import ZoneInfo

from publisher.model.article import Article, Author, Image
from publisher.model.newsletter import Mailbox, Newsletter, Publication, Section
from publisher.model.subscriber import Reader, Subscription

TEASER_WORDS = 60
SECRET = "the benchmarks' own key, longer than thirty-two characters"

PUBLICATION = Publication(
    name="The Meridian Journal",
    url="https://journal.example",
    zone=ZoneInfo("Asia/Karachi"),
    language="en",
    description="Foreign affairs, trade and the climate, seen from the south",
    address="14 Canal Bank Road, Lahore",
    kinds=("Analysis", "Opinion", "Explainer"),
    sections=(
        Section("world", "World"),
        Section("world/asia", "Asia and the Pacific"),
        Section("world/europe", "Europe"),
        Section("economy", "Economy"),
        Section("economy/trade", "Trade and Customs"),
        Section("politics", "Politics"),
        Section("climate", "Climate"),
        Section("technology", "Technology"),
        Section("science", "Science"),
        Section("health", "Health"),
        Section("culture", "Culture"),
        Section("opinion", "Opinion & Letters"),
    ),
)

NEWSLETTER = Newsletter(
    name="briefing",
    title="The Morning Briefing",
    sections=("*",),
    schedule={"daily": "0 7 * * *"},
    sender=Mailbox("The Meridian Journal", "briefing@journal.example"),
    max_articles=100,
)

_WHO = (
    "The port authority", "A coalition of small islands", "São Paulo’s water board", "The finance ministry",
    "A team from Kraków", "The opposition", "An appeals court", "The fishing fleet", "Lahore’s textile mills",
    "The central bank", "Two former ministers", "The observatory", "A grain exporter in Odesa", "The city’s nurses",
)  # fmt: skip
_DOES = (
    "has agreed to publish", "refused to sign", "wants to postpone", "will pay twice as much for", "found a fault in",
    "is quietly buying", "asked neighbours to share", "can no longer insure", "warned investors about", "has rebuilt",
)  # fmt: skip
_WHAT = (
    "the tariff schedule", "a second desalination plant", "its reserves of wheat", "the treaty’s third annex",
    "forty kilometres of railway", "the vaccine register", "an undersea cable", "the census of glaciers",
    "its oldest archive", "the minimum wage", "a satellite nobody owns", "the monsoon forecast", "a loan of €2.4bn",
)  # fmt: skip
_WHEN = (
    "before the winter session", "for the first time since 1998", "although the figures were known in June",
    "— a step that officials called “routine” —", "after three nights of talks", "while the courts were closed",
    "and left the details to a committee", "despite a letter from eleven governors", "as prices fell by 7.5%",
)  # fmt: skip
_FORENAMES = ("Amina", "Björn", "Chidi", "Dolores", "Émile", "Farah", "Grace", "Haruto", "Inés", "Jamal", "Katarzyna")
_SURNAMES = ("Abbasi", "Brandt", "Castillo", "Dlamini", "Ekström", "Farooqi", "García", "Hughes", "Iqbal", "O’Neill")


def articles(count: int, now: datetime, first: int = 1) -> list[Article]:
    """Stories with a half-hour between them, each under one to three sections, every third with a picture."""
    return [_article(number, Random(number), now) for number in range(first, first + count)]


def _article(number: int, chance: Random, now: datetime) -> Article:
    paths = [section.path for section in PUBLICATION.sections]
    primary = paths[number % len(paths)]
    more = [path for path in chance.sample(paths, chance.choice((0, 0, 1, 2))) if path != primary]
    slug = f"{primary.rpartition('/')[2]}-story-{number}"
    url = f"{PUBLICATION.url}/{primary}/2026/{slug}"
    return Article(
        source="desk",
        source_id=slug,
        headline=f"{chance.choice(_WHO)} {chance.choice(_DOES)} {chance.choice(_WHAT)} ({number})",
        body=f"<p>{_words(chance, 400)}</p>",
        language="en",
        content_hash=slug,
        url=url,
        kind=chance.choice(("", "", *PUBLICATION.kinds)),
        teaser=_words(chance, TEASER_WORDS),
        authors=tuple(Author(_name(chance)) for _ in range(chance.choice((1, 1, 2)))),
        published=now - timedelta(minutes=31 * number),
        sections=(primary, *more),
        image=Image(f"{url}/lead.jpg", _words(chance, 9), "", _name(chance)) if number % 3 == 0 else None,
        words=chance.randrange(300, 1800),
        slug=slug,
        id=number,
    )


def _words(chance: Random, count: int) -> str:
    words: list[str] = []
    while len(words) < count:
        sentence = " ".join(chance.choice(part) for part in (_WHO, _DOES, _WHAT, _WHEN))
        words += f"{sentence}.".split()
    return " ".join(words[:count]).rstrip(".,—") + "."


def _name(chance: Random) -> str:
    return f"{chance.choice(_FORENAMES)} {chance.choice(_SURNAMES)}"


def readers(count: int, fewest: int, most: int) -> Iterator[tuple[Reader, Subscription]]:
    """Readers who chose from `fewest` to `most` of the twelve sections; a fifth gave no name."""
    paths = [section.path for section in PUBLICATION.sections]
    chance = Random(count)
    for number in range(1, count + 1):
        chosen = chance.sample(paths, chance.randint(fewest, most))
        name = _name(chance) if number % 5 else ""
        address = f"reader-{number}@town-{number % 97}.example"
        reader = Reader(address, name, key=f"{chance.getrandbits(128):032x}", id=number)
        yield reader, Subscription(NEWSLETTER.name, "daily", tuple(chosen))
