"""One ninjs item, 1.x, 2.x or 3.x (IPTC News in JSON, iptc.org/std/ninjs/userguide), as an article.

3.x has 2.x's names in camelCase, so all names are read in lower case. 1.x has a property for each purpose
(`headline_sub`, `body_xhtml`, `description_text`) where the others have lists with roles. Superdesk adds `guid`,
`service`, `keywords`, `authors` and `firstpublished` to 1.x. Urgency, rights, `located` and what else no article has a
place for is left.

`published` is what says so (`firstpublished`, `published`), else `firstcreated`, when the first version was made. It is
never `versioncreated`, which each correction moves and which is `modified`, nor `contentcreated`, which is when an
old photograph was taken. An item for later or withdrawn is an article that says so; whoever prints looks at that.
"""

import html
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from publisher.clean import dates
from publisher.clean.text import from_html, one_line
from publisher.errors import Problem
from publisher.model.article import Author, Image, RawArticle, Related, Status

_PLURALS = {"headlines", "bodies", "descriptions", "subjects", "genres", "people", "places", "organisations",
            "infosources", "events", "objects", "trustindicators", "by", "standard"}  # fmt: skip
_SUBHEADLINES = {"sub", "subhead", "subheadline", "subheading", "subtitle", "deck", "standfirst", "secondary"}
_SUMMARIES = {"summary", "standfirst", "lead", "lede", "intro", "introduction", "ingress", "abstract", "deck"}
_CREDITS = {"credit", "creditline"}
_ALTERNATIVES = {"alt", "alttext", "accessibility", "alttextaccessibility"}
_NOT_FOR_READERS = {"ednote", "editorialnote", "internal", "note", "seo", "keywords", *_CREDITS, *_ALTERNATIVES}
_AUTHORS = {"author", "byline", "by", "creator", "reporter", "writer", "correspondent", "columnist"}
_LEAD_PICTURES = {"featuremedia", "featured", "feature", "hero", "lead", "main", "mainpic", "mainpicture", "mainimage"}
_SAID_BY = {"en": "by", "de": "von", "nl": "door", "sv": "av", "no": "av", "nb": "av", "nn": "av", "da": "af",
            "fr": "par", "es": "por", "pt": "por", "it": "di"}  # fmt: skip
_STATUSES = {"usable": Status.USABLE, "withheld": Status.WITHHELD,
             "canceled": Status.CANCELLED, "cancelled": Status.CANCELLED}  # fmt: skip
_EMBARGOES = ("embargoed", "embargoeduntil", "embargo", "embargoed_until")
_WEB_IMAGE = re.compile(r"image/(jpe?g|pjpeg|png|gif|webp)|\.(jpe?g|png|gif|webp)", re.IGNORECASE)
_WIDEST, _HEAVIEST = 2560, 3_000_000  # pixels, bytes; a wire's full resolution is for print
_OPENING_WORDS = 10
_MACHINES = re.compile(r"\s*<(\?xml|\w*nitf|news\w*)\b", re.IGNORECASE)
_PARAGRAPH_END = re.compile(r"\n[ \t]*\n\s*")

Table = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Story:
    """An item's article; of two with one id, that with the greater `rank` is the later version."""

    article: RawArticle
    rank: str


@dataclass(frozen=True, slots=True)
class _Text:
    role: str
    form: str  # html, text, or other
    value: str

    @property
    def plain(self) -> str:
        return one_line(self.value) if self.form == "text" else from_html(self.value)


