"""From what a source said to an article: one shape, safe text, configured kinds and sections."""

import hashlib
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

from publisher.clean import markup, text, urls
from publisher.errors import Problem
from publisher.model.article import Article, Author, Image, RawArticle
from publisher.model.newsletter import Publication

_HEADLINE_WORDS = 12
_TEASER_WORDS = 30
_LONGEST_BODY = 1_000_000  # characters; the longest real article is a tenth of it
_LONGEST_TITLE = 300
_FIRST_YEAR = 1900
_LANGUAGE = re.compile(r"[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8})*")


@dataclass(frozen=True, slots=True)
class Desk:
    """How one source's articles are read: where its own section names lead, and what holds by default."""

    publication: Publication
    section: str = ""
    sections: Mapping[str, str] = field(default_factory=dict)
    language: str = ""


def clean(raw: RawArticle, source: str, desk: Desk) -> tuple[Article | None, list[Problem]]:
    """Return the article, or None where there is nothing to print, and what an editor should know."""
    if len(raw.body) > _LONGEST_BODY:
        message = f"its text is {len(raw.body):,} characters long."
        return None, [Problem(raw.where, message, f"It is left out; {_LONGEST_BODY:,} are the most.")]
    problems: list[Problem] = []
    url = urls.absolute(raw.url, raw.base or desk.publication.url) if raw.url else None
    url = url if url and url.startswith("http") else None
    base = raw.base or url or desk.publication.url
    if raw.url and url is None:
        problems.append(Problem(raw.where, f'its address "{raw.url}" is not a web address.', "It is left out."))
    body = markup.sanitise(raw.body, base)
    words = text.from_html(body)
    title = text.shortened(text.one_line(raw.title), _LONGEST_TITLE) or text.first_words(words, _HEADLINE_WORDS)
    if not title:
        return None, [*problems, Problem(raw.where, "it has neither title nor text.", "Give it a title.")]
    kind, headline = split_kind(title, desk.publication.kinds)
    sections = _sections(raw.sections, desk)
    if not sections:
        problems.append(_homeless(raw, desk))
    image = _image(raw.image, base)
    standfirst = text.one_line(raw.standfirst)
    article = Article(
        source=source,
        source_id=text.one_line(raw.source_id),
        headline=headline,
        kind=kind,
        standfirst=standfirst,
        teaser=standfirst or text.first_words(words, _TEASER_WORDS),
        body=markup.drop_image(body, image.url) if image else body,
        language=_language(raw.language) or (desk.language or desk.publication.language).replace("_", "-"),
        url=url,
        authors=_authors(raw.authors),
        published=_plausible(raw.published, "published", raw.where, problems),
        modified=_plausible(raw.modified, "modified", raw.where, problems),
        sections=sections,
        tags=tuple(dict.fromkeys(filter(None, map(text.one_line, raw.tags)))),
        image=image,
        words=len(words.split()),
        usable=raw.usable,
        slug=text.slug(raw.slug or headline),
        content_hash="",
    )
    return replace(article, content_hash=_hash(article)), problems


def _plausible(moment: datetime | None, what: str, where: str, problems: list[Problem]) -> datetime | None:
    """A year such as 1 is some program's way to say that it does not know."""
    if moment is None or moment.year >= _FIRST_YEAR:
        return moment
    problems.append(Problem(where, f"{what}: {moment.year} is no year of news.", "It is taken as unknown."))
    return None


def split_kind(title: str, kinds: Iterable[str]) -> tuple[str, str]:
    """("Analysis", "Hamas, Hezbollah: …") — only a configured kind, only before the first colon."""
    before, colon, after = title.partition(":")
    for kind in kinds:
        if colon and after.strip() and before.strip().casefold() == kind.casefold():
            return kind, after.strip()
    return "", title


def _sections(names: Iterable[str], desk: Desk) -> tuple[str, ...]:
    known = {path.casefold(): path for path in (section.path for section in desk.publication.sections)}
    for section in reversed(desk.publication.sections):
        known.setdefault(section.title.casefold(), section.path)
    known |= {name.strip("/ ").casefold(): path for name, path in desk.sections.items()}
    found = [known[name.strip("/ ").casefold()] for name in names if name.strip("/ ").casefold() in known]
    return tuple(dict.fromkeys(found)) or ((desk.section,) if desk.section else ())


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
    url = urls.absolute(image.url, base) if image else None
    if image is None or url is None or not url.startswith("http"):
        return None
    return Image(url, text.one_line(image.alt), text.one_line(image.caption), text.one_line(image.credit))


def _authors(authors: Iterable[Author]) -> tuple[Author, ...]:
    cleaned = (Author(text.one_line(author.name), text.one_line(author.biography)) for author in authors)
    return tuple({author.name: author for author in cleaned if author.name}.values())


def _hash(article: Article) -> str:
    """A digest of all that a reader sees; what changes it is an update."""
    seen = [
        article.kind, article.headline, article.standfirst, article.body, article.language, article.url,
        [[author.name, author.biography] for author in article.authors],
        [article.image.url, article.image.alt, article.image.caption, article.image.credit] if article.image else None,
        article.sections, article.tags, article.usable, str(article.published or ""),
    ]  # fmt: skip
    return hashlib.sha256(json.dumps(seen, ensure_ascii=True).encode()).hexdigest()
