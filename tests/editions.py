"""Editions to judge by eye and by program: a small journal in each of five languages, its stories in `data/editions`.

Pictures stand at https://journal.example/pictures/….jpg; whoever shows a copy in a browser answers for them.
"""

import tomllib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from email import message_from_bytes
from email.policy import default
from functools import cache
from pathlib import Path
from typing import Any

from publisher.clean.text import from_html
from publisher.model.article import Article, Author, Image, Related
from publisher.model.delivery import Copy, Delivery
from publisher.model.newsletter import (
    Design,
    Edition,
    EditionState,
    Mailbox,
    Newsletter,
    Placement,
    Publication,
    Section,
)
from publisher.model.theme import PLAIN, Theme
from publisher.render import edition as layouts
from publisher.render import mail
from publisher.render.edition import EditionView
from publisher.render.plate import Plate
from tests.builders import NOW, a_newsletter, a_publication, templates, tokens

LANGUAGES = ("en", "ur", "ar", "ja", "de")
LAYOUTS = tuple(Design)
KEY = "briefing/daily/2026-11-20T07:00"
_FOLDER = Path(__file__).parent / "data/editions"
PICTURES = "https://journal.example/pictures"
_URL = "https://journal.example"


@dataclass(frozen=True)
class Journal:
    """A publication, its newsletter, and an edition of it: articles by id, laid out by `placements`."""

    publication: Publication
    newsletter: Newsletter
    edition: Edition
    articles: Mapping[int, Article]
    placements: tuple[Placement, ...]


def an_edition(language: str, layout: str = Design.DIGEST, *, theme: Theme = PLAIN, repeat: int = 1) -> Journal:
    """A journal in its language. `repeat` prints its stories so many times over, for a long edition."""
    told = _told(language)
    sections = tuple(Section(path, title) for path, title in told["sections"].items())
    publication = a_publication(
        name=told["name"], description=told["description"], address=told["address"], language=language,
        kinds=tuple(told["kinds"]), sections=sections, theme=theme,
    )  # fmt: skip
    newsletter = a_newsletter(
        title=told["newsletter"], sender=Mailbox(told["name"], "briefing@journal.example"), layout=Design(layout)
    )
    edition = Edition(
        1, "briefing", "daily", "2026-11-20T07:00", EditionState.APPROVED, NOW, greeting=told["note"].strip()
    )
    stories = [_article(number, one, told, language) for number, one in enumerate(told["story"] * repeat, 1)]
    articles = {article.id: article for article in stories}
    return Journal(publication, newsletter, edition, articles, tuple(_placements(sections, stories)))


def view(language: str, layout: str = Design.DIGEST, **changes: Any) -> EditionView:
    """What templates see of the edition."""
    journal = an_edition(language, layout, **changes)
    return layouts.view(
        journal.edition, journal.newsletter, journal.publication, journal.placements, journal.articles, _URL
    )


def plate(language: str, layout: str = Design.DIGEST, **changes: Any) -> Plate:
    journal = an_edition(language, layout, **changes)
    return mail.make_plate(
        view(language, layout, **changes),
        journal.placements,
        templates(journal.publication),
        digest=tokens().seal(KEY),
        now=NOW,
    )


def copy(language: str, layout: str = Design.DIGEST, *, sections: Iterable[str] = ("*",), **changes: Any) -> Copy:
    """The copy of a reader of these sections."""
    delivery = Delivery(1, 1, "ada@example.org", "Ada", "key-of-ada", tuple(sections))
    printed = _printer(language, layout, **changes).print(delivery)
    assert printed is not None, f"nothing in the edition is in {sections}"
    return printed


def html_of(copy: Copy) -> str:
    return _part(copy, "html")


def text_of(copy: Copy) -> str:
    return _part(copy, "plain")


@cache
def _printer(language: str, layout: str, **changes: Any) -> mail.CopyPrinter:
    publication = an_edition(language, layout, **changes).publication
    return mail.CopyPrinter(plate(language, layout, **changes), KEY, publication, tokens())


def _part(copy: Copy, kind: str) -> str:
    body = message_from_bytes(copy.message, policy=default).get_body((kind,))
    assert body is not None
    return str(body.get_content()).replace("\r\n", "\n")


@cache
def _told(language: str) -> dict[str, Any]:
    return tomllib.loads((_FOLDER / f"{language}.toml").read_text("utf-8"))


def _article(number: int, one: Mapping[str, Any], told: Mapping[str, Any], language: str) -> Article:
    body = "".join(text if text.startswith("<") else f"<p>{text}</p>" for text in one["body"])
    address = f"{_URL}/stories/{number}"
    return Article(
        source="desk",
        source_id=f"story-{number}",
        headline=one["headline"],
        body=body,
        language=one.get("language", language),
        content_hash=f"hash-{number}",
        url=address,
        kind=one.get("kind", ""),
        standfirst=one.get("standfirst", ""),
        teaser=one["teaser"],
        authors=tuple(_author(name, **told["authors"][name]) for name in one["authors"]),
        published=NOW - timedelta(hours=number),
        sections=tuple(one["sections"]),
        image=_image(one, number),
        related=tuple(Related(title, f"{address}/related-{at}") for at, title in enumerate(one.get("related", ()), 1)),
        words=len(from_html(body)) * 2,
        comments=f"{address}#comments" if one.get("comments") else "",
        slug=f"story-{number}",
        id=number,
    )


def _author(key: str, name: str, *, role: str = "", picture: bool = False, biography: str = "") -> Author:
    return Author(name, biography, f"{PICTURES}/{key}.jpg" if picture else "", role=role)


def _image(one: Mapping[str, Any], number: int) -> Image | None:
    if "picture" not in one:
        return None
    return Image(f"{PICTURES}/{number}.jpg", one["picture"], one.get("caption", ""), one.get("credit", ""))


def _placements(sections: Sequence[Section], stories: Sequence[Article]) -> Iterator[Placement]:
    """Every story under each of its sections."""
    places = [(section.path, story.id) for section in sections for story in stories if section.path in story.sections]
    return (Placement(position, path, number) for position, (path, number) in enumerate(places))