@dataclass(frozen=True, slots=True)
class Reading:
    """One reading of a document's items. `base` is where relative addresses start, `zone` that of dates without one."""

    base: str
    zone: ZoneInfo
    now: datetime
    problems: list[Problem]

    def story(self, item: Any, where: str) -> Story | None:
        """None for what is no story, and for what cannot be one, which is a problem too."""
        if not isinstance(item, dict):
            self._report(where, "the item is not a JSON object.", "It is left out.")
            return None
        table = _lowered(item)
        bodies = _texts(table, "body", "bodies")
        if _is_no_story(table, bodies):
            return None
        identity, (status, embargo) = _identity(table), self._status(table, where)
        headline, standfirst, teaser, body = self._words(table, bodies, where)
        if status is Status.CANCELLED:  # a cancellation often says no more than whose it is
            headline = headline or _line(table, "slugline") or identity
        if not identity or not (headline or from_html(body)):
            lacks = "it has neither headline nor text." if identity else 'it has no "uri".'
            self._report(where, lacks, "It is left out.")
            return None
        url = _web_address(table, "url")
        article = RawArticle(
            source_id=identity,
            title=headline,
            body=body,
            where=where,
            format=f"ninjs {_generation(item)}",
            url=url or None,
            base=url or self.base or None,
            kind=next(iter(_names(table, "genres", "genre")), ""),
            standfirst=standfirst,
            teaser=teaser,
            authors=tuple(_authors(table)),
            published=self._instant(table, where, "firstpublished", "published", "datepublished", "firstcreated"),
            modified=self._instant(table, where, "versioncreated"),
            embargo=embargo,
            sections=_names(table, "section", "sections", "service", "services", "subjects", "subject"),
            tags=_names(table, "keywords"),
            image=self._image(table),
            related=tuple(self._related(table)),
            language=_line(table, "language") or None,
            status=status,
        )
        return Story(article, self._rank(table, article))

    def _report(self, where: str, message: str, fix: str) -> None:
        self.problems.append(Problem(where, message, fix))

    def _rank(self, table: Table, article: RawArticle) -> str:
        number = str(table.get("version", ""))
        moment = article.modified.astimezone(UTC).isoformat() if article.modified else ""
        return f"{int(number[:12]) if number.isdecimal() and number.isascii() else 0:012} {moment}"

    def _words(self, table: Table, bodies: list[_Text], where: str) -> tuple[str, str, str, str]:
        """Headline, standfirst, teaser, body."""
        body = next((text.value for text in bodies if text.form == "html"), "")
        body = body or next((_paragraphs(text.value) for text in bodies if text.form == "text"), "")
        if bodies and not body:
            self._report(where, f'its text is only there as "{bodies[0].role}".', "Ask for it as HTML or plain text.")
        headlines = _texts(table, "headline", "headlines")
        main = [text for text in headlines if text.role in ("", "main", "headline")]
        others = [text for text in headlines if text.role not in _SUBHEADLINES]
        headline = next((text.plain for text in (*main, *others)), "") or _line(table, "title")
        below = next((text.plain for text in headlines if text.role in _SUBHEADLINES), "")
        summary = _summary(table)
        if summary and _opens(summary, from_html(body)):
            summary = ""  # cut from the text, which says it anyway
        return headline, below or summary, summary if below else "", body

    def _status(self, table: Table, where: str) -> tuple[Status, datetime | None]:
        """The status and the end of an embargo; what is not understood of either keeps the story from readers."""
        status = _STATUSES.get(_pubstatus(table))
        if status is None:
            self._report(where, f'pubstatus "{table["pubstatus"]}" is unknown.', "The story is withheld.")
        try:
            return status or Status.WITHHELD, _embargo(table, self.zone)
        except ValueError as error:
            self._report(where, f"{error}.", "The story is withheld until a version says a time.")
            return Status.CANCELLED if status is Status.CANCELLED else Status.WITHHELD, None

    def _instant(self, table: Table, where: str, *keys: str) -> datetime | None:
        for key in keys:
            try:
                if moment := dates.instant(table.get(key), self.zone):
                    return moment
            except ValueError as error:
                self._report(where, f"{key}: {error}.", "It is taken as unknown.")
        return None

    def _is_free(self, table: Table) -> bool:
        """Whether an associated item may be printed now."""
        try:
            embargo = _embargo(table, self.zone)
        except ValueError:
            return False
        return _pubstatus(table) == "usable" and (embargo is None or embargo <= self.now)

    def _image(self, table: Table) -> Image | None:
        """The lead picture: the first associated one, those that are named for it before all; else the item's own."""
        associated = sorted(_associations(table), key=lambda one: _code(one.get("name")) not in _LEAD_PICTURES)
        for one in (*associated, table):
            if (one is table or _line(one, "type") in ("picture", "")) and self._is_free(one):
                rendition = _rendition(one)
                if rendition:
                    return _described(one, rendition, own=one is table)
        return None

    def _related(self, table: Table) -> Iterator[Related]:
        for one in _associations(table):
            title = next((text.plain for text in _texts(one, "headline", "headlines")), "")
            if title and _line(one, "type") == "text" and self._is_free(one):
                yield Related(title, _web_address(one, "url"), _summary(one))


def _lowered(table: Table) -> dict[str, Any]:
    return {str(key).lower(): value for key, value in table.items()}


def _generation(item: Table) -> int:
    """1, 2 or 3, by shape: camelCase came with 3, lists with roles and plural names with 2."""
    nested = [entry for key in ("headlines", "bodies", "descriptions") for entry in _entries(item, key)]
    names = {key for table in (item, *nested) for key in table if not key.startswith(("_", "$"))}
    if any(key != key.lower() for key in names):
        return 3
    return 2 if names & _PLURALS else 1


