"""A WordPress export for backfill: WXR 1.0 to 1.2, an RSS file with the site's posts, terms, authors and pictures.

The file is read twice, item by item, because a picture may stand after its post: first what posts refer to, then the
posts, handed over in parts. So a large file costs time, not memory. It is parsed without DTD, entities or network.
"""

import html
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any, BinaryIO
from urllib.parse import unquote
from zoneinfo import ZoneInfo

from lxml import etree

from publisher.clean import dates
from publisher.clean.text import from_html, one_line, repair
from publisher.errors import Problem, SourceError
from publisher.model.article import Access, Author, Image, RawArticle, Status
from publisher.ports import Fetched

_PART = 1000  # posts handed over at once
_LONGEST_TEXT = 1_000_000  # characters of a post; the longest real article is a tenth of it
_UTC = ZoneInfo("UTC")
_READ = ("publish", "future", "trash")  # drafts, pending, private and automatic ones are nobody's to print
_CONTROL = bytes({*range(32)} - {9, 10, 13})  # XML 1.0 §2.2 Char; WordPress writes them all the same
_ZERO = "0000-00-00"

Fields = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class WxrSource:
    """`zone` is the site's: its wall clock dates a post that has no date in UTC."""

    name: str
    path: Path
    zone: ZoneInfo

    async def ask(self, state: Mapping[str, Any], now: datetime) -> None:
        """Nothing to wait for."""

    def read(self, answer: None, state: Mapping[str, Any], now: datetime) -> Fetched:
        stamp = _stamp(self.path)
        known = state if state.get("stamp") == stamp else {}
        if known and "read" not in known:
            return Fetched(state=state, unchanged=True)
        site = _survey(self.path)
        articles: list[RawArticle] = []
        problems: list[Problem] = []
        for number, item in enumerate(_elements(self.path, "{*}item"), 1):
            if number <= known.get("read", 0):
                continue
            article = _post(item, site, f"{self.path.name}:{item.sourceline}", self.zone, now, problems)
            articles += [article] if article else []
            if len(articles) == _PART:
                return Fetched(tuple(articles), {"stamp": stamp, "read": number}, tuple(problems), more=True)
        return Fetched(tuple(articles), {"stamp": stamp}, tuple(problems))


def _stamp(path: Path) -> str:
    try:
        status = path.stat()
    except OSError as error:
        raise SourceError(f"{path} cannot be read: {error.strerror}.") from None
    return f"{status.st_mtime_ns}:{status.st_size}"


@dataclass(frozen=True, slots=True)
class _Site:
    """What posts refer to: authors by login, categories as (name, parent) by nicename, pictures by post id."""

    authors: dict[str, Author] = field(default_factory=dict)
    categories: dict[str, tuple[str, str]] = field(default_factory=dict)
    nicenames: dict[str, str] = field(default_factory=dict)  # by term id
    pictures: dict[str, Image] = field(default_factory=dict)
    language: list[str] = field(default_factory=list)

    def trail(self, nicename: str, name: str) -> str:
        """`Parent/Child`, as far as the export knows the parents."""
        names, seen = [self.categories.get(nicename, (name, ""))[0] or name], {nicename}
        parent = self.categories.get(nicename, ("", ""))[1]
        while parent in self.categories and parent not in seen:
            seen.add(parent)
            names.append(self.categories[parent][0])
            parent = self.categories[parent][1]
        return "/".join(reversed(names))


class _Readable:
    """A file without the control characters that XML forbids."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file

    def read(self, size: int = -1) -> bytes:
        return self._file.read(size).translate(None, _CONTROL)


def _elements(path: Path, *tags: str) -> Iterator[Any]:
    """The channel's children with these tags; all before the next one is freed when it is asked for."""
    try:
        with path.open("rb") as file:
            safely = {"resolve_entities": False, "load_dtd": False, "no_network": True, "huge_tree": False}
            events = etree.iterparse(_Readable(file), tag=tags, **safely)
            try:
                yield from _children(events, path)
            except etree.XMLSyntaxError:
                # The exception names the last fault, which is often just that the file then ends.
                faults = [(fault.line, fault.message) for fault in events.error_log] or [(1, "it is empty")]
                line, message = faults[0]
                raise SourceError(f"{path}:{line} is not well-formed XML: {message.rstrip('.')}.") from None
    except OSError as error:
        raise SourceError(f"{path} cannot be read: {error.strerror}.") from None


