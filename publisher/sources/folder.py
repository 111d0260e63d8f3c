"""Articles kept as Markdown and HTML files with front matter, as Hugo and Jekyll do.

A file is read again when its size or time changed, and at every fetch while it has a mistake. The folder decides
the section where the front matter names none. `_authors.toml` holds biographies and pictures by name. A file that is
gone was withdrawn.
"""

import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

from publisher.clean import dates, markdown
from publisher.clean.text import from_html, one_line, repair
from publisher.errors import Problem, SourceError
from publisher.model.article import Access, Author, Image, RawArticle, Related, Status
from publisher.ports import Fetched
from publisher.sources.front_matter import FrontMatterError, Parts, split

_MARKDOWN = {".md", ".markdown"}
_SUFFIXES = _MARKDOWN | {".html", ".htm"}
_DATED_NAME = re.compile(r"^\d{4}-\d\d-\d\d-")
_MARKDOWN_TITLE = re.compile(r"\A\s*#\s+(?P<title>[^\n]+?)\s*#*(?:\n|\Z)")
_HTML_TITLE = re.compile(r"<(title|h1)\b[^>]*>(?P<title>.*?)</\1>", re.DOTALL | re.IGNORECASE)
_HTML_BODY = re.compile(r"<body\b[^>]*>(.*)</body>", re.DOTALL | re.IGNORECASE)
_Word = TypeVar("_Word", Access, Status)
_SECTIONS = ("sections", "section", "categories", "category")
_YES = ("true", "yes", "on", "1")
_NO = ("false", "no", "off", "0", "")


@dataclass(frozen=True, slots=True)
class FolderSource:
    name: str
    path: Path
    zone: ZoneInfo

    async def ask(self, state: Mapping[str, Any], now: datetime) -> None:
        """Nothing to wait for."""

    def read(self, answer: None, state: Mapping[str, Any], now: datetime) -> Fetched:
        if not self.path.is_dir():
            raise SourceError(f"{self.path}: there is no such folder.")
        known, problems = _known_authors(self.path / "_authors.toml")
        authors = _stamp(self.path / "_authors.toml")
        before: Mapping[str, list[str]] = state.get("files", {})
        same_authors = state.get("authors") == authors
        files: dict[str, list[str]] = {}
        articles = []
        for file in self._files():
            name, stamp = file.relative_to(self.path).as_posix(), _stamp(file)
            known_stamp, known_id = before.get(name, ["", ""])
            files[name] = [stamp, known_id]
            if same_authors and known_stamp == stamp:
                continue
            try:
                _refuse_a_way_out(file, self.path, name)
                article = _article(file, name, known, self.zone)
            except FrontMatterError as error:
                problems.append(error.problem)
                files[name] = ["", known_id]  # read again until it is mended
                continue
            articles.append(article)
            files[name] = [stamp, article.source_id]
        return Fetched(
            tuple(articles),
            {"authors": authors, "files": files},
            tuple(problems),
            unchanged=not articles and not problems,
            present=frozenset(source_id or name for name, (_, source_id) in files.items()),
        )

    def _files(self) -> Iterator[Path]:
        for file in sorted(self.path.rglob("*")):
            hidden = any(part[0] in "._" for part in file.relative_to(self.path).parts)
            if file.suffix.lower() in _SUFFIXES and not hidden and file.is_file():
                yield file


def _refuse_a_way_out(file: Path, folder: Path, name: str) -> None:
    """A link to a file elsewhere on the machine is not a newsroom's to print."""
    if not file.resolve().is_relative_to(folder.resolve()):
        raise FrontMatterError(Problem(f"{name}:1", "is a link that leads out of the folder.", "Copy the file here."))


def _stamp(file: Path) -> str:
    try:
        status = file.stat()
    except OSError:
        return ""
    return f"{status.st_mtime_ns}:{status.st_size}"


