"""Split a text file into front matter and body, and read the front matter as plain values.

YAML scalars stay text: `title: no` is the word "no", and a date is read by us, with the newsroom's zone.
"""

import re
import tomllib
from dataclasses import dataclass
from typing import Any

import yaml

from publisher.errors import Problem

_FENCES = {"---": "yaml", "+++": "toml"}


class FrontMatterError(Exception):
    """Carries the Problem with file, line and column."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(str(problem))
        self.problem = problem


class _TextLoader(yaml.BaseLoader):
    """Makes nothing but text, lists and tables; refuses aliases, which can blow a line up to gigabytes."""

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        if self.check_event(yaml.AliasEvent):
            mark = self.get_mark()
            raise yaml.MarkedYAMLError(problem="aliases (*name) are not read", problem_mark=mark)
        return super().compose_node(parent, index)


@dataclass(frozen=True, slots=True)
class Parts:
    """`first_line` is where the body starts, from 1; `values` is empty where there is no front matter."""

    values: dict[str, Any]
    body: str
    first_line: int
    block: str = ""

    def line(self, key: str) -> int:
        """The line of the file where a key of the front matter stands."""
        written = re.compile(rf"""\s*["']?{re.escape(key)}["']?\s*[:=]""")
        return next((number for number, line in enumerate(self.block.split("\n"), 2) if written.match(line)), 2)


def split(text: str, where: str) -> Parts:
    """Raise FrontMatterError with the place in the file."""
    text = text.removeprefix("\ufeff")
    lines = text.split("\n")
    fence = lines[0].rstrip()
    if fence not in _FENCES:
        return Parts({}, text, 1)
    end = next((number for number, line in enumerate(lines[1:], 1) if line.rstrip() == fence), None)
    if end is None:
        raise FrontMatterError(Problem(f"{where}:1", f'front matter opens with "{fence}" and never closes.',
                                       f"Write {fence} on a line of its own behind it."))  # fmt: skip
    block = "\n".join(lines[1:end])
    values = _yaml(block, where) if _FENCES[fence] == "yaml" else _toml(block, where)
    return Parts(values, "\n".join(lines[end + 1 :]), end + 2, block)


def _yaml(block: str, where: str) -> dict[str, Any]:
    try:
        values = yaml.load(block, Loader=_TextLoader)  # noqa: S506 - as safe as BaseLoader, which it is
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        line = mark.line if mark else 0
        column = f":{mark.column + 1}" if mark else ""
        raise FrontMatterError(Problem(f"{where}:{line + 2}{column}", *_advice(block, line, error))) from None
    except (yaml.YAMLError, RecursionError) as error:
        raise FrontMatterError(Problem(f"{where}:2", f"front matter is not YAML: {error}.")) from None
    if values in (None, ""):
        return {}
    if not isinstance(values, dict):
        raise FrontMatterError(Problem(f"{where}:2", "front matter is not a list of keys.", "Write title: …"))
    return {str(key): value for key, value in values.items()}


def _advice(block: str, line: int, error: yaml.MarkedYAMLError) -> tuple[str, str]:
    lines = block.split("\n")
    written = lines[line] if line < len(lines) else ""
    key, _, value = written.partition(":")
    if ": " in f"{value.strip()} " and value.strip()[:1] not in "\"'":
        quoted = value.strip().replace('"', '\\"')
        return f'{key.strip()} holds ": ".', f'Put it in quotes: {key.strip()}: "{quoted}"'
    return f"front matter is not YAML: {error.problem}.", 'Write one "key: value" a line.'


def _toml(block: str, where: str) -> dict[str, Any]:
    try:
        return tomllib.loads(block)
    except tomllib.TOMLDecodeError as error:
        message, _, place = str(error).partition(" (at line ")
        line, _, column = place.rstrip(")").partition(", column ")
        message = message.removesuffix(" (at end of document)")
        at = f":{int(line) + 1}:{column}" if line.isdigit() else f":{block.count(chr(10)) + 2}"
        raise FrontMatterError(Problem(f"{where}{at}", f"front matter is not TOML: {message}.",
                                       'Write one key = "value" a line.')) from None  # fmt: skip
    except (ValueError, RecursionError) as error:
        raise FrontMatterError(Problem(f"{where}:2", f"front matter cannot be read: {error}.")) from None