def _children(events: Any, path: Path) -> Iterator[Any]:
    for _, element in events:
        if element.getroottree().docinfo.internalDTD is not None:
            raise SourceError(f"{path}:1 has a DOCTYPE, which no WordPress export has; it is not read.")
        if (parent := element.getparent()) is not None and parent.tag == "channel":
            yield element
            element.clear()
            while element.getprevious() is not None:
                del parent[0]
    if not any("wordpress.org/export/" in space for space in events.root.nsmap.values()):
        raise SourceError(f"{path}:1 is not a WordPress export: it does not name wordpress.org/export.")


def _survey(path: Path) -> _Site:
    site = _Site()
    for element in _elements(path, "language", "{*}item", "{*}author", "{*}category", "{*}term"):
        values = _fields(element)
        kind = _local(element.tag)
        if kind == "language":
            site.language.append(one_line(element.text or ""))
        elif kind == "author":
            name = one_line(values.get("author_display_name", "")) or values.get("author_login", "")
            site.authors[values.get("author_login", "")] = Author(name, one_line(values.get("author_description", "")))
        elif kind == "item" and values.get("post_type") == "attachment":
            _add_picture(site, element, values)
        elif kind == "category" or values.get("term_taxonomy") == "category":
            nicename = values.get("category_nicename") or values.get("term_slug", "")
            parent = values.get("category_parent") or values.get("term_parent", "")
            site.categories[nicename] = (from_html(values.get("cat_name") or values.get("term_name", "")), parent)
            site.nicenames[values.get("term_id", "")] = nicename
    return site


def _add_picture(site: _Site, item: Any, values: Fields) -> None:
    url = values.get("attachment_url", "")
    if url:
        alt = one_line(_meta(item).get("_wp_attachment_image_alt", ""))
        site.pictures[values.get("post_id", "")] = Image(url, alt, from_html(values.get("excerpt", "")))


def _local(tag: str) -> str:
    """A name without its namespace, whose address changes with the version of the export."""
    space, _, name = tag.rpartition("}")
    if name == "encoded":
        return "excerpt" if space.endswith("/excerpt/") else "content"
    return name


def _fields(element: Any) -> dict[str, str]:
    children = (child for child in element if isinstance(child.tag, str))
    return {_local(child.tag): repair(child.text or "").strip() for child in children}


def _meta(item: Any) -> dict[str, str]:
    entries = (_fields(entry) for entry in item.iterfind("{*}postmeta"))
    return {entry.get("meta_key", ""): entry.get("meta_value", "") for entry in entries}


def _post(
    item: Any, site: _Site, where: str, zone: ZoneInfo, now: datetime, problems: list[Problem]
) -> RawArticle | None:
    values = _fields(item)
    status = values.get("status", "publish")
    if values.get("post_type") != "post" or status not in _READ:
        return None
    if len(values.get("content", "")) > _LONGEST_TEXT:
        size = f"its text is {len(values['content']):,} characters long."
        problems.append(Problem(where, size, f"It is left out; {_LONGEST_TEXT:,} are the most."))
        return None
    locked = bool(values.get("post_password"))
    title, body = from_html(values.get("title", "")), "" if locked else as_html(values.get("content", ""))
    if not title and not from_html(body) and "<img" not in body:
        problems.append(Problem(where, "the post has neither title nor text.", "It is left out."))
        return None
    published = _published(values, zone, where, problems)
    link, meta = values.get("link") or None, _meta(item)
    return RawArticle(
        source_id=values.get("post_id") or values.get("guid") or link or where,
        title=title,
        body=body,
        where=where,
        format="wxr",
        url=link,
        standfirst="" if locked else from_html(values.get("excerpt", "")),
        authors=_authors(values, site),
        published=published,
        modified=_date(values, "post_modified", zone, where, problems),
        embargo=published if published and published > now else None,
        sections=_sections(item, site, meta.get("_yoast_wpseo_primary_category", "")),
        tags=tuple(dict.fromkeys(from_html(term.text or "") for term in _terms(item, "post_tag", "tag"))),
        image=site.pictures.get(meta.get("_thumbnail_id", "")),
        language=next(iter(site.language), None),
        slug=unquote(values.get("post_name", "")),
        access=Access.MEMBERS if locked else Access.PUBLIC,
        status=_status(status, published),
        comments=f"{link}#respond" if link and values.get("comment_status") == "open" else "",
    )


