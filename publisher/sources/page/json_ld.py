"""The schema.org description in a page's JSON-LD: the best that a page says of itself, where it says it.

Nodes may stand alone, in a list or in a `@graph`, and refer to each other by `@id`.
"""

import re
from collections import ChainMap
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from publisher.clean import urls
from publisher.model.article import Author, Image
from publisher.sources.page.facts import Facts, Page, fold, plain

Node = Mapping[str, Any]

_ARTICLES = ("BlogPosting", "LiveBlogPosting", "Report")  # and all whose type ends in "Article"
_PAGES = ("WebPage", "ItemPage")
_SITES = ("WebSite", "NewsMediaOrganization")
_ORGANISATIONS = ("Organization", "NewsMediaOrganization", "Corporation", "Brand")
_CAN_BE_GATED = (*_ARTICLES, *_PAGES, "CreativeWork", "WebPageElement")  # and all whose type ends in "Article"
_NOT_FREE = ("false", "no", "0")
_PREFIX = re.compile(r".*[/:]", re.DOTALL)  # of schema.org's names: an address, or `schema:`
_DEEPEST = 50
_MOST = 100  # entries of a list
_LONGEST_TITLE = 500
_LONGEST_ADDRESS = 2000


def read(page: Page, titles: Iterable[str], addresses: Iterable[str]) -> Facts:
    """What it says of the article with one of these titles or addresses, as other places in the page give them."""
    graph, story = _Graph.of(page), _Story.of(titles, addresses)
    articles = _about(graph, _is_article, story)
    pages = _about(graph, lambda types: bool(types & set(_PAGES)), replace(story, names=frozenset()))
    # A trail's last step is a WebPage too, and says least.
    gated = _is_gated(graph, story)
    return _facts(graph, articles + sorted(pages, key=len, reverse=True)[:1], articles, gated=gated)


@dataclass(frozen=True, slots=True)
class _Story:
    """What this page's story is known by: the keys of its addresses, and its titles, folded."""

    keys: frozenset[str | None]
    names: frozenset[str]

    @classmethod
    def of(cls, titles: Iterable[str], addresses: Iterable[str]) -> "_Story":
        names = frozenset(fold(title[:_LONGEST_TITLE]) for title in titles)
        return cls(frozenset(map(urls.key, addresses)) - {None}, names - {""})


@dataclass(frozen=True, slots=True)
class _Graph:
    nodes: list[dict[str, Any]]
    by_id: dict[str, dict[str, Any]]

    @classmethod
    def of(cls, page: Page) -> "_Graph":
        nodes = [node for item in _items(page) for node in _walk(item)]
        by_id: dict[str, dict[str, Any]] = {}
        for node in sorted(nodes, key=len, reverse=True):  # the fullest description of a thing is it
            if isinstance(node.get("@id"), str):
                by_id.setdefault(node["@id"], node)
        return cls(nodes, by_id)

    def all(self, value: Any) -> list[Any]:
        """A value as a list, with references followed."""
        return [self._followed(each) for each in _listed(value)[:_MOST]]

    def _followed(self, value: Any) -> Any:
        known = self.named(value)
        # Not a merged copy: thousands of references to one large node would each make one.
        return ChainMap(value, known) if known else value

    def named(self, value: Any) -> dict[str, Any] | None:
        """The fullest node that a reference names, if the page has it."""
        name = value.get("@id") if isinstance(value, dict) else None
        return self.by_id.get(name) if isinstance(name, str) else None

    def text(self, value: Any, *keys: str) -> str:
        """The first text in a value: itself, or what one of the keys of an object holds."""
        return next(self.texts(value, *keys), "")

    def texts(self, value: Any, *keys: str) -> Iterator[str]:
        for each in self.all(value):
            found = next((each[key] for key in keys if each.get(key)), "") if isinstance(each, Mapping) else each
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


def _walk(item: Any, depth: int = 0) -> Iterator[dict[str, Any]]:
    """Every object, the outer first."""
    if depth > _DEEPEST:
        return
    if isinstance(item, dict):
        yield item
    for part in item.values() if isinstance(item, dict) else item if isinstance(item, list) else ():
        yield from _walk(part, depth + 1)


def _types(node: Node) -> set[str]:
    return {_PREFIX.sub("", name) for name in _listed(node.get("@type")) if isinstance(name, str)}


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [] if value is None else [value]


def _is_article(types: set[str]) -> bool:
    return any(name.endswith("Article") or name in _ARTICLES for name in types)


