"""Tell from a site's front page which kinds of source it offers, best first.

What a page says of itself does not always hold, so what it names is asked, within a fixed number of requests. What it
names and what does not answer as it should stays an offer, unchecked; what is no feed after all, and a guess without
an answer, is none. A key that stands in a page is neither used nor handed on.
"""

import asyncio
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime
from urllib.parse import urljoin, urlsplit

from lxml import etree

from publisher.clean import urls
from publisher.clean.text import slug
from publisher.errors import FetchError, SourceError
from publisher.model.article import RawArticle
from publisher.ports import Http, Response
from publisher.sources.asking import ask, parsed_json, shown
from publisher.sources.feed import source as feed
from publisher.sources.front_page import FEEDS, FrontPage, Hint, Link, first, meta, read_page, web_address
from publisher.sources.wordpress import api as wordpress_api

_REQUESTS = 12
_LONGEST_ADDRESS = 200
_MOST_LINKS = 50  # to feeds, of a page
_GUESSES = ("/feed/", "/rss.xml", "/atom.xml", "/feed.xml", "/index.xml", "/feed.json")
_PERHAPS_FEEDS = ("application/json", "application/xml", "text/xml")  # other things have these types too
_FORMS = {"rdf": "RDF", "rss": "RSS", "atom": "Atom", "json feed": "JSON Feed"}  # the richest last
_FEW = 5  # entries; that the newest few are the same may be chance: a section that has the latest news
_HEAD = 4000
_BLANK = b"\xef\xbb\xbf \t\r\n"

_FEED_START = re.compile(rb"<(?:\w+:)?(?:rss|feed|rdf)[\s>]", re.IGNORECASE)
_WORDPRESS = re.compile(r"([^?#]*?)(?:/index\.php)?(?:/wp-json(?:[/?#]|$)|/?\?(?:.*&)?rest_route=)")
_FILES = "/wp-content/"
_GHOST = "/ghost/api/"
_COMMENTS = re.compile(r"/comments/(?:feed|default)\b|\bfeed=comments-")


@dataclass(frozen=True, slots=True)
class Offer:
    """A kind of source that a site offers. `config` is what to write into config.toml."""

    type: str
    url: str
    title: str
    why: str
    checked: bool
    config: str = ""


async def detect(http: Http, url: str, now: datetime) -> list[Offer]:
    """The site's offers; none where it has nothing that we read. SourceError where the address itself is no use."""
    client = _Bounded(http, _REQUESTS)
    address, answer = await _front_page(client, url)
    if own := await _itself(client, address, answer, now):
        return _written(own)
    page = read_page(answer)
    wordpress = await _wordpress(client, _wordpress_hint(page), page.title, now)
    apis = [*wordpress, *await _ghost(client, _ghost_hint(page), page.title, now)]
    links = _feed_links(page)
    if not links and not apis:
        links = [Link(urljoin(page.url, path), "the page links no feed, but here is one") for path in _GUESSES]
    feeds = await asyncio.gather(*(_feed(client, link, page.title, now) for link in links))
    stories = _without_twins(one for one in feeds if one and not one.comments)
    comments = [_feed_offer([one]) for one in feeds if one and one.comments]
    return _written([*_checked_first([*apis, *stories, *_article(page)]), *_checked_first(comments)])


class _Bounded:
    """The client, for so many requests and no more."""

    def __init__(self, http: Http, left: int) -> None:
        self._http, self._left = http, left

    async def get(self, url: str, headers: Mapping[str, str] | None = None) -> Response:
        if self._left <= 0:
            raise FetchError("it was not asked, as the page links so many")
        self._left -= 1
        return await self._http.get(url, headers)


# The address that was given


async def _front_page(http: Http, url: str) -> tuple[str, Response]:
    """The address that was asked, and its answer."""
    faults = []
    for address in _addresses(url):
        try:
            answer = await http.get(address)
        except FetchError as error:
            faults.append(str(error))
            continue
        if answer.status != 200:
            raise SourceError(f"{shown(address)} answered {answer.status}. {_advice(answer)}")
        return address, answer
    raise SourceError(f"{faults[0]} If the site opens in a browser, write the address that the browser shows.")


