"""The schema.org description in a page's JSON-LD: the best that a page says of itself, where it says it.

Nodes may stand alone, in a list or in a `@graph`, and refer to each other by `@id`.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from publisher.clean import urls
from publisher.model.article import Author, Image
from publisher.sources.page.facts import Facts, Page, fold, plain

Node = dict[str, Any]

_ARTICLES = ("BlogPosting", "LiveBlogPosting", "Report")  # and all whose type ends in "Article"
_PAGES = ("WebPage", "ItemPage")
_SITES = ("WebSite", "NewsMediaOrganization")
_ORGANISATIONS = ("Organization", "NewsMediaOrganization", "Corporation", "Brand")
_NOT_FREE = ("false", "http://schema.org/False", "https://schema.org/False")
_DEEPEST = 50


def read(page: Page, titles: Iterable[str], addresses: Iterable[str]) -> Facts:
    """What it says of the article with one of these titles or addresses, as other places in the page give them."""
    graph = _Graph.of(page)
    articles = _about(graph, _is_article, titles, addresses)
    pages = _about(graph, lambda types: bool(types & set(_PAGES)), [], addresses)
    # A trail's last step is a WebPage too, and says least.
    return _facts(graph, articles + sorted(pages, key=len, reverse=True)[:1], articles)


@dataclass(frozen=True, slots=True)
class _Graph:
    nodes: list[Node]
    by_id: dict[str, Node]

    @classmethod
    def of(cls, page: Page) -> "_Graph":
        nodes = [node for item in _items(page) for node in _walk(item)]
        by_id: dict[str, Node] = {}
        for node in sorted(nodes, key=len, reverse=True):  # the fullest description of a thing is it
            if isinstance(node.get("@id"), str):
                by_id.setdefault(node["@id"], node)
        return cls(nodes, by_id)

    def all(self, value: Any) -> list[Any]:
        """A value as a list, with references followed."""
        values = value if isinstance(value, list) else [] if value is None else [value]
        return [self._followed(each) for each in values]

    def _followed(self, value: Any) -> Any:
        known = self.by_id.get(value["@id"]) if isinstance(value, dict) and isinstance(value.get("@id"), str) else None
        return {**known, **value} if known else value

    def text(self, value: Any, *keys: str) -> str:
        """The first text in a value: itself, or what one of the keys of an object holds."""
        return next(self.texts(value, *keys), "")

    def texts(self, value: Any, *keys: str) -> Iterator[str]:
        for each in self.all(value):
            found = next((each[key] for key in keys if each.get(key)), "") if isinstance(each, dict) else each
            found = found[0] if isinstance(found, list) and found else found
            if isinstance(found, str | int | float) and not isinstance(found, bool) and plain(str(found)):
                yield plain(str(found))


def _items(page: Page) -> Iterator[Any]:
    from extruct.jsonld import JsonLdExtractor

    extractor = JsonLdExtractor()
    for script in page.tree.iter("script"):
        try:
            yield from extractor.extract_items(script)
        except (ValueError, RecursionError):
            continue  # one broken script spoils no other; the page's other places speak for it


def _walk(item: Any, depth: int = 0) -> Iterator[Node]:
    """Every object, the outer first."""
    if depth > _DEEPEST:
        return
    if isinstance(item, dict):
        yield item
    for part in item.values() if isinstance(item, dict) else item if isinstance(item, list) else ():
        yield from _walk(part, depth + 1)


def _types(node: Node) -> set[str]:
    given = node.get("@type")
    names = given if isinstance(given, list) else [given]
    return {name.rpartition("/")[2] for name in names if isinstance(name, str)}


def _is_article(types: set[str]) -> bool:
    return any(name.endswith("Article") or name in _ARTICLES for name in types)


def _about(
    graph: _Graph, wanted: Callable[[set[str]], bool], titles: Iterable[str], addresses: Iterable[str]
) -> list[Node]:
    """The nodes that describe this very page; a list of other stories is often described beside it."""
    nodes = [node for node in graph.nodes if wanted(_types(node)) and len(node) > 2]
    keys = {urls.key(address) for address in addresses}
    names = {fold(title) for title in titles} - {""}
    same_address = [node for node in nodes if keys & set(_addresses(graph, node))]
    same_title = [node for node in nodes if any(_alike(_title(graph, node), name) for name in names)]
    return same_address or same_title or (nodes if len(nodes) == 1 else [])


def _addresses(graph: _Graph, node: Node) -> Iterator[str | None]:
    values = (node.get("@id"), node.get("url"), *graph.texts(node.get("mainEntityOfPage"), "@id", "url"))
    for value in values:
        if isinstance(value, str) and value.startswith("http"):
            yield urls.key(urls.absolute(value, None))


def _title(graph: _Graph, node: Node) -> str:
    return graph.text(node.get("headline")) or graph.text(node.get("name"))


def _alike(title: str, name: str) -> bool:
    """A headline may be cut short, and a page's title may carry the name of the site."""
    folded = fold(title)
    return bool(folded) and (folded in name or name in folded)