def _about(graph: _Graph, wanted: Callable[[set[str]], bool], story: _Story) -> list[Node]:
    """The nodes that describe this very page; a list of other stories is often described beside it."""
    nodes: list[Node] = [node for node in graph.nodes if wanted(_types(node)) and len(node) > 2]
    same_address = [node for node in nodes if _is_at(graph, node, story)]
    same_title = [node for node in nodes if _is_titled(graph, node, story)]
    return same_address or same_title or (nodes if len(nodes) == 1 else [])


def _is_at(graph: _Graph, node: Node, story: _Story) -> bool:
    return not story.keys.isdisjoint(_addresses(graph, node))


def _addresses(graph: _Graph, node: Node) -> Iterator[str | None]:
    pages = graph.all(node.get("mainEntityOfPage"))
    named = (each.get("@id") or each.get("url") if isinstance(each, Mapping) else each for each in pages)
    for value in (node.get("@id"), node.get("url"), *named):
        if isinstance(value, str) and value.startswith("http") and len(value) <= _LONGEST_ADDRESS:
            yield urls.key(urls.absolute(value, None))


def _title(graph: _Graph, node: Node) -> str:
    return graph.text(node.get("headline")) or graph.text(node.get("name"))


def _is_titled(graph: _Graph, node: Node, story: _Story) -> bool:
    """A headline may be cut short, and a page's title may carry the name of the site."""
    folded = fold(_title(graph, node)[:_LONGEST_TITLE])
    return bool(folded) and any(folded in name or name in folded for name in story.names)


def _is_gated(graph: _Graph, story: _Story) -> bool:
    """Whether anything here says that the story, or a part of it, is not free.

    What says so of another story, such as a teaser in a list, counts unless the page's own description says free:
    a gated text that gets out cannot be called back.
    """
    owners = _owners(graph)
    closed: list[Node] = []
    free: list[Node] = []
    for node in graph.nodes:
        if _says_of_access(node) and (id(node) in owners or _can_be_gated(node)):
            (closed if _is_not_free(node["isAccessibleForFree"]) else free).append(node)
    if not any(_is_at(graph, node, story) or _is_titled(graph, node, story) for node in free):
        return bool(closed)
    # A part is its owner's, whatever it is called, unless it is an article of its own.
    stories = (node if _is_article(_types(node)) else owners.get(id(node), node) for node in closed)
    return not all(_is_another(graph, node, story) for node in stories)


def _says_of_access(node: Node) -> bool:
    return node.get("isAccessibleForFree") not in (None, "", [])


def _can_be_gated(node: Node) -> bool:
    return any(name.endswith("Article") or name in _CAN_BE_GATED for name in _types(node))


def _owners(graph: _Graph) -> dict[int, Node]:
    """By the identity of a part, what it is a part of: a gated part is often just a CSS selector without a name."""
    owners: dict[int, Node] = {}
    for node in filter(_can_be_gated, graph.nodes):
        for part in _listed(node.get("hasPart")):
            for each in (part, graph.named(part)):
                if isinstance(each, dict):
                    owners[id(each)] = node
    return owners


def _is_not_free(value: Any) -> bool:
    """Sites write a boolean, a number, words, schema.org's own name for false, and lists and objects of them."""
    if isinstance(value, list):
        return any(map(_is_not_free, value))
    if isinstance(value, dict):
        return any(_is_not_free(value[key]) for key in ("@id", "@value") if key in value)
    return _PREFIX.sub("", str(value)).strip().casefold() in _NOT_FREE


def _is_another(graph: _Graph, node: Node, story: _Story) -> bool:
    """Whether it names a story, and that is not this one."""
    is_named = any(_addresses(graph, node)) or bool(_title(graph, node))
    return is_named and not _is_at(graph, node, story) and not _is_titled(graph, node, story)


def _facts(graph: _Graph, nodes: list[Node], articles: list[Node], *, gated: bool) -> Facts:
    def first(*keys: str) -> str:
        return next((text for key in keys for node in nodes if (text := graph.text(node.get(key)))), "")

    authors = next((found for node in nodes if (found := _authors(graph, node))), [])
    sites = [node for node in graph.nodes if _types(node) & set(_SITES)]
    publishers = [each for node in nodes for each in graph.all(node.get("publisher")) if isinstance(each, Mapping)]
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
        gated=gated,
    )


def _authors(graph: _Graph, node: Node) -> list[tuple[Author, bool]]:
    """Each with whether it is an organisation."""
    found = []
    for each in graph.all(node.get("author")):
        if not isinstance(each, Mapping):
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
    steps = [each for each in graph.all(node.get("itemListElement")) if isinstance(each, Mapping)]
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
                given = each if isinstance(each, Mapping) else {}
                return Image(url, "", graph.text(given.get("caption")), graph.text(given.get("creditText")))
    return None


def _image_address(graph: _Graph, node: Node) -> str:
    image = _image(graph, node)
    return image.url if image else ""
