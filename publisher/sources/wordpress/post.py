"""A WordPress post as a raw article: what its REST representation, embedded objects and plugins say of it.

Every field may be missing, forbidden or of another shape: plugins and hosts take what they like out of an answer.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any
from urllib.parse import unquote
from zoneinfo import ZoneInfo

from publisher.clean import dates
from publisher.clean.text import from_html
from publisher.model.article import Access, Author, Image, RawArticle, Status

FIELDS = (
    "id,date,date_gmt,modified,modified_gmt,slug,status,link,title,content,excerpt,comment_status,categories,tags,"
    "authors,coauthors,jetpack_featured_media_url,_links,_embedded"  # nothing is embedded where `_links` are left out
)
EMBEDDED = "author,wp:featuredmedia,wp:term"
MOST_TERMS = 10  # that are embedded, of each taxonomy

# What WordPress and its themes write behind an excerpt that they cut themselves.
_CUT = re.compile(r"\[\s*(…|\.{3})\s*\]$|(…|\.{3})(\s*\])?\s*(continue reading|read more)\b.{0,250}$", re.IGNORECASE)
_WORD = re.compile(r"\w+")
_TELLING = 8  # words in a row that two texts do not share by chance
_BEGINNING = 100
_UTC = ZoneInfo("UTC")

Json = Mapping[str, Any]
Categories = Mapping[str, Sequence[Any] | None]  # name and parent's id, by id; the name is empty if it is no section


def article(post: Json, categories: Categories, tags: Mapping[str, str], zone: ZoneInfo, site: str) -> RawArticle:
    """`tags` are the names by id, where more were given than are embedded.

    `zone` is the site's, for dates that it wrote by its own clock alone.
    """
    origins: dict[str, str] = {}
    link, body = _text(post, "link"), _text(post, "content", "rendered")
    protected = _at(post, "content", "protected") is True
    return RawArticle(
        source_id=str(post["id"]),
        title=from_html(_text(post, "title", "rendered")),
        body="" if protected else body,
        where=link or f"{site}/?p={post['id']}",
        format="wordpress",
        url=link or None,
        base=link or f"{site}/",
        standfirst="" if protected else _standfirst(_text(post, "excerpt", "rendered"), body),
        authors=_authors(post, origins),
        published=_instant(post, "date", "published", zone, origins),
        modified=_instant(post, "modified", "modified", zone, origins),
        sections=_sections(post, categories),
        tags=_tags(post, tags),
        image=_image(post, origins),
        slug=unquote(_text(post, "slug")),
        access=Access.MEMBERS if protected else Access.PUBLIC,
        status=Status.USABLE if post.get("status", "publish") == "publish" else Status.WITHHELD,
        comments=f"{link}#respond" if link and post.get("comment_status") == "open" else "",
        origins=origins,
    )


def _standfirst(excerpt: str, body: str) -> str:
    """The excerpt where a person wrote it; WordPress's own is the first words of the text, less its pictures."""
    text = from_html(excerpt)
    head, beginning = _words(text)[:_TELLING], _words(from_html(body))[:_BEGINNING]
    starts = range(len(beginning) - _TELLING + 1) if len(head) == _TELLING else range(1)
    is_cut = any(beginning[start : start + len(head)] == head for start in starts)
    return "" if is_cut or _CUT.search(text) else text


def _words(text: str) -> list[str]:
    return [word.casefold() for word in _WORD.findall(text)]


def _instant(post: Json, key: str, name: str, zone: ZoneInfo, origins: dict[str, str]) -> datetime | None:
    """An aware instant; None for `0000-00-00`, WordPress's word for unknown, and for what no calendar has."""
    for origin, its_zone in ((f"{key}_gmt", _UTC), (key, zone)):
        try:
            found = dates.instant(_text(post, origin), its_zone)
        except ValueError:
            continue
        if found:
            if origin == key:
                origins[name] = key
            return found
    return None


def _sections(post: Json, categories: Categories) -> tuple[str, ...]:
    """Trails from the top category down; a category that the site's list hides has its name alone."""
    embedded = {str(term.get("id")): term for term in _terms(post) if term.get("taxonomy") == "category"}
    ids = post.get("categories")
    found = []
    for key in map(str, ids if isinstance(ids, list) else embedded):
        if categories.get(key):
            found.append(_trail(key, categories))
        elif key in embedded and not is_default(embedded[key]):
            found.extend(_names([embedded[key]]))
    return tuple(dict.fromkeys(filter(None, found)))


def _trail(key: str, categories: Categories) -> str:
    names: list[str] = []
    passed: set[str] = set()
    while key not in passed and (category := categories.get(key)):
        passed.add(key)
        name, parent = category
        if not names and not name:
            return ""
        names.insert(0, name)
        key = str(parent)
    return "/".join(filter(None, names))


