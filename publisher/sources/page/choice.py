"""Which place in a page to believe, field by field. Each function returns (the value, the place's name).

The facts come best place first. Where none says anything, both are empty.
"""

import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import PurePosixPath
from typing import Any
from urllib.parse import urldefrag

from publisher.clean import urls
from publisher.clean.text import from_html, one_line
from publisher.model.article import Author, Image, Related
from publisher.sources.page.facts import Facts, Page, fold, select, source, split

_SEPARATOR = re.compile(r"\s+[-–—|:·•«»/]+\s+|\s*[|»]\s*|:\s+")
_BY = re.compile(r"(?:written by|posted by|by|escrito por|publicado por|por)[:\s]+(?=\S)", re.IGNORECASE)
_CUT = re.compile(r"\s*\[?\s*(?:…|\.\.\.)\s*\]?\s*$")
_SIZE = re.compile(r"-(?:\d+x\d+|scaled)(?=\.\w+$)")
_HOME = {
    "home",
    "homepage",
    "start",
    "startseite",
    "inicio",
    "início",
    "accueil",
    "hem",
    "hjem",
    "etusivu",
    "frontpage",
}
_NOBODY = {"admin", "administrator", "author", "editor", "webmaster", "unknown"}
_UNFILED = {"uncategorized", "uncategorised"}
_LONGEST_TITLE = 500
_SHORTEST_LABEL = 5  # letters; a shorter host name stands in many a person's


@dataclass(frozen=True, slots=True)
class Site:
    """What the page's site calls itself, and the part of its host that is its own: `journal` of www.journal.example."""

    names: frozenset[str]
    houses: frozenset[str]
    label: str

    @classmethod
    def of(cls, page: Page, facts: Sequence[Facts]) -> "Site":
        host = (split(page.base).hostname or "").removeprefix("www.")
        names = {fold(name) for name in (host, *(name for each in facts for name in each.sites))}
        houses = {fold(name) for each in facts for name in each.houses}
        return cls(frozenset(names - {""}), frozenset(houses), fold(host.rpartition(".")[0].rpartition(".")[2]))

    def is_byline(self, name: str) -> bool:
        """Whether an author is just the site: by name, or an organisation that carries the name of the host."""
        folded = fold(name)
        is_own_house = folded in self.houses and len(self.label) >= _SHORTEST_LABEL and self.label in folded
        return folded in self.names or is_own_house


def first(facts: Sequence[Facts], field: str) -> tuple[Any, str]:
    found = ((getattr(each, field), each.origin) for each in facts)
    return next(((value, origin) for value, origin in found if value), (getattr(facts[0], field), ""))


def title(facts: Sequence[Facts], site: Site) -> tuple[str, str]:
    """Without the name of the site, which pages append for search engines."""
    shown = {fold(each.title) for each in facts if each.origin in ("json-ld", "theme", "html")} - {""}
    found = ((_without_site(each.title[:_LONGEST_TITLE], site, shown), each.origin) for each in facts)
    return next(((text, origin) for text, origin in found if text), ("", ""))


def _without_site(text: str, site: Site, shown: set[str]) -> str:
    for match in reversed(list(_SEPARATOR.finditer(text))):
        before, after = text[: match.start()].strip(), text[match.end() :].strip()
        if fold(after) in site.names or (fold(before) in shown and fold(text) not in shown):
            return before
        if fold(before) in site.names and after:
            return after
    return one_line(text)


def address(facts: Sequence[Facts], page: Page) -> tuple[str, str]:
    """The canonical address, else Open Graph's, else JSON-LD's, where they are plausible."""
    for wanted in ("html", "opengraph", "json-ld"):
        for written in (each.url for each in facts if each.origin == wanted and each.url):
            url = urldefrag(urls.absolute(written, page.base) or "").url
            if url.startswith("http") and _is_plausible(url, page.address, is_canonical=wanted == "html"):
                return url, wanted
    return "", ""


def _is_plausible(url: str, address: str, *, is_canonical: bool) -> bool:
    """Copied settings make a whole site point to its front page, or to the host it was built on."""
    here, there = split(address), split(url)
    ours, theirs = (here.hostname or "").removeprefix("www."), (there.hostname or "").removeprefix("www.")
    if not ours or not theirs:
        return bool(theirs)
    if there.path in ("", "/") and not there.query and here.path not in ("", "/"):
        return False
    return is_canonical or ours == theirs or ours.endswith(f".{theirs}") or theirs.endswith(f".{ours}")


def teaser(facts: Sequence[Facts], title: str, body: str) -> tuple[str, str]:
    """A description that repeats the title or how the text begins is none; a teaser made of the text is as good."""
    opening = fold(from_html(body))
    for each in facts:
        folded = fold(_CUT.sub("", each.teaser))
        if folded and not folded.startswith(fold(title)) and not opening.startswith(folded):
            return each.teaser, each.origin
    return "", ""


