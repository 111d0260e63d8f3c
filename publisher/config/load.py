"""Read config.toml, lay the environment over it, and list every mistake with its place."""

import os
import re
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from publisher.config.appearance import flaws, unusable_logos
from publisher.config.mistakes import explain
from publisher.config.positions import Key, positions
from publisher.config.references import broken_references
from publisher.config.schema import Config, Environment
from publisher.config.secrets import with_secrets
from publisher.errors import ConfigError, Problem

_TOML_PLACE = re.compile(r" \(at line (\d+), column (\d+)\)| \(at end of document\)")


def load(path: Path) -> Config:
    """Raise ConfigError with all mistakes of the file, the environment and the secret files."""
    text = _read(path)
    data = _overlaid(_parse(path, text), Environment(Config)())
    finder = _Finder(path.name, positions(text), data)
    problems = [finder.problem(key, message) for key, message in (*broken_references(data), *flaws(data))]
    try:
        config = Config(**data)
    except ValidationError as error:
        problems = [finder.problem(*explain(detail, data)) for detail in error.errors()] + problems
        raise ConfigError(sorted(dict.fromkeys(problems), key=_by_place)) from None
    config, unread = with_secrets(config, path.parent, finder.problem)
    problems += unread
    logos = unusable_logos(config.theme, path.parent / config.site.static)
    problems += [finder.problem(key, message) for key, message in logos]
    if problems:
        raise ConfigError(sorted(problems, key=_by_place))
    return config.placed(finder.problem)


def _read(path: Path) -> str:
    try:
        return path.read_text("utf-8-sig")
    except FileNotFoundError:
        raise ConfigError(
            [Problem(str(path), "there is no such file.", "Make a newsroom with: publisher init")]
        ) from None
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError([Problem(str(path), f"cannot be read: {error}.", "Save it as UTF-8 text.")]) from None


def _parse(path: Path, text: str) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        found = _TOML_PLACE.search(str(error))
        line, column = (found[1], found[2]) if found and found[1] else (text.count("\n") + 1, 1)
        message = _TOML_PLACE.sub("", str(error))
        raise ConfigError(
            [Problem(f"{path.name}:{line}:{column}", f"not TOML: {message}.", 'Write key = "value".')]
        ) from None


def _overlaid(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    """`above` wins, key by key; a secret and its `*_file` are one setting."""
    kept = {
        key: value
        for key, value in below.items()
        if f"{key}_file" not in above and (key in above or key.removesuffix("_file") not in above)
    }
    for key, value in above.items():
        both = isinstance(kept.get(key), dict) and isinstance(value, dict)
        kept[key] = _overlaid(kept[key], value) if both else value
    return kept


class _Finder:
    """Knows the place of a key and what an editor calls its table."""

    def __init__(self, file: str, places: Mapping[Key, tuple[int, int]], data: Mapping[str, Any]) -> None:
        self._file, self._places, self._data = file, places, data

    def problem(self, key: Key, message: str) -> Problem:
        known = next(prefix for prefix in _prefixes(key) if prefix in self._places or _variable(prefix) or not prefix)
        if variable := _variable(known):
            return Problem(f"environment {variable}", message)
        line, column = self._places.get(known, (1, 1))
        return Problem(f"{self._file}:{line}:{column}", f"{self._label(key)}{message}")

    def _label(self, key: Key) -> str:
        """`[newsletter.briefing] schedule.daily: `"""
        if not key:
            return ""
        head: list[str] = [str(key[0])]
        rest = list(key[1:])
        if rest and isinstance(rest[0], int):
            element = self._element(str(key[0]), rest.pop(0))
            known = (element[part] for part in ("name", "path", "selector") if element.get(part))
            head.append(str(next(known, int(key[1]) + 1)))
        elif len(rest) > 1 and self._is_table(key[0], rest[0]):
            head.append(str(rest.pop(0)))
        elif not rest and not isinstance(self._data.get(str(key[0])), dict | list):
            return f"{key[0]}: "
        table = f"[{'.'.join(head)}] "
        return f"{table}{'.'.join(str(part) for part in rest)}: " if rest else table

    def _is_table(self, outer: str | int, inner: str | int) -> bool:
        around = self._data.get(str(outer))
        return isinstance(around, dict) and isinstance(around.get(str(inner)), dict)

    def _element(self, table: str, index: str | int) -> Mapping[str, Any]:
        elements = self._data.get(table)
        if isinstance(elements, list) and isinstance(index, int) and index < len(elements):
            element = elements[index]
            return element if isinstance(element, dict) else {}
        return {}


def _prefixes(key: Key) -> Iterator[Key]:
    return (key[:length] for length in range(len(key), -1, -1))


def _variable(key: Key) -> str:
    """The environment variable that sets a key, where there is one; pydantic reads small letters too."""
    name = "PUBLISHER_" + "__".join(str(part) for part in key).upper()
    return name if name in map(str.upper, os.environ) else ""


def _by_place(problem: Problem) -> tuple[int, ...]:
    return tuple(int(part) for part in problem.where.split(":")[1:] if part.isdigit())
