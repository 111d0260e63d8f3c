"""The lead image in the text, and what Media RSS says of it."""

from collections.abc import Iterator
from mimetypes import guess_type
from typing import Any
from urllib.parse import urlsplit

from publisher.render.feed.rules import body, values
from publisher.render.feed.rules.everywhere import nodes, short
from publisher.render.feed.rules.finding import Facts, Fault
from publisher.render.feed.rules.reading import MEDIA, Document, Entry
from publisher.render.preflight.verdict import quoted


def picture(document: Document, facts: Facts) -> Iterator[Fault]:
    """The lead image: once in the body, with the alternative text and the credit that the feed gives."""
    for entry in document.entries:
        if not entry.images or not entry.body:
            continue
        read = body.read(entry.body)
        alternatives = [alt for source, alt in read.images if source == entry.images[0]]
        if len(alternatives) != 1:
            yield Fault(entry.name, f"its image {quoted(entry.images[0])} stands {len(alternatives)} times in its text")
        if None in alternatives:
            yield Fault(entry.name, f"its image {quoted(entry.images[0])} has no alt in its text")
        if document.form != "json":
            yield from _said_of_picture(entry, read, alternatives)


def _said_of_picture(entry: Entry, read: body.Body, alternatives: list[str | None]) -> Iterator[Fault]:
    words = " ".join(read.text.split())
    for node in entry.node.iter(f"{MEDIA}credit"):
        if " ".join((node.text or "").split()) not in words:
            yield Fault(entry.name, f"the credit {quoted(node.text or '')} does not stand in its text")
    for content in entry.node.iter(f"{MEDIA}content"):
        title = content.find(f"{MEDIA}title")
        known = title is not None and content.get("url") == entry.images[0] and alternatives
        if known and title.text not in alternatives:
            yield Fault(entry.name, f"the image is {quoted(title.text or '')} to Media RSS, and another in its text")


def media(document: Document, facts: Facts) -> Iterator[Fault]:
    """Media RSS 1.5.1: types, sizes and words of pictures."""
    for name, node in nodes(document) if document.form != "json" else ():
        if node.tag in (f"{MEDIA}content", f"{MEDIA}thumbnail"):
            yield from (Fault(name, fault) for fault in _media_faults(node))
        elif node.tag in (f"{MEDIA}title", f"{MEDIA}description") and node.get("type", "plain") not in (
            "plain",
            "html",
        ):
            yield Fault(name, f"<{short(node)}> is of the type {quoted(node.get('type'))}; write plain or html")
        elif node.tag == f"{MEDIA}credit" and not (node.text or "").strip():
            yield Fault(name, "<media:credit> is empty")
        elif node.tag == f"{MEDIA}group" and node.find(f"{MEDIA}content") is None:
            yield Fault(name, "<media:group> holds no <media:content>")


def _media_faults(node: Any) -> Iterator[str]:
    place = f"<{short(node)}>"
    if node.get("url") is None:
        yield f"{place} has no url"
    for side in ("width", "height", "fileSize"):
        if node.get(side) is not None and (fault := values.number(node.get(side), 1)):
            yield f"{side} of {place} {fault}"
    medium, kind = node.get("medium"), node.get("type")
    if medium is not None and medium not in ("image", "audio", "video", "document", "executable"):
        yield f"medium of {place} is {quoted(medium)}; write image"
    if kind is None:
        return
    guessed = guess_type(urlsplit(node.get("url", "")).path)[0] or kind
    if fault := values.media_type(kind):
        yield f"type of {place} {fault}"
    elif medium == "image" and not kind.startswith("image/"):
        yield f"type of {place} is {quoted(kind)}, which is no image"
    elif guessed != kind:
        yield f"type of {place} is {quoted(kind)}, and the name in its url says {quoted(guessed)}"
