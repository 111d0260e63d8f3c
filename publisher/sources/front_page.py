"""What a site's front page says of itself: its title, its links, whether it is an article."""

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from lxml import html

from publisher.clean import urls
from publisher.clean.text import from_html, shortened
from publisher.ports import Response
from publisher.sources.page import encoding, facts

FEEDS = ("application/rss+xml", "application/atom+xml", "application/rdf+xml", "application/feed+json")
_LONGEST_TITLE = 200
_ARTICLE = re.compile(r"(?:https?://schema\.org/)?(?:\w*Article|(?:Live)?BlogPosting)")


@dataclass(frozen=True, slots=True)
class Link:
    """`why` says how it was found, `sure` that it is a feed even where it does not answer."""

    url: str
    why: str
    relations: frozenset[str] = frozenset()
    type: str = ""
    title: str = ""
    sure: bool = False
    comments: bool = False


@dataclass(frozen=True, slots=True)
class FrontPage:
    """`url` is its own address, `base` where its links start from, `title` the site's name."""

    url: str
    base: str
    document: Any
    links: Sequence[Link]
    title: str
    is_article: bool


@dataclass(frozen=True, slots=True)
class Hint:
    """A site that may have an API. `named` says that the page tells so; the rest are traces."""

    site: str
    why: str
    named: bool = False


def read_page(answer: Response) -> FrontPage:
    """Any bytes make a page, if an empty one."""
    url = web_address(answer.url, None)
    text = encoding.decode(answer.content, answer.headers.get("content-type", ""))
    parsed = facts.parsed(text, url)
    document: Any = parsed.tree if parsed else html.document_fromstring("<html></html>")
    titles = [*meta(document, "og:site_name"), *document.xpath("//head/title/text()")]
    base = parsed.base if parsed else url
    links = [*_link_elements(document, base), *_link_header(answer.headers.get("link", ""), url)]
    return FrontPage(url, base, document, links, first(titles), _is_article(document))


def _link_elements(document: Any, base: str) -> Iterator[Link]:
    for element in document.iter("link"):
        if element.get("href") and (url := web_address(element.get("href"), base)):
            yield _link(url, "the page links", element.attrib)


def _link_header(header: str, base: str) -> Iterator[Link]:
    """RFC 8288 §3."""
    for part in re.split(r",\s*(?=<)", header):
        target, _, rest = part.strip().removeprefix("<").partition(">")
        if rest and (url := web_address(target, base)):
            yield _link(url, "the server names", dict(re.findall(r';\s*([\w*-]+)\s*=\s*"?([^";]*)"?', rest)))


def _link(url: str, why: str, given: Mapping[str, str]) -> Link:
    kind = given.get("type", "").partition(";")[0].strip().lower()
    relations = frozenset(given.get("rel", "").lower().split())
    return Link(url, why, relations, kind, first([given.get("title", "")]), kind in FEEDS)


def meta(document: Any, name: str) -> list[str]:
    return [one.get("content", "") for one in document.iter("meta") if name in (one.get("name"), one.get("property"))]


def first(texts: Iterable[str]) -> str:
    """The first that says something, as a title."""
    return next((shortened(title, _LONGEST_TITLE) for text in texts if (title := from_html(text))), "")


def web_address(place: str, base: str | None) -> str:
    """An absolute http address, or nothing."""
    url = urls.absolute(place, base) or ""
    return url if url.startswith("http") else ""


def _is_article(document: Any) -> bool:
    """By Open Graph, or by the schema.org type of what the page is about; what it lists does not count."""
    things = [one for text in document.xpath("//script[@type='application/ld+json']/text()") for one in _things(text)]
    types = [kind for one in things for kind in _listed(one.get("@type"))]
    return "article" in meta(document, "og:type") or any(_ARTICLE.fullmatch(str(kind)) for kind in types)


def _things(text: str) -> list[Mapping[str, Any]]:
    try:
        found = _listed(json.loads(text))
    except (ValueError, RecursionError):
        return []  # a broken description describes nothing
    found += [part for one in found if isinstance(one, dict) for part in _listed(one.get("@graph"))]
    return [one for one in found if isinstance(one, dict)]


def _listed(value: Any) -> list[Any]:
    return list(value) if isinstance(value, list) else [value]
