"""From what a source said to an article: one shape, safe text, configured kinds and sections."""

import hashlib
import json
import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from publisher.clean import markup, repairs, text, urls
from publisher.errors import Problem
from publisher.model.article import Access, Article, Author, Image, RawArticle, Related
from publisher.model.newsletter import Publication

_HEADLINE_WORDS = 12
_TELLING_WORDS = 40  # two stories may share fewer: a photo of the day, a list of deaths
_LONGEST_BODY = 1_000_000  # characters; the longest real article is a tenth of it
_LONGEST_TITLE = 300
_LONGEST_SHOWN = 200
LONGEST_CORRECTION = 1_000
_MOST_REPLIES = 2**31 - 1  # that a database can count
_FIRST_YEAR = 1900
_NEVER_SET = datetime(1970, 1, 1, tzinfo=UTC)  # what a clock at zero says, a day more or less by its zone
_DATES = ("published", "modified", "embargo")
_URI = re.compile(r"[\w:/?#\[\]@!$&'()*+,;=.~%-]*", re.ASCII)  # RFC 3986 §2
_LANGUAGE = re.compile(r"[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8})*")
_DERIVED, _DEFAULT = "derived", "default"


@dataclass(frozen=True, slots=True)
class Desk:
    """How one source's articles are read: where its own section names lead, and what holds by default.

    `silent` says that its edits are not announced. It changes nothing in an article, so it is left out of `repr`, by
    which gathering knows that everything must be read again.
    """

    publication: Publication
    section: str = ""
    sections: Mapping[str, str] = field(default_factory=dict)
    language: str = ""
    silent: bool = field(default=False, repr=False)
    names: Mapping[str, str] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "names", _section_names(self.publication, self.sections))


class Cleaned(NamedTuple):
    """`article` is None where there is nothing to print; `repairs` counts what had to be mended, by kind.

    `words_key` is a digest of the article's words that survives new markup, None where they are too few to tell.
    `minor` says that its last change is not to be announced, `correction` what was wrong before.
    """

    article: Article | None
    problems: list[Problem]
    repairs: Counter[str]
    words_key: str | None = None
    minor: bool = False
    correction: str = ""


def clean(raw: RawArticle, source: str, desk: Desk) -> Cleaned:
    """Make an article of what a source brought, and say what an editor should know."""
    brought = raw.body
    if len(brought) > _LONGEST_BODY:
        raw = replace(raw, body=markup.without_data(brought))
    if refused := _refused(raw):
        return Cleaned(None, [refused], Counter())
    repaired = repairs.survey([raw.title, raw.standfirst, raw.teaser], brought)
    problems: list[Problem] = []
    url = _own_address(raw, desk, problems)
    base = raw.base or url or desk.publication.url
    body = markup.sanitise(raw.body, base)
    words = text.from_clean_html(body)
    if raw.access is not Access.PUBLIC:
        body = words = ""
    title = text.shortened(text.one_line(raw.title), _LONGEST_TITLE)
    if not text.shows(title):
        title = text.first_words(words, _HEADLINE_WORDS)
    if not text.shows(title):
        nothing = Problem(raw.where, "it has neither title nor text.", "Give it a title.")
        return Cleaned(None, [*problems, nothing], repaired)
    sections = _sections(raw.sections, desk)
    article = _article(raw, source, desk, title, words, base, sections, problems)
    article = replace(article, url=url, body=_body(body, article, title), related=_related(raw.related, base, url))
    correction = text.shortened(text.one_line(raw.correction), LONGEST_CORRECTION)
    origins = _origins(raw, article, found=bool(sections))
    finished = replace(article, content_hash=_hash(article, correction), origins=origins)
    repaired += _mended(raw, finished)
    return Cleaned(finished, problems, repaired, _words_key(words), raw.minor or desk.silent, correction)


def _refused(raw: RawArticle) -> Problem | None:
    """What nobody can file. A date without a zone may be hours early, and so an embargo's end."""
    if len(raw.body) > _LONGEST_BODY:
        size = f"its text is {len(raw.body):,} characters long."
        return Problem(raw.where, size, f"It is left out; {_LONGEST_BODY:,} are the most.")
    for name in _DATES:
        moment = getattr(raw, name)
        if moment and moment.utcoffset() is None:
            said = f"{name}: {moment.isoformat()} has no time zone."
            return Problem(raw.where, said, f"It is left out; write {moment.isoformat()}Z, or its offset.")
    return None


def _mended(raw: RawArticle, article: Article) -> Counter[str]:
    """What was wrong beside the text, by kind."""
    picture = raw.image.url if raw.image else ""
    addresses = [(raw.url or "", article.url), (picture, article.image), (raw.comments, article.comments)]
    return +Counter(
        {
            "addresses that are none": sum(bool(said.strip()) and not kept for said, kept in addresses),
            "characters in addresses": sum(bool(kept) and not _URI.fullmatch(said) for said, kept in addresses),
            "mail addresses of authors": sum(bool(_MAILBOX.search(author.name)) for author in raw.authors),
            "dates that are none": sum(bool(getattr(raw, name)) and not getattr(article, name) for name in _DATES),
            "blanks in ids": int(article.source_id != raw.source_id),
            "no title": int(not text.shows(raw.title)),
        }
    )


