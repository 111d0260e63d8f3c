"""One article from what all places in a page say of it.

JSON-LD goes before Open Graph, other metadata, the theme and plain HTML; `origins` records which it was.
Nothing is guessed: a date is metadata's or a `<time>` of the article's own, or it is unknown.
"""

import re
from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import PurePosixPath
from typing import TypeVar
from urllib.parse import unquote
from zoneinfo import ZoneInfo

from publisher.clean import dates, urls
from publisher.clean.text import from_html
from publisher.errors import Problem
from publisher.model.article import Access, RawArticle
from publisher.sources.page import body as page_body
from publisher.sources.page import choice as page_choice
from publisher.sources.page import dates as page_dates
from publisher.sources.page import json_ld as page_json_ld
from publisher.sources.page import meta as page_meta
from publisher.sources.page import story as page_story
from publisher.sources.page import theme as page_theme
from publisher.sources.page.choice import Site
from publisher.sources.page.facts import Facts, Page, split

_SLACK = timedelta(days=1)  # a clock that is a little wrong is no mistake
_SUFFIX = re.compile(r"\.(?:html?|php|aspx?)$")

T = TypeVar("T")


def read(page: Page, name: str, where: str, zone: ZoneInfo, now: datetime) -> tuple[RawArticle | None, list[Problem]]:
    """The article, or None where the page holds none, and what an editor should know.

    `name` identifies the page where it does not do so itself; `where` is its place in messages.
    """
    problems: list[Problem] = []
    origins: dict[str, str] = {}

    def noted(field: str, choice: tuple[T, str]) -> T:
        if choice[1]:
            origins[field] = choice[1]
        return choice[0]

    story = page_story.find(page)
    facts = _facts(page, story)
    site = Site.of(page, facts)
    title = noted("title", page_choice.title(facts, site))
    body, body_origin = page_body.body(page, story, title)
    if not title and not from_html(body):
        return None, [Problem(where, "the page holds no article: neither a title nor a text.", "It is left out.")]
    if not body and page_body.is_too_large(page):
        size = f"the page has more than {page_body.MOST_ELEMENTS:,} elements, too many to find its text in."
        return None, [Problem(where, size, "It is left out.")]
    canonical = noted("url", page_choice.address(facts, page))
    url = canonical or page.address
    gated = noted("access", page_choice.first(facts, "gated"))
    article = RawArticle(
        source_id=canonical or name,
        title=title,
        body="" if gated else noted("body", (body, body_origin)),
        where=where,
        format="page",
        url=url or None,
        base=page.base or url or None,
        standfirst=noted("standfirst", page_choice.first(facts, "standfirst")),
        teaser=noted("teaser", page_choice.teaser(facts, title, body)),
        authors=noted("authors", page_choice.authors(facts, site, page)),
        published=noted("published", _date(facts, "published", zone, now, where, problems)),
        modified=noted("modified", _date(facts, "modified", zone, now, where, problems)),
        sections=noted("sections", page_choice.sections(facts, site, page, title, url)),
        tags=noted("tags", page_choice.first(facts, "tags")),
        image=noted("image", page_choice.image(facts, page)),
        related=noted("related", page_choice.related(facts, url)),
        language=noted("language", page_choice.language(facts)) or None,
        slug=_slug(url or name),
        access=Access.MEMBERS if gated else Access.PUBLIC,
        comments=noted("comments", page_choice.comments(facts, url)),
        origins=origins,
    )
    return article, problems


def _facts(page: Page, story: page_story.Story) -> list[Facts]:
    """What every place says, the best first."""
    others = [
        page_meta.opengraph(page),
        page_meta.meta(page),
        page_theme.tagdiv(page, story),
        page_theme.generic(page, story),
        page_meta.html(page),
        page_dates.read(page, story),
    ]
    titles = [facts.title for facts in others if facts.title]
    addresses = [urls.absolute(facts.url, page.base) or "" for facts in others if facts.url]
    return [page_json_ld.read(page, titles, [*addresses, page.address]), *others]


def _date(
    facts: Sequence[Facts], field: str, zone: ZoneInfo, now: datetime, where: str, problems: list[Problem]
) -> tuple[datetime | None, str]:
    """A page is public, so a date to come is a mistake; the next place may know better."""
    for each in facts:
        try:
            moment = dates.instant(getattr(each, field), zone)
        except ValueError as error:
            problems.append(Problem(where, f"{field} ({each.origin}): {error}.", "It is passed over."))
            continue
        if moment and moment > now + _SLACK:
            message = f"{field} ({each.origin}): {moment:%Y-%m-%d} is in the future."
            problems.append(Problem(where, message, "It is passed over."))
        elif moment:
            return moment, each.origin
    return None, ""


def _slug(address: str) -> str:
    """The last part of an address that is more than a number."""
    parts = [unquote(part) for part in PurePosixPath(split(address).path).parts if part != "/"]
    names = [_SUFFIX.sub("", part) for part in parts]
    return next((name for name in reversed(names) if not name.isdecimal() and name != "index"), "")
