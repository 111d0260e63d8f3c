"""Web pages: the front page, an edition's page, an article's page. The same stories by the same macros as the mail."""

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

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


def edition_page(view: EditionView, templates: Templates) -> str:
    """The edition for everybody: no personal link, every section; with marks, for `published` to read."""
    return _page("web/edition.html.j2", templates, view.language, "../..", edition=view, marks=_Marks())


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


def article_page(article: Article, url: str, publication: Publication, templates: Templates) -> str:
    sections = [section for path in article.sections if (section := publication.section(path))]
    return _page("web/article.html.j2", templates, article.language, "..", article=article, url=url, sections=sections)


def front_page(front: FrontPage, publication: Publication, templates: Templates) -> str:
    return _page("web/front.html.j2", templates, publication.language, ".", front=front)


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
        **values,
    }