def _words_key(words: str) -> str | None:
    if len(words.split()) < _TELLING_WORDS:
        return None
    return hashlib.sha256(words.casefold().encode()).hexdigest()


def _article(
    raw: RawArticle,
    source: str,
    desk: Desk,
    title: str,
    words: str,
    base: str,
    sections: tuple[str, ...],
    problems: list[Problem],
) -> Article:
    """All of an article but its text and its addresses."""
    kind, headline = _kind(raw, title, desk.publication.kinds)
    if not sections and not desk.section:
        problems.append(_homeless(raw, desk))
    standfirst = text.one_line(raw.standfirst)
    return Article(
        source=source,
        source_id=text.one_line(raw.source_id),
        headline=headline,
        kind=kind,
        standfirst=standfirst,
        teaser=text.one_line(raw.teaser) or standfirst or text.first_words(words, desk.publication.teaser_words),
        body="",
        language=_language(raw.language) or (desk.language or desk.publication.language).replace("_", "-"),
        authors=_authors(raw.authors, base),
        published=_plausible(raw.published, "published", raw.where, problems),
        modified=_plausible(raw.modified, "modified", raw.where, problems),
        embargo=_plausible(raw.embargo, "embargo", raw.where, problems),
        sections=sections or ((desk.section,) if desk.section else ()),
        tags=tuple(dict.fromkeys(filter(None, map(text.one_line, raw.tags)))),
        image=_image(raw.image, base),
        words=len(words.split()),
        access=raw.access,
        status=raw.status,
        comments=_web_address(raw.comments, base),
        replies=raw.replies if raw.replies is None or 0 <= raw.replies <= _MOST_REPLIES else None,
        slug=text.slug(raw.slug or headline),
        content_hash="",
    )


def _own_address(raw: RawArticle, desk: Desk, problems: list[Problem]) -> str | None:
    url = _web_address(raw.url or "", raw.base or desk.publication.url)
    if raw.url and not url:
        shown = text.shortened(text.one_line(raw.url), _LONGEST_SHOWN)
        problems.append(Problem(raw.where, f'its address "{shown}" is not a web address.', "It is left out."))
    return url or None


def _web_address(written: str, base: str) -> str:
    """An absolute http or https address, or nothing."""
    url = urls.absolute(written, base) if written.strip() else None
    return url if url and url.startswith("http") else ""


def _plausible(moment: datetime | None, what: str, where: str, problems: list[Problem]) -> datetime | None:
    """A year such as 1, or the first day of 1970, is some program's way to say that it does not know."""
    if moment is None or (moment.year >= _FIRST_YEAR and abs(moment - _NEVER_SET) > timedelta(days=1)):
        return moment
    no_date = f"{moment.year} is no year" if moment.year < _FIRST_YEAR else f"{moment:%Y-%m-%d} is no day"
    problems.append(Problem(where, f"{what}: {no_date} of news.", "It is taken as unknown."))
    return None


def _kind(raw: RawArticle, title: str, kinds: Iterable[str]) -> tuple[str, str]:
    """(kind, headline): by the label before the title, else by the source's own field for it."""
    kind, headline = split_kind(title, kinds)
    named = text.one_line(raw.kind).casefold()
    return kind or next((known for known in kinds if known.casefold() == named), ""), headline


def split_kind(title: str, kinds: Iterable[str]) -> tuple[str, str]:
    """("Analysis", "Hamas, Hezbollah: …") — only a configured kind, only before the first colon."""
    before, colon, after = title.partition(":")
    for kind in kinds:
        if colon and after.strip() and before.strip().casefold() == kind.casefold():
            return kind, after.strip()
    return "", title


def _body(body: str, article: Article, title: str) -> str:
    """The text without what its page prints anyway: the title at the top, the lead picture."""
    for said in {title, article.headline}:
        body = markup.without_title(body, said)
    return markup.without_picture(body, article.image.url) if article.image else body


def _sections(names: Iterable[str], desk: Desk) -> tuple[str, ...]:
    """Configured paths, the primary first; a section whose child is there too is only its trail."""
    found = dict.fromkeys(path for name in names if (path := _section(name, desk.names)))
    return tuple(path for path in found if not any(other.startswith(f"{path}/") for other in found))


def _section_names(publication: Publication, mapping: Mapping[str, str]) -> dict[str, str]:
    """Every name that leads to a section: its path, its trail of titles, its title, and the newsroom's own mapping."""
    titles = {section.path: section.title.casefold() for section in publication.sections}
    known = {path.casefold(): path for path in titles}
    for path in reversed(titles):
        parts = path.split("/")
        trail = "/".join(titles.get("/".join(parts[: depth + 1]), "") for depth in range(len(parts)))
        known.setdefault(trail, path)
    for path, title in reversed(titles.items()):
        known.setdefault(title, path)
    return known | {name.strip("/ ").casefold(): path for name, path in mapping.items()}