def _tags(post: Json, names: Mapping[str, str]) -> tuple[str, ...]:
    ids = [str(key) for key in _values(post.get("tags"))]
    if ids and names.keys() >= set(ids):
        return tuple(dict.fromkeys(filter(None, map(names.__getitem__, ids))))
    return _names(term for term in _terms(post) if term.get("taxonomy") == "post_tag")


def is_default(category: Json) -> bool:
    """Whether it is the category of posts that nobody filed, as WordPress makes it."""
    return _text(category, "slug") == "uncategorized" or _text(category, "name").casefold() == "uncategorized"


def _authors(post: Json, origins: dict[str, str]) -> tuple[Author, ...]:
    """All who wrote it: WordPress embeds the first alone, plugins for co-authors tell the others in their own places.

    PublishPress Authors has a field `authors`; Co-Authors Plus, and PublishPress too, terms of a taxonomy `author`.
    """
    embedded = {
        _slug(entry) or _name(entry): _author(entry)
        for entry in _dicts(_at(post, "_embedded", "author"))
        if _name(entry)
    }
    terms = [term for term in _terms(post) if term.get("taxonomy") == "author"]
    for origin, entries in (("authors", post.get("authors")), ("coauthors", post.get("coauthors")), ("wp:term", terms)):
        named = [entry for entry in _dicts(entries) if _name(entry)]
        if named:
            origins["authors"] = origin
            return tuple(_completed(_author(entry), embedded.get(_slug(entry))) for entry in named)
    return tuple(embedded.values())


def _completed(author: Author, user: Author | None) -> Author:
    """A user of the site is known better than the plugin tells."""
    if user is None:
        return author
    return replace(
        author,
        name=user.name,
        biography=author.biography or user.biography,
        picture=author.picture or user.picture,
        url=author.url or user.url,
    )


def _author(entry: Json) -> Author:
    return Author(
        name=_name(entry),
        biography=from_html(
            _text(entry, "description") or _text(entry, "description", "rendered") or _text(entry, "bio")
        ),
        picture=_picture(entry),
        url=_text(entry, "link"),
        role=from_html(_text(entry, "job_title")),
    )


def _name(entry: Json) -> str:
    """Co-Authors Plus calls a term by its author's login, `ada-writer`, which it makes from the name of a guest."""
    name = from_html(_text(entry, "display_name") or _text(entry, "name"))
    is_login = _text(entry, "slug") == f"cap-{name}" and "-" in name
    return name.replace("-", " ").title() if is_login else name


def _slug(entry: Json) -> str:
    return (_text(entry, "slug") or _text(entry, "user_nicename")).removeprefix("cap-")


def _picture(entry: Json) -> str:
    """The largest of the sizes."""
    sizes = _at(entry, "avatar_urls")
    urls = {int(key[:9]): url for key, url in sizes.items() if key.isdecimal()} if isinstance(sizes, dict) else {}
    choices = (
        urls[max(urls)] if urls else None,
        _at(entry, "avatar_url", "url2x"),
        _at(entry, "avatar_url", "url"),
        entry.get("avatar_url"),
    )
    return next((url for url in choices if isinstance(url, str) and url), "")


def _image(post: Json, origins: dict[str, str]) -> Image | None:
    for media in _dicts(_at(post, "_embedded", "wp:featuredmedia")):
        if url := _text(media, "source_url"):
            caption = _text(media, "caption", "rendered") or _text(media, "caption")
            return Image(url, from_html(_text(media, "alt_text")), from_html(caption), from_html(_credit(media)))
    if url := _text(post, "jetpack_featured_media_url"):
        origins["image"] = "jetpack_featured_media_url"
        return Image(url)
    return None


def _credit(media: Json) -> str:
    """From the photograph itself (IPTC), else from a plugin's field such as `media_credit`."""
    meta = _at(media, "meta")
    fields = meta if isinstance(meta, dict) else {}
    choices = (_text(fields, key) for key in fields if key.lower().endswith("credit"))
    return _text(media, "media_details", "image_meta", "credit") or next(filter(None, choices), "")


def _terms(post: Json) -> list[Json]:
    groups = _at(post, "_embedded", "wp:term")
    return [term for group in _values(groups) for term in _dicts(group)]


def _names(terms: Any) -> tuple[str, ...]:
    return tuple(dict.fromkeys(filter(None, (from_html(_text(term, "name")) for term in terms))))


def _at(value: Any, *keys: str) -> Any:
    """What is found under keys within keys, or None."""
    for key in keys:
        value = value.get(key) if isinstance(value, dict) else None
    return value


def _text(value: Any, *keys: str) -> str:
    found = _at(value, *keys)
    return found if isinstance(found, str) else ""


def _dicts(value: Any) -> list[Json]:
    return [entry for entry in _values(value) if isinstance(entry, dict)]


def _values(value: Any) -> list[Any]:
    """A list's members; PHP writes a list with a gap as an object."""
    return list(value.values()) if isinstance(value, dict) else value if isinstance(value, list) else []