def _status(status: str, published: datetime | None) -> Status:
    if status == "trash":
        return Status.CANCELLED
    return Status.WITHHELD if status == "future" and published is None else Status.USABLE


def _published(values: Fields, zone: ZoneInfo, where: str, problems: list[Problem]) -> datetime | None:
    if any(values.get(key, _ZERO)[:10] not in ("", _ZERO) for key in ("post_date_gmt", "post_date")):
        return _date(values, "post_date", zone, where, problems)
    written = values.get("pubDate", "")
    if not written or "-0001" in written:  # WordPress' way to write the zero date
        return None
    try:
        moment = parsedate_to_datetime(written)
    except ValueError:
        problems.append(Problem(where, f'pubDate: "{written}" is not a date.', "It is taken as unknown."))
        return None
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)


def _date(values: Fields, key: str, zone: ZoneInfo, where: str, problems: list[Problem]) -> datetime | None:
    """The date in UTC; the site's wall clock where that is missing or zero, as it is for what was never published."""
    for name, place in ((f"{key}_gmt", _UTC), (key, zone)):
        if values.get(name, _ZERO)[:10] not in ("", _ZERO):
            try:
                return dates.instant(values[name], place)
            except ValueError as error:
                problems.append(Problem(where, f"wp:{name}: {error}.", "It is taken as unknown."))
                return None
    return None


def _authors(values: Fields, site: _Site) -> tuple[Author, ...]:
    login = one_line(values.get("creator", ""))
    return (site.authors.get(login, Author(login)),) if login else ()


def _terms(item: Any, *domains: str) -> list[Any]:
    """WXR 1.0 writes every term a second time without its domain."""
    return [term for term in item.iterfind("category") if term.get("domain") in domains and (term.text or "").strip()]


def _sections(item: Any, site: _Site, primary: str) -> tuple[str, ...]:
    """Trails of names; the one first that the newsroom marked as primary."""
    named = {term.get("nicename", ""): from_html(term.text) for term in _terms(item, "category")}
    named.pop("uncategorized", None)
    first = site.nicenames.get(primary, "")
    ordered = sorted(named, key=lambda nicename: nicename != first)
    trails = (site.trail(nicename, named[nicename]) for nicename in ordered if named[nicename] != "Uncategorized")
    return tuple(dict.fromkeys(trails))


# The text of a post as WordPress stores it: half HTML, half plain text.

_BLOCKS = (
    "address|article|aside|blockquote|caption|col|colgroup|dd|details|div|dl|dt|fieldset|figcaption|figure|footer|form"
    "|h[1-6]|header|hr|legend|li|main|nav|ol|p|pre|script|section|style|summary|table|tbody|td|tfoot|th|thead|tr|ul"
)
_BLOCK = re.compile(rf"(</?(?:{_BLOCKS})(?:[\s/][^<>]*)?>)", re.IGNORECASE)
_HOLDS_PARAGRAPHS = {"", "address", "article", "aside", "blockquote", "div", "footer", "header", "main", "section"}
_VERBATIM = {"pre", "script", "style"}
_CLOSES_ITSELF = {"p", "li", "dd", "dt", "td", "th", "tr"}
_BLANK_LINE = re.compile(r"\n\s*\n|(?:<br\s*/?>\s*){2,}", re.IGNORECASE)
_LINE_END = re.compile(r"<br\s*/?>\s*|(<[^<>]*>)|[ \t]*\n\s*", re.IGNORECASE)
_ADDRESS = re.compile(r"https?://[^\s<>\"'\[\]]+")
_COMMENT = re.compile(r"<!--(.*?)(?:-->|\Z)", re.DOTALL)  # to the end where it is open, so that each is read once
_CAPTION = re.compile(r"\[(?:wp_)?caption\b([^\[\]]*)\]([^\[]*(?:\[(?!/?(?:wp_)?caption)[^\[]*)*)\[/(?:wp_)?caption\]")
_CAPTIONED = re.compile(r"\s*((?:<a\b[^<>]*>\s*)?<img\b[^<>]*>(?:\s*</a>)?)(.*)", re.DOTALL)
_CAPTION_GIVEN = re.compile(r'\bcaption="([^"]*)"')
_MEDIA = re.compile(r"\[(embed|video|audio|youtube|vimeo)\b([^\[\]]*)\](?:([^\[\]]*)\[/\1\])?")
_SHORTCODE = re.compile(r"(?<!\[)\[/?([a-z][\w-]*)\b([^\[\]]*)\](?!\])", re.IGNORECASE)
_SHORTCODES = {"gallery", "playlist", "embed", "video", "audio", "youtube", "vimeo", "caption", "wp_caption"}