def _section(name: str, known: Mapping[str, str]) -> str:
    """By the whole name, else by the last part of a trail whose first parts are nobody's here."""
    whole = name.strip("/ ").casefold()
    return known.get(whole) or known.get(whole.rpartition("/")[2].strip(), "")


def _homeless(raw: RawArticle, desk: Desk) -> Problem:
    named = ", ".join(f'"{name}"' for name in raw.sections)
    message = f"none of its sections ({named}) is configured." if named else "it names no section."
    known = ", ".join(section.path for section in desk.publication.sections)
    return Problem(raw.where, f"{message} It is filed without one.", f"Write one of: {known}.")


def _language(tag: str | None) -> str:
    """A BCP 47 tag, or nothing where the source wrote something else."""
    tag = (tag or "").strip().replace("_", "-")
    return tag if _LANGUAGE.fullmatch(tag) else ""


def _image(image: Image | None, base: str) -> Image | None:
    url = _web_address(image.url, base) if image else ""
    if image is None or not url:
        return None
    return Image(url, text.one_line(image.alt), text.one_line(image.caption), text.one_line(image.credit))


_MAILBOX = re.compile(r"<[^<>]*@[^<>]*>|[^\s<>()\"]+@[^\s<>()\"]+\.[^\s<>()\"]+")  # addresses are nobody's business


def _authors(authors: Iterable[Author], base: str) -> tuple[Author, ...]:
    """Each author once, with whatever any mention of the name told."""
    found: dict[str, Author] = {}
    for author in authors:
        name = text.one_line(_MAILBOX.sub(" ", author.name)).strip("\"' ,;()<>")
        told = Author(
            name,
            text.one_line(author.biography),
            _web_address(author.picture, base),
            _web_address(author.url, base),
            text.one_line(author.role),
        )
        known = found.get(name.casefold())
        if known:
            values = {key: value or getattr(told, key) for key, value in asdict(known).items()}
            told = Author(**values)
        if name:
            found[name.casefold()] = told
    return tuple(found.values())


def _related(related: Iterable[Related], base: str, own: str | None) -> tuple[Related, ...]:
    """Other stories, each once; a link to the story itself is none."""
    found: dict[str, Related] = {}
    for one in related:
        title, url = text.one_line(one.title), _web_address(one.url, base)
        if title and (not url or urls.key(url) != urls.key(own)):
            found.setdefault(title.casefold(), Related(title, url, text.one_line(one.teaser)))
    return tuple(found.values())


def _origins(raw: RawArticle, article: Article, *, found: bool) -> dict[str, str]:
    """Where each field that has a value came from; `found` says that its own sections led somewhere."""
    named = {
        "headline": raw.title, "kind": article.kind, "standfirst": raw.standfirst, "teaser": raw.teaser,
        "body": raw.body, "authors": article.authors, "published": article.published, "modified": article.modified,
        "embargo": article.embargo, "sections": article.sections, "tags": article.tags, "image": article.image,
        "related": article.related, "language": raw.language, "comments": article.comments, "url": article.url,
        "replies": article.replies is not None, "correction": raw.correction.strip(),
    }  # fmt: skip
    came = {name: raw.origins.get(name, raw.format) for name, value in named.items() if value}
    came["headline"] = raw.origins.get("title", raw.format) if text.shows(raw.title) else _DERIVED
    if article.teaser and not raw.teaser.strip():
        came["teaser"] = came.get("standfirst", "") if article.standfirst else _DERIVED
    if article.kind and article.headline != article.title and not raw.kind:
        came["kind"] = came["headline"]
    if article.sections and not found:
        came["sections"] = _DEFAULT
    return came if _language(raw.language) else {**came, "language": _DEFAULT}


def _hash(article: Article, correction: str) -> str:
    """A digest of all that a reader sees; what changes it is an update.

    What came to it later counts only where it is there, so that articles that were filed before stay the same.
    """
    seen: list[object] = [
        article.kind, article.headline, article.standfirst, article.teaser, article.body, article.language, article.url,
        [_values(author) for author in article.authors],
        _values(article.image) if article.image else None,
        [_values(one) for one in article.related],
        article.sections, article.tags, article.access, article.status, article.comments,
        str(article.published or ""), str(article.embargo or ""),
    ]  # fmt: skip
    seen += [["correction", correction]] if correction else []
    seen += [["replies", article.replies]] if article.replies is not None else []
    return hashlib.sha256(json.dumps(seen, ensure_ascii=True).encode()).hexdigest()


def _values(one: Author | Image | Related) -> list[str]:
    return [getattr(one, name) for name in one.__slots__]