def _addresses(url: str) -> list[str]:
    """What to ask for; of a Ghost API its site, which says more and wants no key."""
    given = url.strip().partition(_GHOST)[0]
    schemes = ("",) if "://" in given else ("https://", "http://")
    addresses = [web_address(f"{scheme}{given}", None) for scheme in schemes]
    if not all(addresses):
        place = shown(given if "://" in given else f"//{given}").removeprefix("//")
        raise SourceError(f'"{place}" is not a web address. Write "https://journal.example".')
    return addresses


def _advice(answer: Response) -> str:
    if answer.status in (404, 410):
        return f'There is no such page; write the site\'s front page, "{shown(urljoin(answer.url, "/"))}".'
    if answer.status in (401, 403, 429):
        return "It does not let programs in; ask the site for its feed, and write the feed's address."
    return "Try again later, or write the address of the site's feed."


async def _itself(http: Http, address: str, answer: Response, now: datetime) -> list[Offer]:
    """What there is to offer where the address is no page, but a feed or an API already."""
    start = answer.content.lstrip(_BLANK)[:_HEAD]
    if start[:1] in (b"{", b"[") and (site := _before_wordpress(answer.url)):
        return await _wordpress(http, Hint(site, "the address is a WordPress API", named=True), _name(answer), now)
    if start[:1] != b"{" and not _FEED_START.search(start):
        return []
    try:
        return [_feed_offer([_read(Link(address, "the address is a feed"), answer, now)])]
    except SourceError:
        return []


def _name(answer: Response) -> str:
    """What an API's index calls the site; nothing where the answer is another part of the API."""
    with suppress(SourceError):
        index = parsed_json(answer, answer.url)
        return first([str(index.get("name") or "")]) if isinstance(index, dict) else ""
    return ""


# WordPress


def _wordpress_hint(page: FrontPage) -> Hint | None:
    top = urljoin(page.url, "/").rstrip("/")
    for link in page.links:
        if "https://api.w.org/" in link.relations:
            return Hint(_before_wordpress(link.url) or top, f"{link.why} its WordPress API", named=True)
    for link in page.links:
        if link.type == "application/json" and "wp/v2/" in link.url and (site := _before_wordpress(link.url)):
            return Hint(site, f"{link.why} itself in the site's WordPress API", named=True)
    files = [web_address(str(place), page.base) for place in page.document.xpath("//@src | //@href") if _FILES in place]
    own = (file for file in files if urlsplit(file).netloc == urlsplit(page.url).netloc)  # others lie at a stranger's
    site = next(own, top).partition(_FILES)[0]
    if any(name.startswith("WordPress") for name in meta(page.document, "generator")):
        return Hint(site, "the page was made with WordPress")
    return Hint(site, "the page's files lie where WordPress keeps them") if files else None


def _before_wordpress(url: str) -> str:
    """The site in the address of something in its API: `…/wp-json/`, or `…/?rest_route=/` without permalinks."""
    found = _WORDPRESS.match(url)
    return found[1] if found else ""


async def _wordpress(http: Http, hint: Hint | None, title: str, now: datetime) -> list[Offer]:
    if not hint:
        return []
    try:
        root = await wordpress_api.find(http, hint.site, now)
        await wordpress_api.Api(http, hint.site, root, now).list("wp/v2/posts", per_page=1)
    except SourceError as error:
        fault = "the site keeps it closed" if isinstance(error, wordpress_api.Closed) else "it did not answer as one"
        return [Offer("wordpress", hint.site, title, f"{hint.why}, but {fault}", checked=False)] if hint.named else []
    return [Offer("wordpress", hint.site, title, hint.why, checked=True)]


# Ghost


