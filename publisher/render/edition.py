"""An edition as templates see it: sections in order, stories under them, and addresses for all."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from publisher.model.article import Article, direction
from publisher.model.newsletter import Edition, Newsletter, Placement, Publication, Section, within


@dataclass(frozen=True, slots=True)
class Story:
    """An article at one place of an edition; `position` counts placements from 0."""

    position: int
    article: Article
    url: str


@dataclass(frozen=True, slots=True)
class Shelf:
    """A section of an edition. `positions` are its own stories' and its children's."""

    section: Section
    stories: tuple[Story, ...]
    positions: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class EditionView:
    """`path` is the web page's, below the publication's address; `language` and `dir` are the interface's."""

    newsletter: Newsletter
    title: str
    moment: datetime
    path: str
    url: str
    language: str
    dir: str
    shelves: tuple[Shelf, ...]

    @property
    def stories(self) -> tuple[Story, ...]:
        return tuple(story for shelf in self.shelves for story in shelf.stories)


def article_path(article: Article) -> str:
    return f"articles/{article.slug}.html"


def article_url(article: Article, base: str) -> str:
    """Where a story is read: its own address, or our page of it below `base`."""
    return article.url or f"{base}/{article_path(article)}"


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
    for placed in placements:
        article = articles[placed.article_id]
        story = Story(placed.position, article, article_url(article, base))
        by_section.setdefault(placed.section, []).append(story)
    shelves = tuple(_shelves(publication.sections, by_section))
    path = edition_path(edition)
    return EditionView(
        newsletter=newsletter,
        title=newsletter.title,
        moment=edition.composed_at,
        path=path,
        url=f"{publication.url}/{path}",
        language=publication.language,
        dir=direction(publication.language),
        shelves=shelves,
    )


def _shelves(sections: Iterable[Section], by_section: Mapping[str, Sequence[Story]]) -> Iterable[Shelf]:
    for section in sections:
        below = (stories for path, stories in by_section.items() if within(path, section.path))
        positions = tuple(sorted(story.position for stories in below for story in stories))
        if positions:
            yield Shelf(section, tuple(by_section.get(section.path, ())), positions)
