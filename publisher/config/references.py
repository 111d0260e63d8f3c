"""Names in the file that must name something else in the file.

Works on the parsed TOML, before the types are checked, so that these mistakes are listed with all the others.
"""

import re
from collections.abc import Iterator, Mapping
from email.utils import parseaddr
from typing import Any

from publisher.config.positions import Key
from publisher.config.values import host
from publisher.model.moves import Moves
from publisher.model.newsletter import FEED_FOLDERS

Mistake = tuple[Key, str]


def broken_references(data: Mapping[str, Any]) -> Iterator[Mistake]:
    paths = {str(section.get("path")) for _, section in _tables(data, "section")}
    yield from _twice(data, "section", "path")
    yield from _twice(data, "source", "name")
    yield from _twice(data, "newsletter", "name")
    yield from _orphans(data, paths)
    yield from _same_selector(data)
    yield from _unsigned(data)
    yield from _moves(data)
    yield from _reserved(data)
    for table in ("newsletter", "feed"):
        for index, entry in _tables(data, table):
            yield from _unknown_sections(entry.get("sections"), (table, index, "sections"), paths)
    for index, source in _tables(data, "source"):
        named = source.get("section")
        if isinstance(named, str) and named and named not in paths:
            yield ("source", index, "section"), _unknown(named, paths)
        mapping = source.get("sections")
        if isinstance(mapping, dict):
            for name, path in mapping.items():
                if isinstance(path, str) and path not in paths:
                    yield ("source", index, "sections", name), _unknown(path, paths)


def _tables(data: Mapping[str, Any], name: str) -> Iterator[tuple[int, Mapping[str, Any]]]:
    entries = data.get(name)
    if isinstance(entries, list):
        yield from ((index, entry) for index, entry in enumerate(entries) if isinstance(entry, dict))


def _twice(data: Mapping[str, Any], table: str, key: str) -> Iterator[Mistake]:
    seen: set[str] = set()
    for index, entry in _tables(data, table):
        value = entry.get(key)
        if not isinstance(value, str):
            continue
        if value in seen:
            yield (table, index, key), f'"{value}" stands twice. Give each {table} a {key} of its own.'
        seen.add(value)


def _orphans(data: Mapping[str, Any], paths: set[str]) -> Iterator[Mistake]:
    for index, section in _tables(data, "section"):
        parent = str(section.get("path")).rpartition("/")[0]
        if parent and parent not in paths:
            yield (
                ("section", index, "path"),
                f'its parent "{parent}" is not a section. Add [[section]] path = "{parent}".',
            )


def _reserved(data: Mapping[str, Any]) -> Iterator[Mistake]:
    """Sections whose feeds would lie where those of authors, kinds and newsletters do."""
    for index, section in _tables(data, "section"):
        top = str(section.get("path")).partition("/")[0]
        if top in FEED_FOLDERS:
            message = f'"{top}" is where other feeds lie, those of {FEED_FOLDERS[top]}. Give the section another path.'
            yield ("section", index, "path"), message


def _same_selector(data: Mapping[str, Any]) -> Iterator[Mistake]:
    seen: set[tuple[str, str]] = set()
    for index, entry in _tables(data, "dkim"):
        domain, selector = _host(entry.get("domain")), entry.get("selector")
        if not domain or not isinstance(selector, str):
            continue
        if (domain, selector.lower()) in seen:
            message = f'"{selector}" stands twice for {domain}. Give each key of a domain a selector of its own.'
            yield ("dkim", index, "selector"), message
        seen.add((domain, selector.lower()))


def _unsigned(data: Mapping[str, Any]) -> Iterator[Mistake]:
    """Newsletters whose sender no key speaks for: its domain, or one above it (RFC 7489 §3.1.1, relaxed alignment)."""
    domains = {_host(entry.get("domain")) for _, entry in _tables(data, "dkim")}
    if not domains or "" in domains:  # a domain that is none is a mistake of its own
        return
    for index, entry in _tables(data, "newsletter"):
        sender = str(entry.get("from", ""))
        written = parseaddr(sender)[1].rpartition("@")[2]
        domain = _host(written) or written
        if domain and not any(f".{domain}".endswith(f".{known}") for known in domains):
            message = f'"{sender}" would go out unsigned: no [[dkim]] is for its domain.'
            yield ("newsletter", index, "from"), f'{message} Add [[dkim]] domain = "{domain}".'


_FEED_PATH = re.compile(r"(?!feeds/)[\w-][\w.-]*(/[\w-][\w.-]*)*")


def _moves(data: Mapping[str, Any]) -> Iterator[Mistake]:
    """Feeds that moved or closed: a path that is none, one that is both, and moves that never end."""
    own = data.get("syndication")
    table = own if isinstance(own, dict) else {}
    moved, closed = table.get("moved"), table.get("closed")
    moves = {old: new for old, new in moved.items() if isinstance(new, str)} if isinstance(moved, dict) else {}
    places: list[tuple[Key, object]] = [
        (("syndication", "moved", old), path) for old in moves for path in (old, moves[old])
    ]
    places += [(("syndication", "closed", n), one) for n, one in enumerate(closed if isinstance(closed, list) else ())]
    for key, path in places:
        if isinstance(path, str) and not _FEED_PATH.fullmatch(path):
            yield key, f'"{path}" is not a path below feeds/. Write a section\'s, such as "economy/trade", or "by/ada".'
    for old in moves:
        if isinstance(closed, list) and old in closed:
            yield ("syndication", "moved", old), f'"{old}" is closed too. Keep it under moved, or under closed.'
        try:
            Moves(moves).place(old)
        except ValueError:
            message = f'"{old}" leads to "{moves[old]}" and round for ever. Write the path where its feeds are now.'
            yield ("syndication", "moved", old), message


def _host(name: object) -> str:
    try:
        return host(str(name))
    except ValueError:
        return ""


def _unknown_sections(chosen: object, key: Key, paths: set[str]) -> Iterator[Mistake]:
    if isinstance(chosen, list):
        for position, path in enumerate(chosen):
            if isinstance(path, str) and path != "*" and path not in paths:
                yield (*key, position), _unknown(path, paths)


def _unknown(path: str, paths: set[str]) -> str:
    known = ", ".join(sorted(paths)) or "none yet"
    return f'there is no section "{path}". Write one of: {known}.'
