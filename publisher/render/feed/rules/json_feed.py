"""JSON Feed 1.1: what its specification asks of every object."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from publisher.render.feed.rules import values
from publisher.render.feed.rules.finding import Facts, Fault
from publisher.render.feed.rules.reading import Document
from publisher.render.preflight.verdict import quoted

_VERSION = "https://jsonfeed.org/version/1.1"
_FEED = {
    "version": str, "title": str, "home_page_url": str, "feed_url": str, "description": str, "user_comment": str,
    "next_url": str, "icon": str, "favicon": str, "authors": list, "language": str, "expired": bool, "hubs": list,
    "items": list,
}  # fmt: skip
_ITEM = {
    "id": str, "url": str, "external_url": str, "title": str, "content_html": str, "content_text": str,
    "summary": str, "image": str, "banner_image": str, "date_published": str, "date_modified": str, "authors": list,
    "tags": list, "language": str, "attachments": list,
}  # fmt: skip
_AUTHOR = {"name": str, "url": str, "avatar": str}
_HUB = {"type": str, "url": str}
_ATTACHMENT = {"url": str, "mime_type": str, "title": str, "size_in_bytes": int, "duration_in_seconds": int}
_OWN = re.compile(r"_[A-Za-z0-9][A-Za-z0-9_-]*")
_KINDS: dict[type, str] = {str: "a string", list: "a list", bool: "true or false", int: "a number"}


def structure(document: Document, facts: Facts) -> Iterator[Fault]:
    root = document.root
    yield from (Fault("", fault) for fault in _object(root, _FEED, ("version", "title", "items")))
    yield from (Fault("", fault) for fault in _lists(root))
    if root.get("version") != _VERSION:
        yield Fault("", f"version is {quoted(str(root.get('version')))}; write {_VERSION}")
    if root.get("next_url") is not None and root["next_url"] == root.get("feed_url"):
        yield Fault("", "next_url is its own address, so that a reader goes round for ever")
    for entry in document.entries:
        yield from (Fault(entry.name, fault) for fault in _object(entry.node, _ITEM, ("id",)))
        yield from (Fault(entry.name, fault) for fault in _lists(entry.node))
        if "content_html" not in entry.node and "content_text" not in entry.node:
            yield Fault(entry.name, "it has neither content_html nor content_text")


def _object(table: Mapping[str, Any], known: Mapping[str, type], required: tuple[str, ...] = ()) -> Iterator[str]:
    yield from (f"{key} is missing" for key in required if key not in table)
    for key, value in table.items():
        if key not in known:
            if not _OWN.fullmatch(key):
                yield f"{quoted(key)} is not known; keys of our own begin with _"
        elif not isinstance(value, known[key]) or (known[key] is int and isinstance(value, bool)):
            yield f"{key} is not {_KINDS[known[key]]}"
        elif value == "":
            yield f"{key} is empty; leave it out"


def _lists(table: Mapping[str, Any]) -> Iterator[str]:
    for author in _all(table, "authors"):
        if not isinstance(author, dict) or not any(author.get(key) for key in _AUTHOR):
            yield "an author has neither name, url nor avatar"
        else:
            yield from (f"in authors, {fault}" for fault in _object(author, _AUTHOR))
    for hub in _all(table, "hubs"):
        inside = _object(hub, _HUB, ("type", "url")) if isinstance(hub, dict) else ["a hub is no object"]
        yield from (f"in hubs, {fault}" for fault in inside)
    for attachment in _all(table, "attachments"):
        required = ("url", "mime_type")
        known = isinstance(attachment, dict)
        yield from (f"in attachments, {fault}" for fault in (
            _object(attachment, _ATTACHMENT, required) if known else ["one is no object"]))  # fmt: skip
        if known and (fault := values.media_type(str(attachment.get("mime_type", "")))):
            yield f"in attachments, mime_type {fault}"
    if not all(isinstance(tag, str) and tag.strip() for tag in _all(table, "tags")):
        yield "a tag is no word"


def _all(table: Mapping[str, Any], key: str) -> list[Any]:
    value = table.get(key)
    return value if isinstance(value, list) else []