def _ghost_hint(page: FrontPage) -> Hint | None:
    """Ghost's scripts name the site, the host of its API, which may be another one, and the public key.

    The key stays where it is: an editor writes it into a file.
    """
    made = any(name.startswith("Ghost ") for name in meta(page.document, "generator"))
    scripts = [one.attrib for one in page.document.iter("script") if _is_ghosts(one.attrib)]
    traces = page.document.xpath("//script/@* | //script/text() | //link/@href")
    places = [_before_api(text) for text in traces if f"{_GHOST}content" in text]
    if not (made or scripts or places):
        return None
    places += [one[name] for name in ("data-api", "data-sodo-search", "data-ghost") for one in scripts if name in one]
    addresses = (web_address(_before_api(place), page.base) for place in places)
    site = next(filter(None, addresses), urljoin(page.url, "/")).rstrip("/")
    why = "the page was made with Ghost" if made else "the page uses the Content API of Ghost"
    has_key = any(one.get("data-key") for one in scripts)
    key = "stands in the page as data-key" if has_key else "is made in Ghost under Settings, Integrations"
    return Hint(site, f"{why}; the public Content API key {key}", made or bool(scripts))


def _is_ghosts(script: Mapping[str, str]) -> bool:
    return "data-ghost" in script or "data-sodo-search" in script or _GHOST in script.get("data-api", "")


def _before_api(text: str) -> str:
    """The site's address before an address of its API, which may stand in the middle of a script."""
    before = text.partition(_GHOST)[0][-_LONGEST_ADDRESS:]
    return re.split(r"[^\w.:/-]", before)[-1] or "/"


async def _ghost(http: Http, hint: Hint | None, title: str, now: datetime) -> list[Offer]:
    if not hint:
        return []
    if await _is_ghost(http, hint.site, now):
        return [Offer("ghost", hint.site, title, hint.why, checked=True)]
    why = f"{hint.why}, but the API did not answer as one"
    return [Offer("ghost", hint.site, title, why, checked=False)] if hint.named else []


async def _is_ghost(http: Http, site: str, now: datetime) -> bool:
    """Asked without a key, Ghost says in JSON that it wants one."""
    url = f"{site}{_GHOST}content/posts/"
    try:
        refusal = parsed_json(await ask(http, url, now, good=(401, 403)), shown(url))
    except SourceError:
        return False
    return isinstance(refusal, dict) and isinstance(refusal.get("errors"), list)


# Feeds


@dataclass(frozen=True, slots=True)
class _Feed:
    """A feed that was read, or, with a `fault`, one that did not answer or is empty."""

    url: str
    title: str
    why: str
    comments: bool
    form: str = ""
    articles: Sequence[RawArticle] = ()
    fault: str = ""


def _feed_links(page: FrontPage) -> list[Link]:
    """In the page's order, but comments last: they are the first to go where there are too many."""
    found: dict[str, Link] = {}
    own = (page.url, *(link.url for link in page.links if "canonical" in link.relations))
    # WordPress links the comments on an article as the article's feed; the feed of a front page is the site's.
    articles = {urls.key(url) for url in own if page.is_article and urlsplit(url).path.strip("/")}
    for link in page.links:
        typed = "alternate" in link.relations and link.type in (*FEEDS, *_PERHAPS_FEEDS)
        if (typed or "feed" in link.relations) and not _before_wordpress(link.url):
            comments = _is_of_comments(link) or urls.key(re.sub(r"/feed/?$", "", link.url)) in articles
            found.setdefault(link.url, replace(link, why=f"{link.why} it", comments=comments))
    return sorted(found.values(), key=lambda link: link.comments)[:_MOST_LINKS]


def _is_of_comments(link: Link) -> bool:
    return bool(_COMMENTS.search(link.url) or re.search(r"\bcomments\b", link.title, re.IGNORECASE))


async def _feed(http: Http, link: Link, title: str, now: datetime) -> _Feed | None:
    try:
        answer = await ask(http, link.url, now, good=(200,))
    except SourceError as error:
        fault = str(error).rstrip(".")
        return _Feed(link.url, link.title or title, link.why, link.comments, fault=fault) if link.sure else None
    try:
        found = _read(link, answer, now)
    except SourceError:
        return None
    return replace(found, title=found.title or title) if found.articles else None


