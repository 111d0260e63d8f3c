"""The text of an article as plain HTML blocks: paragraphs, headings, lists, quotes, figures, tables, links."""

import copy
import re
from collections.abc import Iterator
from itertools import chain, islice, takewhile
from typing import Any

from lxml import etree, html

from publisher.clean.text import one_line
from publisher.sources.page.facts import Page, fold, source, split, words
from publisher.sources.page.noise import announces, prune
from publisher.sources.page.story import Story

MOST_ELEMENTS = 20_000  # of a page whose theme does not say where its text is

_INLINE = {
    "a", "abbr", "acronym", "b", "bdi", "bdo", "big", "br", "cite", "code", "data", "del", "dfn", "em", "i", "img",
    "ins", "kbd", "mark", "q", "s", "samp", "small", "strike", "strong", "sub", "sup", "time", "tt", "u", "var", "wbr",
}  # fmt: skip
_MEANINGLESS = ("span", "font", "picture", "source", "label")
_WRAPPERS = (
    "div", "section", "article", "main", "header", "footer", "aside", "center", "address", "details", "summary",
)  # fmt: skip
_HOLDS_PARAGRAPHS = {"blockquote", *_WRAPPERS}
_HEADINGS = ("h2", "h3", "h4", "h5", "h6")
_MOST_ADDED = 1.25  # times the text that trafilatura took
_MAY_BE_EMPTY = {"img", "iframe", "br", "hr", "td", "th", "col", "wbr"}
_ATTRIBUTES = {
    "a": ("href", "title", "hreflang"), "iframe": ("src", "title"), "img": ("src", "alt", "width", "height"),
    "ol": ("start", "reversed"), "td": ("colspan", "rowspan"), "th": ("colspan", "rowspan", "scope"),
    "time": ("datetime",),
}  # fmt: skip
_EVERYWHERE = ("lang", "dir")
_PARAGRAPH = re.compile(r"<p>((?:(?!</p>).)*)</p>", re.DOTALL)
_TWO_BREAKS = re.compile(r"(?:<br>\s*){2,}")
_LABELS = {"advertisement", "advertisment", "anzeige", "werbung", "publicidad", "publicité", "pubblicità", "sponsored"}
_LABELLED = (*_HEADINGS, "p", "div", "section", "li", "strong", "b")
_LISTS = ("ul", "ol", "div", "section", "p", "a")
_LARGEST_BOX = 200  # elements; what is larger is part of the story
_MOST_OF_A_LABEL = 5  # pieces of text


def body(page: Page, story: Story, title: str) -> tuple[str, str]:
    """(the text, which place it came from): the theme's own element, else what trafilatura takes for the text."""
    if story.content is not None and (text := blocks(copy.deepcopy(story.content), page, title)):
        return text, story.named_by
    text = "" if is_too_large(page) else _extracted(page, title)
    return text, "trafilatura" if text else ""


def is_too_large(page: Page) -> bool:
    """Whether trafilatura might take minutes: its time grows with the square of the elements."""
    # Their depth needs no bound of ours: libxml2 parses no deeper than 256.
    return sum(1 for _ in islice(page.tree.iter(), MOST_ELEMENTS + 1)) > MOST_ELEMENTS


def blocks(root: Any, page: Page, title: str) -> str:
    """The blocks of a subtree that is ours to change, without what is no text of the article."""
    root.tail = None
    prune(root)
    _drop_announced(root)
    _drop_link_lists(root, page)
    _mend_media(root)
    etree.strip_tags(root, *_MEANINGLESS)
    _flatten(root)
    _drop_empty(root)
    _drop_title(root, title)
    for element in root.iter():
        keep = (*_ATTRIBUTES.get(element.tag, ()), *_EVERYWHERE)
        kept = {name: value for name, value in element.attrib.items() if name in keep}
        element.attrib.clear()
        element.attrib.update(kept)
    written = (html.tostring(child, encoding="unicode", with_tail=False).strip() for child in root)
    return "\n".join(_PARAGRAPH.sub(_split, text) for text in written)


def _extracted(page: Page, title: str) -> str:
    import trafilatura

    tree = copy.deepcopy(page.tree)
    prune(tree)
    written = trafilatura.extract(
        copy.deepcopy(tree),
        url=page.base or None,
        output_format="html",
        include_comments=False,
        include_formatting=True,
        include_images=True,
        include_links=True,
    )
    taken = html.document_fromstring(written).find("body") if written else None
    # Where it finds no text, it takes the whole page's words as one paragraph.
    if taken is None or (len(taken) <= 1 and fold(title) in fold(words(taken)) != ""):
        return ""
    return blocks(_whole(tree, taken, title), page, title)


def _whole(tree: Any, taken: Any, title: str) -> Any:
    """The part of the page that trafilatura took, whole: it often leaves headings and lists out.

    What it took itself, where its paragraphs are not found or the part around them holds much else.
    """
    wanted = {fold(words(each)) for each in taken.iter("p", "li", *_HEADINGS)} - {""}
    found = [each for each in tree.iter("p", "li", *_HEADINGS) if fold(words(each)) in wanted]
    if not wanted or {fold(words(each)) for each in found} != wanted:
        return taken
    others = [set(each.iterancestors()) for each in found[1:]]
    holder = next(each for each in found[0].iterancestors() if all(each in around for around in others))
    _trim(holder, found, title)
    return holder if len(fold(words(holder))) <= _MOST_ADDED * len(fold(words(taken))) else taken


