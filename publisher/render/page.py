"""Web pages: the front page, an edition's page, an article's page, the list of feeds; and how a browser shows a feed.

The same stories by the same macros as the mail.
"""

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from markupsafe import Markup

from publisher.model.article import Article, direction
from publisher.model.newsletter import Edition, Publication, Section
from publisher.render import seal
from publisher.render.edition import EditionView, Shelf
from publisher.render.environment import Templates
from publisher.render.seal import Chosen


@dataclass(frozen=True, slots=True)
class FrontPage:
    """What the front page shows: newest stories by section, editions with title and path, every feed by format."""

    moment: datetime
    shelves: Sequence[Shelf]
    editions: Sequence[tuple[Edition, str, str]]
    feeds: Sequence[tuple[Section | None, Mapping[str, str]]]


@dataclass(frozen=True, slots=True)
class Alternate:
    """A feed that a page names in its head, for feed readers to find; `path` lies below the publication's address."""

    type: str
    title: str
    path: str


@dataclass(frozen=True, slots=True)
class FeedLink:
    """One feed of the list: `links` are absolute addresses by format, the one to recommend first.

    `level` is 1 for a top section and for what is no section, 2 for a child; `language` is the title's.
    """

    title: str
    level: int
    language: str
    links: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class FeedGroup:
    """Feeds of one kind, in the order of the list."""

    kind: Literal["everything", "section", "kind", "author", "newsletter"]
    feeds: Sequence[FeedLink]


class _Marks:
    """Marks around each story and heading of an edition's page, which is kept for good, as comments.

    No article can write one: its text is escaped on this page.
    """

    def holds(self, conditions: Iterable[str]) -> bool:
        return True

    def open(self, conditions: Iterable[str]) -> Markup:
        return Markup("<!--[{}]-->").format(",".join(conditions))

    def close(self) -> Markup:
        return Markup("<!--[/]-->")


_MARK = re.compile(r"<!--\[(?P<conditions>[a-z0-9.,]*|/)\]-->")
_POSITION = re.compile(r"s(\d+)")


def edition_page(view: EditionView, templates: Templates, alternates: Sequence[Alternate] = ()) -> str:
    """The edition for everybody: no personal link, every section; with marks, for `published` to read.

    `alternates` are the feeds of its newsletter, beside the publication's own.
    """
    values = {"edition": view, "marks": _Marks(), "alternates": alternates}
    return _page("web/edition.html.j2", templates, view.language, "../..", **values)


def published(page: str, gone: Collection[int]) -> str:
    """An edition's page without its marks, and without what stands at positions that are `gone`."""
    marked = {int(number) for mark in _MARK.finditer(page) for number in _POSITION.findall(mark["conditions"])}
    left = marked.difference(gone)
    holding = seal.state(left) if left else set()
    parts, hidden, at = [], list[bool](), 0
    for mark in _MARK.finditer(page):
        if not any(hidden):
            parts.append(page[at : mark.start()])
        at = mark.end()
        if mark["conditions"] == "/":
            hidden.pop()
        else:
            hidden.append(holding.isdisjoint(mark["conditions"].split(",")))
    return "".join([*parts, page[at:]])


def article_page(
    article: Article, url: str, publication: Publication, templates: Templates, alternates: Sequence[Alternate] = ()
) -> str:
    """`alternates` are the feeds of its sections and authors, beside the publication's own."""
    sections = [section for path in article.sections if (section := publication.section(path))]
    values = {"article": article, "url": url, "sections": sections, "alternates": alternates}
    return _page("web/article.html.j2", templates, article.language, "..", **values)


def front_page(front: FrontPage, publication: Publication, templates: Templates) -> str:
    return _page("web/front.html.j2", templates, publication.language, ".", front=front)


def feeds_page(groups: Sequence[FeedGroup], publication: Publication, templates: Templates) -> str:
    """Every feed with its address, for `feeds/index.html`; what a feed is, for who has never heard of one."""
    spoken = templates.interface(publication.language)
    return _page("web/feeds.html.j2", templates, spoken, "..", groups=[group for group in groups if group.feeds])


def feed_stylesheet(templates: Templates) -> str:
    """What makes a feed readable in a browser, in the publication's language and colours: `feeds/feed.css`."""
    publication = templates.publication
    return templates.render("feeds/feed.css.j2", _values(publication.language, publication.url))


def unsubscribe_page(
    newsletter: str,
    publication: Publication,
    templates: Templates,
    *,
    done: bool = False,
    known: bool = True,
    proof: bool = False,
    language: str = "",
) -> str:
    """`newsletter` is its title, empty where nobody knows it any more; `language` is the newsletter's.

    `proof` says that the link stood in a proof, and leaves for nobody.
    """
    spoken = templates.interface(language or publication.language)
    values = {"newsletter": newsletter, "done": done, "known": known, "proof": proof}
    return _page("web/unsubscribe.html.j2", templates, spoken, publication.url, **values)


def preferences_page(
    newsletter: str,
    choices: Sequence[tuple[Section, bool]],
    templates: Templates,
    *,
    known: bool = True,
    asked: bool = False,
    done: bool = False,
    language: str = "",
) -> str:
    """`choices` are the sections on offer and whether the reader has them; `asked` and `done` say what became of it."""
    publication = templates.publication
    spoken = templates.interface(language or publication.language)
    values = {"newsletter": newsletter, "choices": choices, "known": known, "asked": asked, "done": done}
    return _page("web/preferences.html.j2", templates, spoken, publication.url, **values)


def missing_page(publication: Publication, templates: Templates) -> str:
    spoken = templates.interface(publication.language)
    return _page("web/missing.html.j2", templates, spoken, publication.url)


def entry_body(article: Article, publication: Publication, templates: Templates) -> str:
    """An article's body as a feed entry holds it."""
    return templates.render("feeds/entry.html.j2", _values(article.language, publication.url, article=article)).strip()


def edition_body(view: EditionView, templates: Templates) -> str:
    """An edition as an entry of its newsletter's feed: its stories' headlines and teasers under their sections."""
    values = _values(view.language, templates.publication.url, edition=view)
    return templates.render("feeds/edition.html.j2", values).strip()


def _page(name: str, templates: Templates, language: str, root: str, **values: Any) -> str:
    """Render a page whose own pictures are found from `root`, so that the site also works as plain files."""
    page = templates.render(name, _values(language, root, **values))
    own = re.compile(rf'(<img\b[^<>]*\ssrc="){re.escape(templates.publication.url)}/')
    return own.sub(rf"\g<1>{root}/", page)


def _values(language: str, root: str, **values: Any) -> dict[str, Any]:
    """`root` leads from the page to the front page."""
    return {
        "root": root,
        "language": language,
        "dir": direction(language),
        "marks": Chosen(()),
        "reader": None,
        "alternates": (),
        **values,
    }