def _known_authors(file: Path) -> tuple[dict[str, Mapping[str, Any]], list[Problem]]:
    """What `_authors.toml` tells of each author, by name."""
    try:
        tables = tomllib.loads(file.read_text("utf-8-sig"))
    except FileNotFoundError:
        return {}, []
    except (OSError, ValueError) as error:
        return {}, [Problem(file.name, f"cannot be read: {error}.", 'Write ["Author Name"] and biography = "…".')]
    return {name: table for name, table in tables.items() if isinstance(table, dict)}, []


def _article(file: Path, name: str, known: Mapping[str, Mapping[str, Any]], zone: ZoneInfo) -> RawArticle:
    parts = split(_text(file, name), name)
    values = _Values(parts, name)
    title, body = _title_and_body(file, parts, values)
    if not title and not body.strip():
        raise FrontMatterError(Problem(f"{name}:1", "the file is empty.", 'Write front matter with a "title".'))
    folder = Path(name).parent.as_posix()
    return RawArticle(
        source_id=values.text("id") or name,
        title=title,
        body=body,
        where=f"{name}:1",
        format="front matter",
        origins=_origins(values),
        kind=values.text("kind"),
        teaser=values.text("teaser"),
        url=values.text("canonical_url", "url", "permalink") or None,
        standfirst=values.text("standfirst", "description", "summary", "excerpt", "subtitle"),
        authors=values.authors(known),
        published=values.date(zone, "date", "published", "publishDate"),
        modified=values.date(zone, "modified", "lastmod", "updated", "last_modified_at"),
        sections=values.list(*_SECTIONS) or ((folder,) if folder != "." else ()),
        tags=values.list("tags"),
        image=values.image(),
        language=values.text("language", "lang") or None,
        slug=values.text("slug") or _DATED_NAME.sub("", file.stem),
        embargo=values.date(zone, "embargo", "embargoed"),
        related=values.related(),
        access=values.one_of(Access, "access", Access.PUBLIC),
        status=Status.WITHHELD
        if values.text("draft").lower() in _YES
        else values.one_of(Status, "status", Status.USABLE),
        comments=values.text("comments"),
        replies=values.number("replies"),
        minor=values.yes("minor"),
        correction=values.text("correction"),
    )


def _origins(values: "_Values") -> dict[str, str]:
    """What did not come from the front matter."""
    elsewhere = {"body": "file", "title": "" if values.text("title") else "file"}
    elsewhere["sections"] = "" if values.list(*_SECTIONS) else "folder"
    return {field: place for field, place in elsewhere.items() if place}


