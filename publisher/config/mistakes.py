"""Pydantic's errors in an editor's words: what is wrong and what to write instead."""

import difflib
from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel
from pydantic_core import ErrorDetails

from publisher.config import schema
from publisher.config.positions import Key

_KINDS = {"string": "text in quotes", "int": "a whole number", "bool": "true or false", "dict": "a table",
          "model": "a table", "model_attributes": "a table",
          "list": "a list", "tuple": "a list", "path": "a path in quotes"}  # fmt: skip
_SECRETS = ("secret_key", "password", "key")
_TABLES: dict[str, type[BaseModel]] = {
    "publication": schema.PublicationConfig,
    "section": schema.SectionConfig,
    "newsletter": schema.NewsletterConfig,
    "feed": schema.FeedConfig,
    "store": schema.StoreConfig,
    "delivery": schema.DeliveryConfig,
    "site": schema.SiteConfig,
    "fetch": schema.FetchConfig,
    "dkim": schema.DkimConfig,
    "preflight": schema.PreflightConfig,
    "theme": schema.ThemeConfig,
    "theme.light": schema.DayConfig,
    "theme.dark": schema.NightConfig,
    "source.folder": schema.FolderSourceConfig,
    "source.feed": schema.FeedSourceConfig,
    "source.wordpress": schema.WordPressSourceConfig,
    "source.ghost": schema.GhostSourceConfig,
    "source.ninjs": schema.NinjsSourceConfig,
    "source.wxr": schema.WxrSourceConfig,
    "source.page": schema.PageSourceConfig,
    "transport.folder": schema.FolderTransportConfig,
    "transport.smtp": schema.SmtpTransportConfig,
}


def explain(error: ErrorDetails, data: Mapping[str, Any]) -> tuple[Key, str]:
    """The key's path as it stands in the file, and the message."""
    key = _as_written(error["loc"], data)
    kind, context = error["type"], error.get("ctx", {})
    shown = "the secret" if key[-1:] and key[-1] in _SECRETS else _shown(error["input"])
    if kind == "missing" and len(key) == 1:
        return (), f'"{key[0]}" is missing. Write [{key[0]}].'
    if kind == "missing":
        return key[:-1], f'"{key[-1]}" is missing. Write {key[-1]} = ….'
    if kind == "extra_forbidden":
        return key, f'unknown key "{key[-1]}". {_suggest(str(key[-1]), error["loc"])}'
    if kind == "value_error":
        return key, str(context.get("error", error["msg"]))
    if kind in ("literal_error", "enum"):
        return key, f"{shown} is not known here. Write {context.get('expected')}."
    if kind == "union_tag_invalid":
        return (
            *key,
            "type",
        ), f'type "{context.get("tag")}" is not known. Write {context.get("expected_tags")}.'
    if kind == "union_tag_not_found":
        return key, '"type" is missing. Write type = ….'
    if kind == "too_short":
        return key, "is empty. Write at least one."
    for name, words in _KINDS.items():
        if kind in (f"{name}_type", f"{name}_parsing"):
            return key, f"{shown} does not fit. Write {words}."
    return key, f"{shown} does not fit: {error['msg'].lower()}."


def _as_written(location: tuple[str | int, ...], data: Mapping[str, Any]) -> Key:
    """Drop the parts that pydantic adds: the tag of a union, and `[key]` for a bad key."""
    key: list[str | int] = []
    value: Any = data
    for position, part in enumerate(location):
        last = position == len(location) - 1
        if isinstance(value, list) and isinstance(part, int):
            value = value[part] if part < len(value) else None
        elif isinstance(value, dict) and part in value:
            value = value[part]
        elif part == "[key]" or (not last and isinstance(value, dict) and value.get("type") == part):
            continue
        else:
            value = None
        key.append(part)
    return tuple(key)


def _suggest(unknown: str, location: tuple[str | int, ...]) -> str:
    known = _known_keys(location)
    close = difflib.get_close_matches(unknown, known, n=1)
    return f'Did you mean "{close[0]}"?' if close else f"Known here: {', '.join(sorted(known))}."


def _known_keys(location: tuple[str | int, ...]) -> list[str]:
    if len(location) == 1:
        return _names(schema.Config)
    names = [str(part) for part in location[:-1] if not isinstance(part, int)]
    table = _TABLES.get(".".join(names))
    return _names(table) if table else []


def _names(table: type[BaseModel]) -> list[str]:
    return [field.alias or name for name, field in table.model_fields.items()]


def _shown(value: object) -> str:
    """A table or a list may hold a secret, so they are named only."""
    if isinstance(value, dict | list | tuple):
        return "a table" if isinstance(value, dict) else "a list"
    return f'"{value}"' if isinstance(value, str) else f"{value}"