def as_html(text: str) -> str:
    """The HTML that WordPress would show: blank lines make paragraphs, shortcodes are resolved or removed."""
    written_in_blocks = "<!-- wp:" in text  # the block editor stores finished paragraphs; its line ends mean nothing
    text = _COMMENT.sub(lambda match: "\n\n" if match[1].strip() == "nextpage" else "", text)
    return paragraphs(_without_shortcodes(text), breaks=not written_in_blocks)


def _without_shortcodes(text: str) -> str:
    text = _CAPTION.sub(_figure, text)
    text = _MEDIA.sub(_media, text)
    closed = set(re.findall(r"\[/([\w-]+)\]", text))

    def shortcode(match: re.Match[str]) -> str:
        """Brackets in prose, such as [sic], stay."""
        name, attributes = match[1], match[2]
        return "" if name.lower() in _SHORTCODES or "=" in attributes or name in closed else match[0]

    return re.sub(r"\[(\[[^\[\]]+\])\]", r"\1", _SHORTCODE.sub(shortcode, text))


def _figure(match: re.Match[str]) -> str:
    parts = _CAPTIONED.fullmatch(match[2])
    if not parts:
        return match[2]
    given = _CAPTION_GIVEN.search(match[1])
    caption = given[1] if given else parts[2].strip()
    return f"<figure>{parts[1]}<figcaption>{caption}</figcaption></figure>"


def _media(match: re.Match[str]) -> str:
    address = _ADDRESS.search(f"{match[2]} {match[3] or ''}")
    return f"\n\n{address[0]}\n\n" if address else ""


def paragraphs(text: str, *, breaks: bool) -> str:
    """WordPress' `wpautop`: text between blocks becomes paragraphs, a single line end a break."""
    written: list[str] = []
    inside: list[str] = []
    for position, piece in enumerate(_BLOCK.split(text)):
        if position % 2 == 0:
            written.append(_filled(piece, inside, breaks))
            continue
        written.append(piece)
        name = re.split(r"[\s/>]", piece.strip("</"), maxsplit=1)[0].lower()
        if piece.startswith("</"):
            while name in inside and inside.pop() != name:
                pass
        elif name not in ("hr", "col"):
            if inside and inside[-1] in _CLOSES_ITSELF and inside[-1] in (name, "p"):
                inside.pop()
            inside.append(name)
    return "".join(written)


def _filled(piece: str, inside: list[str], breaks: bool) -> str:
    if not piece.strip() or _VERBATIM & set(inside):
        return piece
    place = inside[-1] if inside else ""
    chunks = [chunk.strip() for chunk in _BLANK_LINE.split(piece) if chunk.strip()]
    lines = [_address_or_text(chunk, breaks) for chunk in chunks]
    if place in _HOLDS_PARAGRAPHS:
        return "".join(f"<p>{line}</p>\n" for line in lines)
    return ("</p>\n<p>" if place == "p" else "<br>\n").join(lines)


def _address_or_text(chunk: str, breaks: bool) -> str:
    """An address alone is an embed: a link says where it leads."""
    if _ADDRESS.fullmatch(chunk):
        return f'<a href="{html.escape(html.unescape(chunk))}">{chunk}</a>'
    return _LINE_END.sub(lambda match: match[1] or "<br>\n", chunk) if breaks else chunk