def _facts(graph: _Graph, nodes: list[Node], articles: list[Node]) -> Facts:
    def first(*keys: str) -> str:
        return next((text for key in keys for node in nodes if (text := graph.text(node.get(key)))), "")

    authors = next((found for node in nodes if (found := _authors(graph, node))), [])
    sites = [node for node in graph.nodes if _types(node) & set(_SITES)]
    publishers = [each for node in nodes for each in graph.all(node.get("publisher")) if isinstance(each, dict)]
    return Facts(
        "json-ld",
        title=next((title for node in articles if (title := _title(graph, node))), ""),
        url=first("url", "mainEntityOfPage"),
        sites=tuple(graph.texts([*sites, *publishers], "name")),
        houses=tuple(author.name for author, is_house in authors if is_house),
        teaser=first("description"),
        authors=tuple(author for author, _ in authors),
        published=first("datePublished"),
        modified=first("dateModified"),
        crumbs=_crumbs(graph),
        sections=tuple(dict.fromkeys(text for node in articles for text in graph.texts(node.get("articleSection")))),
        tags=_keywords(graph, articles),
        image=next((image for node in nodes if (image := _image(graph, node))), None),
        language=first("inLanguage"),
        gated=any(str(node.get("isAccessibleForFree", "")).strip() in ("False", *_NOT_FREE) for node in articles),
    )


def _authors(graph: _Graph, node: Node) -> list[tuple[Author, bool]]:
    """Each with whether it is an organisation."""
    found = []
    for each in graph.all(node.get("author")):
        if not isinstance(each, dict):
            found += [(Author(name), False) for name in graph.texts([each])]
            continue
        is_house = bool(_types(each) & set(_ORGANISATIONS))
        details = (graph.text(each.get("description")), _image_address(graph, each), graph.text(each.get("url")))
        found += [(Author(name, *details), is_house) for name in graph.texts(each.get("name"))]
    return found


def _crumbs(graph: _Graph) -> tuple[tuple[str, str], ...]:
    """The longest trail; several are given for a story with several sections, or by several plugins."""
    trails = [_trail(graph, node) for node in graph.nodes if "BreadcrumbList" in _types(node)]
    return max(trails, key=len, default=())


def _trail(graph: _Graph, node: Node) -> tuple[tuple[str, str], ...]:
    steps = [each for each in graph.all(node.get("itemListElement")) if isinstance(each, dict)]
    trail = []
    for step in sorted(steps, key=_position):
        item = step.get("item")
        name = graph.text(step.get("name")) or graph.text(item, "name")
        trail.append((name, graph.text(item, "@id", "url")))
    return tuple(trail)


def _position(step: Node) -> float:
    try:
        return float(step.get("position") or 0)
    except (TypeError, ValueError):
        return 0


def _keywords(graph: _Graph, nodes: list[Node]) -> tuple[str, ...]:
    given = next((found for node in nodes if (found := list(graph.texts(node.get("keywords"), "name")))), [])
    words = given[0].split(",") if len(given) == 1 else given
    return tuple(dict.fromkeys(word.strip() for word in words if word.strip()))


def _image(graph: _Graph, node: Node) -> Image | None:
    for key in ("image", "primaryImageOfPage", "thumbnailUrl"):
        for each in graph.all(node.get(key)):
            url = graph.text([each], "contentUrl", "url", "@id")
            if url.startswith(("http", "/")):
                given = each if isinstance(each, dict) else {}
                return Image(url, "", graph.text(given.get("caption")), graph.text(given.get("creditText")))
    return None


def _image_address(graph: _Graph, node: Node) -> str:
    image = _image(graph, node)
    return image.url if image else ""
