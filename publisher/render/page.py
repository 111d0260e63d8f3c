"""Web pages: the front page, an edition's page, an article's page. The same stories by the same macros as the mail."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from publisher.model.article import Article, direction
from publisher.model.newsletter import Edition, Publication, Section
from publisher.render.edition import EditionView, Shelf
from publisher.render.environment import Templates
from publisher.render.plate import NoMarks


@dataclass(frozen=True, slots=True)
class FrontPage:
    """What the front page shows: newest stories by section, editions with title and path, every feed by format."""

    moment: datetime
    shelves: Sequence[Shelf]
    editions: Sequence[tuple[Edition, str, str]]
    feeds: Sequence[tuple[Section | None, Mapping[str, str]]]


def edition_page(view: EditionView, templates: Templates) -> str:
    """The edition for everybody: no personal link, every section."""
    return _page("web/edition.html.j2", templates, view.language, "../..", edition=view)


def article_page(article: Article, url: str, publication: Publication, templates: Templates) -> str:
    sections = [section for path in article.sections if (section := publication.section(path))]
    return _page("web/article.html.j2", templates, article.language, "..", article=article, url=url, sections=sections)


def front_page(front: FrontPage, publication: Publication, templates: Templates) -> str:
    return _page("web/front.html.j2", templates, publication.language, ".", front=front)


def unsubscribe_page(
    newsletter: str, publication: Publication, templates: Templates, *, done: bool = False, known: bool = True
) -> str:
    values = {"newsletter": newsletter, "done": done, "known": known}
    return _page("web/unsubscribe.html.j2", templates, publication.language, publication.url, **values)


def entry_body(article: Article, publication: Publication, templates: Templates) -> str:
    """An article's body as a feed entry holds it."""
    return templates.render("feeds/entry.html.j2", _values(article.language, publication.url, article=article)).strip()


def _page(name: str, templates: Templates, language: str, root: str, **values: Any) -> str:
    """Render a page whose own pictures are found from `root`, so that the site also works as plain files."""
    page = templates.render(name, _values(language, root, **values))
    return page.replace(f'src="{templates.publication.url}/', f'src="{root}/')


def _values(language: str, root: str, **values: Any) -> dict[str, Any]:
    """`root` leads from the page to the front page."""
    return {
        "root": root,
        "language": language,
        "dir": direction(language),
        "marks": NoMarks(),
        "reader": None,
        **values,
    }
