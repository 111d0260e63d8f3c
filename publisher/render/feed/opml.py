"""OPML 2.0: all feeds in one file, for readers who want to follow everything at once."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from email.utils import format_datetime
from typing import Any

from lxml import etree

from publisher.model.newsletter import Publication

OPML_FILE = "feeds.opml"
OPML_TYPE = "text/x-opml"


@dataclass(frozen=True, slots=True)
class Outline:
    """A feed, or where `url` is empty a heading over its `children`."""

    title: str
    url: str = ""
    description: str = ""
    language: str = ""
    version: str = "RSS2"
    children: tuple["Outline", ...] = ()


def opml(outlines: Sequence[Outline], publication: Publication, founded: datetime) -> bytes:
    """The file's bytes; the same feeds make the same bytes on any day."""
    root = etree.Element("opml", version="2.0")
    head = etree.SubElement(root, "head")
    created = format_datetime(founded.replace(microsecond=0))
    for name, text in (("title", publication.name), ("dateCreated", created), ("ownerName", publication.name),
                       ("ownerId", f"{publication.url}/"), ("docs", "http://opml.org/spec2.opml")):  # fmt: skip
        etree.SubElement(head, name).text = text
    _write(etree.SubElement(root, "body"), outlines, publication)
    etree.indent(root, " ")
    document: bytes = etree.tostring(root, encoding="UTF-8", xml_declaration=True)
    return document + b"\n"


def _write(parent: Any, outlines: Sequence[Outline], publication: Publication) -> None:
    for one in outlines:
        values = {"text": one.title}
        if one.url:
            values |= {
                "type": "rss", "title": one.title, "xmlUrl": one.url, "htmlUrl": f"{publication.url}/",
                "version": one.version, "language": one.language, "description": one.description,
            }  # fmt: skip
        element = etree.SubElement(parent, "outline", {key: value for key, value in values.items() if value})
        _write(element, one.children, publication)
