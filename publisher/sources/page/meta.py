"""What a page's head says in `<meta>` and `<link>`: Open Graph, the metadata of other crawlers, plain HTML."""

from collections import defaultdict

from publisher.model.article import Author, Image
from publisher.sources.page.facts import Facts, Page, plain, select, words

Values = defaultdict[str, list[str]]

_AUTHORS = ("author", "parsely-author", "sailthru.author", "dc.creator", "dcterms.creator", "article:author_name")
_PUBLISHED = (
    "article:published", "parsely-pub-date", "sailthru.date", "datepublished", "dc.date.issued", "dcterms.issued",
    "dcterms.created", "cxenseparse:recs:publishtime", "publish-date", "publishdate", "pubdate", "date",
)  # fmt: skip
_MODIFIED = ("article:modified", "datemodified", "dcterms.modified", "last-modified")
_TAGS = ("news_keywords", "keywords", "sailthru.tags", "parsely-tags")
_TIERS = ("article:content_tier", "og:content_tier", "og:article:content_tier")
_WRITTEN_BY = ("written by", "verfasst von", "escrito por", "écrit par", "scritto da", "geschreven door")


def opengraph(page: Page) -> Facts:
    """https://ogp.me, with the `article:` properties."""
    given = _values(page)
    url = _first(given, "og:image", "og:image:url", "og:image:secure_url")
    return Facts(
        "opengraph",
        title=_first(given, "og:title"),
        url=_first(given, "og:url"),
        sites=tuple(given["og:site_name"]),
        teaser=_first(given, "og:description"),
        authors=tuple(Author(name) for name in given["article:author"]),
        published=_first(given, "article:published_time"),
        modified=_first(given, "article:modified_time", "og:updated_time"),
        sections=tuple(dict.fromkeys(given["article:section"])),
        tags=tuple(dict.fromkeys(given["article:tag"])),
        image=Image(url, _first(given, "og:image:alt")) if url else None,
        language=_first(given, "og:locale"),
        gated=any(tier.casefold() != "free" for name in _TIERS for tier in given[name]),
    )


def meta(page: Page) -> Facts:
    """The names that other crawlers, content systems and Twitter made usual."""
    given = _values(page)
    image = _first(given, "twitter:image", "twitter:image:src")
    tags = next((given[name] for name in _TAGS if given[name]), [])
    return Facts(
        "meta",
        title=_first(given, "parsely-title", "sailthru.title", "dc.title", "twitter:title"),
        sites=tuple(given["application-name"]),
        teaser=_first(given, "description", "twitter:description"),
        authors=tuple(Author(name) for name in next((given[name] for name in _AUTHORS if given[name]), _signed(given))),
        published=_only(given, *_PUBLISHED),
        modified=_only(given, *_MODIFIED),
        sections=tuple(dict.fromkeys(given["parsely-section"])),
        tags=tuple(dict.fromkeys(tag.strip() for text in tags for tag in text.split(",") if tag.strip())),
        image=Image(image, _first(given, "twitter:image:alt")) if image else None,
    )


def html(page: Page) -> Facts:
    """The document's own title, address and language."""
    canonical = [link.get("href") for link in select(page.tree, "link[rel~=canonical][href]")]
    titles = [words(title) for title in select(page.tree, "head > title")]
    return Facts(
        "html",
        title=titles[0] if titles else "",
        url=canonical[0].strip() if canonical else "",
        language=(page.tree.get("lang") or page.tree.get("xml:lang") or "").strip(),
    )


def _values(page: Page) -> Values:
    """Every name's distinct values, whichever attribute names it."""
    found: defaultdict[str, dict[str, None]] = defaultdict(dict)
    for element in page.tree.iter("meta"):
        name = element.get("property") or element.get("name") or element.get("itemprop") or ""
        if text := plain(element.get("content") or ""):
            found[name.strip().lower()][text] = None
    return defaultdict(list, {name: list(texts) for name, texts in found.items()})


def _first(given: Values, *names: str) -> str:
    return next((given[name][0] for name in names if given[name]), "")


def _only(given: Values, *names: str) -> str:
    """A date that is given twice, and differently, is one of another story in the page."""
    return next((given[name][0] for name in names if len(given[name]) == 1), "")


def _signed(given: Values) -> list[str]:
    """Slack's preview reads labels and data from Twitter's names; Yoast writes the author there."""
    for number in ("1", "2"):
        if _first(given, f"twitter:label{number}").casefold() in _WRITTEN_BY:
            return given[f"twitter:data{number}"]
    return []