def _read(link: Link, answer: Response, now: datetime) -> _Feed:
    """SourceError where it is no feed."""
    kind = answer.headers.get("content-type", "")
    articles = feed.parse(answer.content, link.url, now, answer.url, kind).articles
    form, fault = (articles[0].format, "") if articles else ("", "it is empty")
    comments = link.comments or (bool(articles) and all("#comment-" in (one.url or "") for one in articles))
    url = web_address(answer.moved, None) or link.url
    return _Feed(url, link.title or first(_titles(answer.content)), link.why, comments, form, articles, fault)


def _titles(content: bytes) -> list[str]:
    """What a feed calls itself."""
    if content.lstrip(_BLANK)[:1] == b"{":
        return [str(json.loads(content).get("title") or "")]
    try:
        root = etree.fromstring(content, etree.XMLParser(recover=True, resolve_entities=False, no_network=True))
    except etree.XMLSyntaxError:
        return []
    places = ("{*}title", "{*}channel/{*}title")
    return [root.findtext(place) or "" for place in places] if root is not None else []


def _without_twins(feeds: Iterable[_Feed]) -> list[Offer]:
    """Feeds with the same stories are one offer, in the place of the first."""
    groups: list[list[_Feed]] = []
    for one in feeds:
        group = next((group for group in groups if _are_twins(group[0], one)), None)
        if group:
            group.append(one)
        else:
            groups.append([one])
    return [_feed_offer(group) for group in groups]


def _are_twins(one: _Feed, other: _Feed) -> bool:
    mine, yours = _stories(one), _stories(other)
    length = min(len(mine), len(yours))
    return length > 0 and set(mine[:length]) == set(yours[:length]) and (length >= _FEW or len(mine) == len(yours))


def _stories(one: _Feed) -> list[str]:
    return [urls.key(web_address(article.url or "", None)) or article.source_id for article in one.articles]


def _feed_offer(twins: Sequence[_Feed]) -> Offer:
    """The richest of them: one with the whole text, if there is one, and then by its form."""
    lengths = {one.url: sum(len(article.body) for article in one.articles) for one in twins}
    whole = max(lengths.values()) / 2
    ranks = {form: rank for rank, form in enumerate(_FORMS)}
    best = max(twins, key=lambda one: (lengths[one.url] >= whole, ranks.get(one.form, -1)))
    form, *others = [_FORMS.get(one, one) for one in dict.fromkeys([best.form, *(one.form for one in twins)])]
    count = f"{len(best.articles)} {'entry' if len(best.articles) == 1 else 'entries'}"
    found = f", but {best.fault}" if best.fault else f": {form}, {count}"
    also = f", the same as {' and '.join(others)}" if others else ""
    remark = "; it holds comments, not articles" if best.comments else ""
    return Offer("feed", best.url, best.title, f"{best.why}{found}{also}{remark}", bool(best.articles))


# The page itself


def _article(page: FrontPage) -> list[Offer]:
    titles = [*meta(page.document, "og:title"), *page.document.xpath("//head/title/text()")]
    why = "the page itself is an article"
    return [Offer("page", page.url, first(titles), why, checked=True)] if page.is_article else []


# What to write


def _checked_first(offers: Iterable[Offer]) -> list[Offer]:
    return sorted(offers, key=lambda offer: not offer.checked)


def _written(offers: Iterable[Offer]) -> list[Offer]:
    """Each with its table for config.toml, under a name of its own."""
    names: list[str] = []
    written = []
    for offer in offers:
        site = slug((urlsplit(offer.url).hostname or "").removeprefix("www.")) or "site"
        numbered = (f"{site}-{offer.type}-{number}" for number in range(2, len(names) + 3))
        name = next(one for one in (site, f"{site}-{offer.type}", *numbered) if one not in names)
        names.append(name)
        place = f'urls = ["{offer.url}"]' if offer.type == "page" else f'url = "{offer.url}"'
        lines = ["[[source]]", f'name = "{name}"', f'type = "{offer.type}"', place]
        lines += [f'key_file = "var/{name}.key"'] if offer.type == "ghost" else []
        written.append(replace(offer, config="\n".join(lines) + "\n"))
    return written