def _trim(holder: Any, found: list[Any], title: str) -> None:
    """Drop what comes before and after the found elements, but for headings right before the first."""
    above = {ancestor for each in found for ancestor in (each, *each.iterancestors())}
    places = [place for place, child in enumerate(holder) if child in above]
    start = places[0]
    while start and holder[start - 1].tag in _HEADINGS and fold(words(holder[start - 1])) != fold(title):
        start -= 1
    for child in [*holder[:start], *holder[places[-1] + 1 :]]:
        holder.remove(child)
    holder.text = None


def _drop_announced(root: Any) -> None:
    """Nothing but links, and a label that says they lead to other stories: before them, or in one block with them."""
    for element in list(root.iterdescendants(*_LABELLED)):
        if element.getparent() is None or sum(1 for _ in islice(element.iter(), _LARGEST_BOX)) == _LARGEST_BOX:
            continue
        if announces(words(element)):
            _drop_with_links(element)
        elif element.tag not in _HEADINGS and announces(_not_linked(element)) and _is_linked(element):
            element.drop_tree()


def _drop_with_links(label: Any) -> None:
    """A label without links after it is a heading like another."""
    links = list(takewhile(_is_all_links, label.itersiblings()))
    if links and not (label.tail or "").strip():
        for element in (label, *links):
            element.drop_tree()


def _is_all_links(element: Any) -> bool:
    is_alone = element.getprevious() is None or not (element.getprevious().tail or "").strip()
    return element.tag in _LISTS and is_alone and _is_linked(element) and not _not_linked(element)


def _is_linked(element: Any) -> bool:
    return any(words(link) for link in element.iter("a"))


def _not_linked(element: Any) -> str:
    """The first words that stand in no link, as many as a label may have."""
    return one_line(" ".join(islice(_texts_outside(element, "a"), _MOST_OF_A_LABEL)))


def _texts_outside(element: Any, *tags: str) -> Iterator[str]:
    """One by one, so that whoever needs only the first does not pay for all."""
    if element.tag not in tags:
        for each in (element.text, *chain.from_iterable((child, child.tail) for child in element)):
            if isinstance(each, str):
                yield from (each,) if each.strip() else ()
            elif each is not None:
                yield from _texts_outside(each, *tags)


def _drop_link_lists(root: Any, page: Page) -> None:
    """A box of nothing but links to the site's own stories is an announcement, whatever its class."""
    host = split(page.base).hostname
    shown = {link for link in root.iter("a") if words(link)}
    for box in list(root.iterdescendants("div", "section", "aside")):
        is_gone = root not in box.iterancestors()  # with a box around it
        if is_gone or any(_texts_outside(box, "a", *_HEADINGS)):
            continue
        links = [link for link in box.iter("a") if link in shown]
        if len(links) > 1 and all(split(link.get("href") or "").hostname in (host, None) for link in links):
            box.drop_tree()


def _mend_media(root: Any) -> None:
    for image in list(root.iter("img")):
        image.set("src", source(image))
        if not image.get("src") or "1" in (image.get("width"), image.get("height")):  # a counting pixel
            image.drop_tree()
    for frame in list(root.iter("iframe")):
        frame.set("src", frame.get("src") or frame.get("data-src") or "")


def _flatten(root: Any) -> None:
    """Unwrap what only groups, inner first; text that has no block of its own becomes a paragraph."""
    for element in reversed(list(root.iterdescendants(*_WRAPPERS, "blockquote"))):
        parent = element.getparent()
        if any(child.tag not in _INLINE for child in element):
            _wrap_loose_text(element)
        elif parent is root or parent.tag in _HOLDS_PARAGRAPHS:
            _wrap_all(element)
        if element.tag != "blockquote":
            element.text, element.tail = _apart(element.text), _apart(element.tail)
    _wrap_loose_text(root)
    etree.strip_tags(root, *_WRAPPERS)


def _apart(text: str | None) -> str:
    """Words of two wrappers do not grow together."""
    return f" {text or ''}"


def _wrap_all(element: Any) -> None:
    paragraph = html.Element("p")
    paragraph.text, element.text = element.text, None
    paragraph.extend(list(element))
    element.append(paragraph)


def _wrap_loose_text(parent: Any) -> None:
    paragraph = None
    loose, parent.text = parent.text or "", None
    for child in list(parent):
        if child.tag in _INLINE:
            if paragraph is None:
                paragraph = html.Element("p")
                paragraph.text = loose
                child.addprevious(paragraph)
            paragraph.append(child)
            continue
        if paragraph is None and loose.strip():
            child.addprevious(_paragraph(loose))
        paragraph, loose, child.tail = None, child.tail or "", None
    if paragraph is None and loose.strip():
        parent.append(_paragraph(loose))


def _paragraph(text: str) -> Any:
    paragraph = html.Element("p")
    paragraph.text = text
    return paragraph


def _drop_empty(root: Any) -> None:
    for element in reversed(list(root.iterdescendants())):
        if element.tag in _MAY_BE_EMPTY:
            continue
        text = element.text_content().strip()
        is_label = element.tag in ("p", "div", "h4", "h5", "h6") and text.strip("-–— .:").casefold() in _LABELS
        if is_label or (not text and not any(True for _ in element.iter("img", "iframe", "hr"))):
            element.drop_tree()


def _drop_title(root: Any, title: str) -> None:
    first = next(iter(root), None)
    if first is not None and first.tag in ("h1", "h2") and fold(words(first)) == fold(title) != "":
        first.drop_tree()


def _split(match: re.Match[str]) -> str:
    """Two breaks are how old editors part paragraphs."""
    parts = (part.strip() for part in _TWO_BREAKS.split(match[1]))
    return "\n".join(f"<p>{part}</p>" for part in parts if part and part != "<br>")
