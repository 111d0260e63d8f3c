"""An edition as templates see it: sections in order, stories under them, and addresses for all."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from markupsafe import Markup

from publisher.clean import markdown, markup
from publisher.clean.text import shortened
from publisher.model.article import Article, Author, Related, direction
from publisher.model.newsletter import Design, Edition, Newsletter, Placement, Publication, Section, within

_SHORT = 90  # characters of a shortened teaser: about one line and a half
_LONGEST_TEASER = 600
_MOST_TEXT = 90_000  # characters of complete texts in an edition: what is over would be cut from every copy anyway
_MOST_RELATED = 3
_NOTHING = Markup()


@dataclass(frozen=True, slots=True)
class Story:
    """An article at one place of an edition; `position` counts placements from 0.

    `teaser` is never longer than a mail can bear, `short` is a line of it; `body` is the complete text where the
    edition prints it. `cards` are the authors of whom there is something to tell.
    """

    position: int
    article: Article
    url: str
    section: Section | None = None
    body: Markup = _NOTHING

    @property
    def teaser(self) -> str:
        return shortened(self.article.teaser, _LONGEST_TEASER)

    @property
    def short(self) -> str:
        return shortened(self.teaser, _SHORT)

    @property
    def related(self) -> tuple[Related, ...]:
        return tuple(related for related in self.article.related if related.url)[:_MOST_RELATED]

    @property
    def cards(self) -> tuple[Author, ...]:
        return tuple(author for author in self.article.authors if author.biography)


@dataclass(frozen=True, slots=True)
class Shelf:
    """A section of an edition. `positions` are its own stories' and its children's."""

    section: Section
    stories: tuple[Story, ...]
    positions: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class EditionView:
    """`path` is the web page's, below the publication's address; `language` and `dir` are the interface's.

    `greeting` is the editor's note as HTML.
    """

    id: int
    newsletter: Newsletter
    title: str
    moment: datetime
    path: str
    url: str
    language: str
    dir: str
    shelves: tuple[Shelf, ...]
    greeting: Markup = _NOTHING

    @property
    def layout(self) -> Design:
        return self.newsletter.layout

    @property
    def stories(self) -> tuple[Story, ...]:
        return tuple(story for shelf in self.shelves for story in shelf.stories)


def article_path(slug: str) -> str:
    return f"articles/{slug}.html"


def article_url(article: Article, base: str) -> str:
    """Where a story is read: its own address, or our page of it below `base`."""
    return article.url or f"{base}/{article_path(article.slug)}"


def edition_path(edition: Edition) -> str:
    slot = edition.slot.replace("T", "-").replace(":", "")
    return f"editions/{edition.newsletter}/{slot}-{edition.cadence}.html"


def view(
    edition: Edition,
    newsletter: Newsletter,
    publication: Publication,
    placements: Iterable[Placement],
    articles: Mapping[int, Article],
    base: str,
) -> EditionView:
    """Lay placements out under their sections, parents before children, empty sections left out.

    `base` is where links to our own pages start: the publication's address in mail, a relative path on a page.
    """
    by_section: dict[str, list[Story]] = {}
    room = _MOST_TEXT if newsletter.layout is Design.FULL else 0
    for placed in placements:
        article = articles[placed.article_id]
        room -= len(article.body)
        body = Markup(article.body) if room >= 0 else _NOTHING  # noqa: S704 - sanitised when it was filed
        url = article_url(article, base)
        story = Story(placed.position, article, url, publication.section(placed.section), body)
        by_section.setdefault(placed.section, []).append(story)
    path, language = edition_path(edition), newsletter.language or publication.language
    return EditionView(
        id=edition.id,
        newsletter=newsletter,
        title=newsletter.title,
        moment=edition.composed_at,
        path=path,
        url=f"{publication.url}/{path}",
        language=language,
        dir=direction(language),
        shelves=tuple(_shelves(publication.sections, by_section)),
        greeting=greeting(edition.greeting),
    )


def greeting(text: str) -> Markup:
    """The editor's note, written in Markdown, as HTML that may stand in a mail."""
    return Markup(markup.sanitise(markdown.to_html(text), None)) if text else _NOTHING  # noqa: S704


def _shelves(sections: Iterable[Section], by_section: Mapping[str, Sequence[Story]]) -> Iterable[Shelf]:
    for section in sections:
        below = (stories for path, stories in by_section.items() if within(path, section.path))
        positions = tuple(sorted(story.position for stories in below for story in stories))
        if positions:
            yield Shelf(section, tuple(by_section.get(section.path, ())), positions)
