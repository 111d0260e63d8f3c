"""What one place in a page says of its article, and the words that the readers of all places share."""

import html as entities
import unicodedata
from dataclasses import dataclass
from functools import cache
from typing import Any
from urllib.parse import SplitResult, urlsplit

from lxml import etree, html
from lxml.cssselect import CSSSelector

from publisher.clean import urls
from publisher.clean.text import from_html, one_line, repair
from publisher.model.article import Author, Image, Related


@dataclass(frozen=True, slots=True)
class Page:
    """A parsed page. `address` is where it was found, empty for a file; relative addresses start at `base`."""

    tree: Any
    address: str
    base: str


@dataclass(frozen=True, slots=True)
class Facts:
    """What `origin` says; empty where it says nothing.

    `sites` are names of the site and its publisher; `houses` the authors among `authors` that are organisations.
    Dates are as written. `crumbs` are (name, address), outermost first; `sections` names without an order.
    """

    origin: str
    title: str = ""
    url: str = ""
    sites: tuple[str, ...] = ()
    houses: tuple[str, ...] = ()
    standfirst: str = ""
    teaser: str = ""
    authors: tuple[Author, ...] = ()
    published: str = ""
    modified: str = ""
    crumbs: tuple[tuple[str, str], ...] = ()
    sections: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    image: Image | None = None
    related: tuple[Related, ...] = ()
    language: str = ""
    gated: bool = False
    comments: str = ""


def parsed(text: str, address: str) -> Page | None:
    """A page from its text, or None where there is nothing in it."""
    # As bytes: lxml refuses a str that declares an encoding, as XHTML does.
    parser = html.HTMLParser(encoding="utf-8", remove_comments=True, remove_pis=True)
    try:
        tree = html.document_fromstring(repair(text).encode(), parser=parser)
    except etree.ParserError:
        return None
    given, canonical = (_first_link(tree, css) for css in ("head base[href]", "link[rel~=canonical][href]"))
    return Page(tree, address, urls.absolute(given, address) or address or urls.absolute(canonical, None) or "")


def _first_link(tree: Any, css: str) -> str:
    return next((str(link.get("href")) for link in select(tree, css)), "")


@cache
def _selector(css: str) -> Any:
    return CSSSelector(css)


def select(element: Any, css: str) -> list[Any]:
    """The elements below that a CSS selector names, in the page's order."""
    return list(_selector(css)(element))


def words(element: Any) -> str:
    """What an element shows, on one line."""
    return one_line(entities.unescape(element.text_content()))


def plain(text: str) -> str:
    """Metadata as text: markup goes, and entities are decoded, also those that were encoded twice."""
    return one_line(entities.unescape(from_html(text)))


def fold(text: str) -> str:
    """What two spellings of a name or a title share."""
    return "".join(letter for letter in unicodedata.normalize("NFKC", text).casefold() if letter.isalnum())


def split(url: str) -> SplitResult:
    """The parts of an address as a page wrote it; of none where it is no address at all."""
    try:
        return urlsplit(url)
    except ValueError:
        return urlsplit("")


def source(image: Any) -> str:
    """An image's address, wherever a lazily loading page keeps it; empty for a placeholder."""
    names = ("data-src", "data-lazy-src", "data-original", "data-img-url", "data-orig-file", "src")
    found = ((image.get(name) or "").strip() for name in names)
    return next((url for url in found if url and not url.startswith("data:")), "")