def authors(facts: Sequence[Facts], site: Site, page: Page) -> tuple[tuple[Author, ...], str]:
    """The best place's names, with what the other places add to them."""
    people = [(each.origin, list(_people(each.authors, site))) for each in facts]
    same = defaultdict(list)
    for person in (person for _, named in people for person in named):
        same[fold(person.name)].append(person)
    for origin, named in people:
        if named:
            names = dict.fromkeys(fold(each.name) for each in named)
            return tuple(_completed(same[name], page) for name in names), origin
    return (), ""


def _people(named: Sequence[Author], site: Site) -> Iterator[Author]:
    for author in named:
        name = _BY.sub("", author.name, count=1) if _BY.match(author.name) else author.name
        name = name.strip(" -–—|,·")
        is_login = "://" in name or "@" in name or fold(name) in _NOBODY
        if fold(name) and not is_login and not site.is_byline(name):
            yield replace(author, name=name)


def _completed(same: Sequence[Author], page: Page) -> Author:
    """One author of all that the places say of one name, the best place first."""
    picture, url = (_filled(same, field) for field in ("picture", "url"))
    return Author(
        same[0].name,
        _filled(same, "biography"),
        (urls.absolute(picture, page.base) or "") if picture else "",
        (urls.absolute(url, page.base) or "") if url else "",
    )


def _filled(things: Sequence[Author | Image], field: str) -> str:
    return next((value for each in things if (value := getattr(each, field))), "")


def sections(facts: Sequence[Facts], site: Site, page: Page, title: str, url: str) -> tuple[tuple[str, ...], str]:
    """One trail from the outermost section, `Parent/Child`, else the sections that are just named."""
    own = {urls.key(url), urls.key(page.address)} - {None}
    for each in facts:
        if trail := [name for name, address in _sections_of(each.crumbs, site, title) if urls.key(address) not in own]:
            return ("/".join(dict.fromkeys(trail)),), each.origin
    for each in facts:
        if names := tuple(name for name in each.sections if name.casefold() not in _UNFILED):
            return names, each.origin
    return (), ""


def _sections_of(crumbs: Sequence[tuple[str, str]], site: Site, title: str) -> Iterator[tuple[str, str]]:
    """A trail without the front page before it and the story after it."""
    for number, (name, address) in enumerate(crumbs):
        folded = fold(name)
        is_front = folded in _HOME | site.names or (address != "" and split(address).path in ("", "/"))
        is_story = folded == fold(title) or (_CUT.search(name) and fold(title).startswith(folded))
        is_last = number == len(crumbs) - 1
        if folded and not (is_front and number == 0) and not (is_story and is_last) and name.casefold() not in _UNFILED:
            yield name, address


def related(facts: Sequence[Facts], url: str) -> tuple[tuple[Related, ...], str]:
    found, origin = first(facts, "related")
    return tuple(each for each in found if not url or urls.key(each.url) != urls.key(url)), origin


def image(facts: Sequence[Facts], page: Page) -> tuple[Image | None, str]:
    """Open Graph's, which is made to be shown; other places describe it where they mean the same file."""
    found = [(each.origin, each.image) for each in facts if each.image]
    for origin, given in sorted(found, key=lambda each: each[0] != "opengraph"):
        if url := urls.absolute(given.url, page.base):
            # tagDiv shows one lead image, under whatever name the file is shared elsewhere.
            same = [each for place, each in found if place == "theme" or _file(each.url) == _file(url)]
            alt = _filled(same, "alt") or _alt(page, url)
            return Image(url, alt, _filled(same, "caption"), _filled(same, "credit")), origin
    return None, ""


def _alt(page: Page, url: str) -> str:
    pictures = (each for each in select(page.tree, "img[alt]") if _file(source(each)) == _file(url))
    return next((text for each in pictures if (text := one_line(each.get("alt")))), "")


def _file(url: str) -> str:
    """What the sizes of one picture share."""
    return _SIZE.sub("", PurePosixPath(split(url).path).as_posix()).casefold()


def language(facts: Sequence[Facts]) -> tuple[str, str]:
    """As a language tag (BCP 47); Open Graph's locale is often just the default, so the document goes before it."""
    value, origin = first(sorted(facts, key=lambda each: each.origin == "opengraph"), "language")
    return value.replace("_", "-"), origin


def comments(facts: Sequence[Facts], url: str) -> tuple[str, str]:
    fragment, origin = first(facts, "comments")
    return (f"{url}{fragment}", origin) if fragment and url else ("", "")