def _text(file: Path, name: str) -> str:
    try:
        data = file.read_bytes()
    except OSError as error:
        raise FrontMatterError(Problem(f"{name}:1", f"cannot be read: {error.strerror}.")) from None
    try:
        return repair(data.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise FrontMatterError(Problem(f"{name}:{line}", "is not UTF-8 text.", "Save the file as UTF-8.")) from None


def _title_and_body(file: Path, parts: Parts, values: "_Values") -> tuple[str, str]:
    """A file without a title in its front matter has it as its first heading."""
    title, body = values.text("title"), parts.body
    if file.suffix.lower() in _MARKDOWN:
        heading = _MARKDOWN_TITLE.match(body)
        if heading and title in ("", heading["title"]):
            title, body = heading["title"], body[heading.end() :]
        return title, markdown.to_html(body)
    heading = _HTML_TITLE.search(body)
    inner = _HTML_BODY.search(body)
    return title or (from_html(heading["title"]) if heading else ""), inner[1] if inner else body


class _Values:
    """Front matter by any of a key's usual names, whatever the shape it was written in."""

    def __init__(self, parts: Parts, where: str) -> None:
        self._parts, self._values, self._where = parts, parts.values, where

    def _first(self, *keys: str) -> Any:
        return next((self._values[key] for key in keys if self._values.get(key) not in (None, "", [])), None)

    def text(self, *keys: str) -> str:
        value = self._first(*keys)
        if isinstance(value, dict | list):
            shape = "a list" if isinstance(value, list) else "a table"
            raise self._mistake(keys, f"{shape} where a text belongs.", f"Write {keys[0]}: one line of text")
        return "" if value is None else one_line(str(value))

    def list(self, *keys: str) -> tuple[str, ...]:
        value = self._first(*keys)
        if value is None:
            return ()
        if isinstance(value, str):
            return tuple(part.strip() for part in value.split(",") if part.strip())
        if isinstance(value, list) and not any(isinstance(part, dict | list) for part in value):
            return tuple(str(part) for part in value)
        raise self._mistake(keys, "is not a list of names.", f"Write {keys[0]}: [one, two]")

    def number(self, key: str) -> int | None:
        written = self.text(key)
        if written and not (written.isascii() and written.isdecimal() and len(written) < 10):
            raise self._mistake((key,), f'"{written}" is not a number.', f"Write {key}: 12")
        return int(written) if written else None

    def yes(self, key: str) -> bool:
        written = self.text(key).lower()
        if written not in (*_YES, *_NO):
            raise self._mistake((key,), f'"{written}" is neither true nor false.', f"Write {key}: true")
        return written in _YES

    def date(self, zone: ZoneInfo, *keys: str) -> datetime | None:
        try:
            return dates.instant(self._first(*keys), zone)
        except ValueError as error:
            raise self._mistake(keys, f"{error}.", "Write 2026-11-20T07:30:00+05:00 or 2026-11-20.") from None

    def authors(self, known: Mapping[str, Mapping[str, Any]]) -> tuple[Author, ...]:
        value = self._first("authors", "author")
        entries = value if isinstance(value, list) else [] if value is None else [value]
        authors = []
        for entry in entries:
            given = entry if isinstance(entry, dict) else {"name": entry}
            if isinstance(given.get("name"), dict | list):
                raise self._mistake(("authors", "author"), "is not a list of names.", "Write authors: [one, two]")
            name = one_line(str(given.get("name", "")))
            told = [given, known.get(name, {})]
            about = {key: _told(told, key) for key in ("picture", "url", "role")}
            authors.append(Author(name, _told(told, "biography", "bio"), **about))
        return tuple(authors)

    def related(self) -> tuple[Related, ...]:
        """Each a table with title, url and teaser, or a plain title."""
        value = self._first("related")
        entries = value if isinstance(value, list) else [] if value is None else [value]
        tables = [entry if isinstance(entry, dict) else {"title": entry} for entry in entries]
        return tuple(Related(*(str(table.get(key, "")) for key in ("title", "url", "teaser"))) for table in tables)

    def status(self) -> Status:
        draft = self.text("draft").lower() in _YES
        return Status.WITHHELD if draft else self.one_of(Status, "status", Status.USABLE)

    def one_of(self, words: type[_Word], key: str, default: _Word) -> _Word:
        written = self.text(key).lower()
        try:
            return words(written) if written else default
        except ValueError:
            known = ", ".join(words)
            raise self._mistake((key,), f'"{written}" is not known.', f"Write one of: {known}") from None

    def image(self) -> Image | None:
        value = self._first("image")
        given = value if isinstance(value, dict) else {"url": value}
        url = str(given.get("url") or given.get("src") or "")
        described = (
            str(given.get(key) or self._values.get(f"image_{key}", "")) for key in ("alt", "caption", "credit")
        )
        return Image(url, *described) if url else None

    def _mistake(self, keys: tuple[str, ...], message: str, fix: str) -> FrontMatterError:
        key = next(key for key in keys if self._values.get(key) not in (None, "", []))
        return FrontMatterError(Problem(f"{self._where}:{self._parts.line(key)}", f"{key}: {message}", fix))


def _told(tables: Sequence[Mapping[str, Any]], *keys: str) -> str:
    """The first text under one of the keys; a list or a table is nobody's biography."""
    found = (table[key] for table in tables for key in keys if isinstance(table.get(key), str | int | float))
    return str(next(found, ""))
