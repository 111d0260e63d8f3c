"""A publication's feeds and their list as files on a static host, for a browser to open."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any, ClassVar

from publisher.model.article import Article, Author, Image
from publisher.model.newsletter import Publication, Section
from publisher.render import feed, page
from publisher.render.environment import Templates, shipped
from publisher.render.page import FeedGroup, FeedLink
from tests.builders import NOW, a_publication, an_article, templates

URDU = "خلیج کی نئی سفارت کاری اور اس کے دور رس اثرات"
URDU_TEASER = "خاموش مذاکرات نے وہ کر دکھایا جو کانفرنسیں نہ کر سکیں: ایک معاہدہ جس پر سب عمل کر رہے ہیں۔"
LONG_WORD = "Donaudampfschifffahrtsgesellschaftskapitänsmützenabzeichenfabrik"
MUSCAT = (
    "Officials from four capitals have met eleven times this year, in a hotel that is on no map of the talks. "
    "What they agreed is small, and it is holding."
)
PORT = (
    "The number of calls fell by a tenth; the number of containers rose. The terminal’s new cranes explain half of it."
)
MAP = "A line drawn by hand in 1914 still decides who may fish where. It is time that somebody asked the fishermen."
SECTIONS = (
    Section("world", "Global Affairs"),
    Section("world/diplomacy", "Diplomacy and Foreign Policy"),
    Section("economy", "Economy"),
    Section("climate", "Climate"),
)
ENGLISH: dict[str, Any] = {
    "name": "The Meridian Journal", "description": "News and policy from the Indian Ocean to the Arctic",
    "sections": SECTIONS, "address": "14 Harbour Road, Karachi",
}  # fmt: skip
IN_URDU: dict[str, Any] = {
    "name": "روزنامہ نصف النہار", "description": "بحرِ ہند سے قطبِ شمالی تک خبریں اور تجزیے", "language": "ur",
    "sections": (Section("world", "عالمی امور"), Section("world/asia", "ایشیا"), Section("economy", "معیشت")),
    "address": "کراچی", "kinds": ("تجزیہ",),
}  # fmt: skip
FEEDS = ("rss.xml", "atom.xml", "archive-1.xml")


def english() -> list[Article]:
    ada, leila, omar, ines = map(Author, ("Ada Writer", "Leila Haddad", "Omar Siddiqui", "Ines Ortega"))
    picture = Image("https://journal.example/port.jpg", "Cranes at dawn", "The new terminal", "A Photographer")
    told = [
        ("A quiet channel through Muscat", MUSCAT, (leila, omar), "Analysis"),
        ("Karachi’s port: fewer ships, fuller boxes", PORT, (ada,), ""),
        (LONG_WORD, "Eine lange Überschrift, wie sie nur eine Sprache kennt, die Wörter zusammensetzt.", (), ""),
        (URDU, URDU_TEASER, (Author("عائشہ لکھاری"),), ""),
        ("The budget in five numbers", "", (ada,), ""),
        ("A siren below the ice", "Seismologists hear the glacier before anyone sees it move.", (ines,), ""),
        ("Nobody signs a map", MAP, (ines, ada), "Opinion"),
    ]  # fmt: skip
    return [
        an_article(
            number, headline=headline, teaser=teaser, authors=authors, kind=kind or None, image=picture,
            language="ur" if headline == URDU else "en", tags=("a tag nobody reads here",),
        )
        for number, (headline, teaser, authors, kind) in enumerate(told, 1)
    ]  # fmt: skip


def in_urdu() -> list[Article]:
    ali = Author("علی رضا")
    told = [
        (URDU, URDU_TEASER, (Author("عائشہ لکھاری"),)),
        ("کراچی کی بندرگاہ: کم جہاز، زیادہ سامان", "نئی کرینوں نے نصف فرق پیدا کیا۔", (ali, Author("Ada Writer"))),
        ("برف کے نیچے ایک سائرن", "زلزلہ پیما برفانی تودے کو ہلنے سے پہلے سن لیتے ہیں۔", ()),
        ("پانچ اعداد میں بجٹ", "", (ali,)),
    ]  # fmt: skip
    return [
        an_article(number, headline=headline, teaser=teaser, authors=authors, language="ur", image=None)
        for number, (headline, teaser, authors) in enumerate(told, 1)
    ]


def files(publication: Publication, stories: list[Article]) -> dict[str, str]:
    """The files of a site that has its feeds and the list of them, by path."""
    desk = templates(publication)
    view = feed.FeedView(
        publication, "tag:journal.example,2026-01-01:feeds", publication.name, publication.description, "feeds",
        f"{publication.url}/", publication.language, NOW, [_entry(story, publication, desk) for story in stories],
    )  # fmt: skip
    empty = replace(view, entries=[])
    return {
        "style.css": (shipped() / "templates/web/style.css").read_text("utf-8"),
        "feeds/feed.css": page.feed_stylesheet(desk),
        "feeds/index.html": page.feeds_page(groups(publication), publication, desk),
        "feeds/rss.xml": feed.render(view, "rss").decode(),
        "feeds/atom.xml": feed.render(view, "atom").decode(),
        "feeds/archive-1.xml": feed.render(replace(view, archive=1), "atom").decode(),
        "feeds/empty.xml": feed.render(empty, "rss").decode(),
    }


def _entry(story: Article, publication: Publication, desk: Templates) -> feed.Entry:
    filed = replace(story, tag=f"tag:journal.example,2026-01-01:articles/{story.slug}", updated=NOW - timedelta(1))
    url = f"{publication.url}/articles/{'a-long-name-of-a-story-' * 4}{story.slug}.html"
    return feed.entry(filed, url, page.entry_body(filed, publication, desk), publication, "1", NOW)


def groups(publication: Publication) -> list[FeedGroup]:
    """The list of feeds as a newsroom has them, with an author whose name is written from the other side."""
    url, spoken = f"{publication.url}/feeds", publication.language
    urdu, latin = ("عائشہ لکھاری", "ur"), ("Ada Writer", "en")

    def link(title: str, path: str, level: int = 1, language: str = spoken) -> FeedLink:
        return FeedLink(title, level, language, {form: f"{url}/{path}{name}" for form, name in feed.FILES.items()})

    return [
        FeedGroup("everything", [link(publication.name, "")]),
        FeedGroup("section", [link(one.title, f"{one.path}/", one.level) for one in publication.sections]),
        FeedGroup("kind", [link(kind, f"kind/{number}/") for number, kind in enumerate(publication.kinds)]),
        FeedGroup("author", [link(*urdu[:1], "by/ayesha/", 1, urdu[1]), link(latin[0], "by/ada-writer/", 1, latin[1])]),
        FeedGroup("newsletter", [link("The Morning Briefing", "newsletter/briefing/", 1, "en")]),
    ]


class _StaticHost(SimpleHTTPRequestHandler):
    """What a static host answers: .xml is application/xml there."""

    extensions_map: ClassVar = {**SimpleHTTPRequestHandler.extensions_map, ".xml": "application/xml"}

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def hosted(folder: Path) -> Iterator[str]:
    """The address of a host that serves `folder`, on a free port: `en/` and `ur/` are two publications."""
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(_StaticHost, directory=str(folder))) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        try:
            address = f"http://127.0.0.1:{server.server_port}"
            for name, given, stories in (("en", ENGLISH, english()), ("ur", IN_URDU, in_urdu())):
                for path, content in files(a_publication(url=f"{address}/{name}", **given), stories).items():
                    (folder / name / path).parent.mkdir(parents=True, exist_ok=True)
                    (folder / name / path).write_text(content, "utf-8")
            yield address
        finally:
            server.shutdown()
            thread.join()