def _entries(table: Table, key: str) -> list[Table]:
    value = table.get(key)
    return [entry for entry in value if isinstance(entry, dict)] if isinstance(value, list) else []


def _line(table: Table, key: str) -> str:
    value = table.get(key)
    return one_line(value) if isinstance(value, str) else ""


def _web_address(table: Table, key: str) -> str:
    """`uri` is none: it identifies, and leads at best to the agency's own server."""
    value = _line(table, key)
    return value if value.lower().startswith(("http://", "https://")) else ""


def _code(value: Any) -> str:
    """The last part of a URI or QCode without case and punctuation: `http://…/pubstatus/Usable`, `stat:usable`."""
    last = re.split(r"[/:#]", value)[-1] if isinstance(value, str) else ""
    return re.sub(r"[^a-z0-9]", "", last.lower())


def _pubstatus(table: Table) -> str:
    """The code, `usable` where nothing is said, as the standard has it; 0 and false say something unknown."""
    value = table.get("pubstatus")
    return "usable" if value in (None, "", [], {}) else _code(value)


def _embargo(table: Table, zone: ZoneInfo) -> datetime | None:
    """The end of the embargo, the latest that is said; ValueError where there is one without an end.

    It is `embargoed` in 1.x and 2.x, `embargoedUntil` in 3.x; agencies write `embargo` and `embargoed_until` too.
    """
    return max(filter(None, (_end(table, key, zone) for key in _EMBARGOES)), default=None)


def _end(table: Table, key: str, zone: ZoneInfo) -> datetime | None:
    try:
        return dates.instant(table.get(key) or None, zone)
    except ValueError as error:
        raise ValueError(f"{key}: {error}") from None


def _identity(table: Table) -> str:
    """`uri`, the one required property; Superdesk pushes `guid`; else the first alternative id."""
    alternatives = table.get("altids", table.get("altid"))
    values = list(alternatives.values()) if isinstance(alternatives, dict) else []
    values += [entry.get("value") for entry in _entries(table, "altids")]
    return _line(table, "uri") or _line(table, "guid") or next((one_line(v) for v in values if isinstance(v, str)), "")


def _texts(table: Table, name: str, plural: str) -> list[_Text]:
    """All texts of a purpose that say anything: 1.x's `name` and `name_role`, the list of 2.x and 3.x."""
    written: list[tuple[Any, Any, Any]] = [
        (key.removeprefix(name).lstrip("_"), "", value)
        for key, value in table.items()
        if key == name or key.startswith(f"{name}_")
    ]
    listed = [_lowered(entry) for entry in _entries(table, plural)]
    written += [(one.get("role"), one.get("contenttype"), one.get("value")) for one in listed]
    return [
        _Text(_code(role), _form(_code(role), kind if isinstance(kind, str) else "", value), value)
        for role, kind, value in written
        if isinstance(value, str) and value.strip()
    ]


def _form(role: str, media_type: str, value: str) -> str:
    """By media type, else by role, else by its look."""
    said = media_type.lower() or role
    if "html" in said:
        return "html"
    if media_type:
        return "text" if said.startswith("text/plain") else "other"
    if "text" in role or not value.lstrip().startswith("<"):
        return "text"
    return "other" if _MACHINES.match(value) else "html"


def _paragraphs(text: str) -> str:
    """Plain text as paragraphs: at empty lines, else at each line."""
    parts = _PARAGRAPH_END.split(text.replace("\r\n", "\n"))
    parts = parts if len(parts) > 1 else text.splitlines()
    return "".join(f"<p>{html.escape(part.strip())}</p>" for part in parts if part.strip())


def _is_no_story(table: Table, bodies: list[_Text]) -> bool:
    """Pictures, films, packages, events and plans, unless they bring a text of their own."""
    kinds = {_code(table.get("type")), _code(table.get("representationtype"))}
    if kinds & {"picture", "graphic"}:  # plain text is the alternative text there, by Superdesk's custom
        return not any(text.form == "html" for text in bodies)
    other = kinds & {"audio", "video", "composite", "component", "event", "planning"}
    return bool(other or {"eventdetails", "plannedcoverage"} & table.keys()) and not bodies


def _summary(table: Table) -> str:
    """The description for readers: by role a summary, else the first that is not of another purpose."""
    texts = [text for text in _texts(table, "description", "descriptions") if text.role not in _NOT_FOR_READERS]
    return next((text.plain for text in sorted(texts, key=lambda text: text.role not in _SUMMARIES)), "")


def _opens(summary: str, words: str) -> bool:
    """Whether a text begins, after its dateline or headline at most, as its summary does."""
    opening = " ".join(summary.split()[:_OPENING_WORDS]).rstrip(" .…")
    return bool(opening) and opening in words[: len(opening) + 200]


def _names(table: Table, *keys: str) -> tuple[str, ...]:
    """Names, or where a concept has none its code; a newsroom can map either to a section."""
    values: list[Any] = []
    for key in keys:
        value = table.get(key)
        values += value if isinstance(value, list) else [value]
    concepts = [value if isinstance(value, dict) else {"name": value} for value in values]
    named = (_line(one, "name") or _line(one, "literal") or _line(one, "code") for one in concepts)
    return tuple(dict.fromkeys(filter(None, named)))


def _authors(table: Table) -> Iterator[Author]:
    """Who is named as one: Superdesk's `authors`, else people and sources in an author's role, else the byline.

    A byline is a sentence, which nothing takes apart but its language's word for "by".
    """
    named = list(map(_author, _entries(table, "authors")))
    if not named:
        parties = [one for key in ("people", "person", "infosources", "infosource") for one in _entries(table, key)]
        named = [_author(one) for one in parties if {_code(one.get("role")), _code(one.get("rel"))} & _AUTHORS]
    yield from (author for author in named if author.name)
    byline = _line(table, "byline") or _line(table, "by")
    if byline and not any(author.name for author in named):
        word = _SAID_BY.get(_line(table, "language").lower().split("-")[0], "by")
        yield Author(re.sub(rf"^{word}:?\s+", "", byline, flags=re.IGNORECASE))


def _author(party: Table) -> Author:
    table = _lowered(party)
    biography = _line(table, "biography") or _line(table, "bio")
    picture = _web_address(table, "avatar_url") or _web_address(table, "avatarurl")
    role = re.sub(r"^\w+://.*/", "", _line(table, "role"))
    return Author(_line(table, "name"), biography, picture, _web_address(table, "url"), role)


def _associations(table: Table) -> list[Table]:
    """Each with its name: 1.x has them as an object, 2.x and 3.x as a list."""
    value = table.get("associations")
    pairs = value.items() if isinstance(value, dict) else ((None, entry) for entry in _entries(table, "associations"))
    return [{"name": name, **_lowered(entry)} for name, entry in pairs if isinstance(entry, dict)]


def _rendition(table: Table) -> str:
    """The address of the widest rendition that suits the web."""
    value = table.get("renditions")
    named = value if isinstance(value, dict) else dict(enumerate(_entries(table, "renditions")))
    found = [{"name": name, **_lowered(one)} for name, one in named.items() if isinstance(one, dict)]
    suitable = [one for one in found if _line(one, "href") and _is_web_image(one)]
    return max(((_suitability(one), -n, _line(one, "href")) for n, one in enumerate(suitable)), default=((), 0, ""))[2]


def _is_web_image(rendition: Table) -> bool:
    media_type = _line(rendition, "contenttype") or _line(rendition, "mimetype")
    suffix = re.search(r"\.\w+$", urlsplit(_line(rendition, "href")).path)
    return bool(_WEB_IMAGE.fullmatch(media_type or (suffix[0] if suffix else "")))


def _suitability(rendition: Table) -> tuple[bool, bool, float]:
    width, size = (_number(rendition.get(key)) for key in ("width", "sizeinbytes"))
    fits = width <= _WIDEST and size <= _HEAVIEST
    return fits, _code(rendition.get("name")) != "thumbnail", width if fits else -width


def _number(value: Any) -> float:
    return float(value) if isinstance(value, int | float) else 0.0


def _described(table: Table, url: str, *, own: bool) -> Image:
    """A picture's words; what describes a story's own picture is not said, for there they are the story's."""
    if own:
        return Image(url)
    texts = _texts(table, "description", "descriptions")
    caption = next((text.plain for text in texts if text.role == "caption"), "") or _summary(table)
    credit = next((text.plain for text in texts if text.role in _CREDITS), "")
    holders = ("creditline", "credit", "byline", "by", "copyrightholder")
    alternatives = ("alt_text", "alttext", "alt", "body_text", "headline")
    alt = next((text.plain for text in texts if text.role in _ALTERNATIVES), "")
    alt = alt or next((said for key in alternatives if (said := _line(table, key))), "")
    alt = alt or next((text.plain for text in _texts(table, "headline", "headlines")), "") or caption
    return Image(url, alt, caption, credit or next((said for key in holders if (said := _line(table, key))), ""))
