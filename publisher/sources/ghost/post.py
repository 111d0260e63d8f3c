"""A post of Ghost's Content API (docs.ghost.org/content-api/posts) as an article."""

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from publisher.clean import dates
from publisher.clean.text import from_html, one_line
from publisher.errors import Problem
from publisher.model.article import Access, Author, Image, RawArticle

Table = Mapping[str, Any]


def read(post: Any, where: str, site: str, zone: ZoneInfo, problems: list[Problem]) -> RawArticle | None:
    """None, and a problem, where there is nothing to print.

    Titles and excerpts are plain text in Ghost, captions and posts are HTML. An `excerpt` that nobody wrote is cut from
    the post, so only `custom_excerpt` is a standfirst.
    """
    if not isinstance(post, dict) or not _text(post, "id"):
        problems.append(Problem(where, "the post has no id.", "It is left out."))
        return None
    home = _home(post)
    where = home or f"{where.partition('#')[0]}#{post['id']}"
    access = _access(post)
    title, body = one_line(_text(post, "title")), _text(post, "html") if access is Access.PUBLIC else ""
    if not title and not from_html(body):
        problems.append(Problem(where, "the post has neither title nor text.", "It is left out."))
        return None
    names = _public_tags(post)
    return RawArticle(
        source_id=_text(post, "id"),
        title=title,
        body=body,
        where=where,
        format="ghost",
        url=_text(post, "canonical_url") or home or None,
        base=home or site,
        standfirst=one_line(_text(post, "custom_excerpt")),
        authors=tuple(_authors(post)),
        published=_instant(post, "published_at", where, zone, problems),
        modified=_instant(post, "updated_at", where, zone, problems),
        sections=names,
        tags=names,
        image=_image(post),
        slug=_text(post, "slug"),
        access=access,
        comments=f"{home}#ghost-comments" if home and post.get("comments") is True else "",
    )


def _home(post: Table) -> str:
    """Where the post is read; Ghost says /404/ of one that its routes lead nowhere."""
    url = _text(post, "url")
    return "" if url.endswith("/404/") else url


def _access(post: Table) -> Access:
    """Who may read it: `visibility`, and `access`, which says whether anybody may. Unsaid is not public."""
    visibility = post.get("visibility")
    if visibility == "public" or visibility is None:
        public = post.get("access") is True or (visibility == "public" and post.get("access") is None)
        return Access.PUBLIC if public else Access.MEMBERS
    return Access.MEMBERS if visibility == "members" else Access.PAID


def _public_tags(post: Table) -> tuple[str, ...]:
    """Names, the primary first; tags that begin with # are the newsroom's own."""
    primary, tags = post.get("primary_tag"), post.get("tags")
    found = [primary, *(tags if isinstance(tags, list) else [])]
    public = (tag for tag in found if isinstance(tag, dict) and not _is_internal(tag))
    return tuple(dict.fromkeys(name for tag in public if (name := one_line(_text(tag, "name")))))


def _is_internal(tag: Table) -> bool:
    return (
        tag.get("visibility") == "internal"
        or _text(tag, "slug").startswith("hash-")
        or _text(tag, "name").strip().startswith("#")
    )


def _authors(post: Table) -> Iterator[Author]:
    entries = post.get("authors")
    for entry in entries if isinstance(entries, list) else []:
        if isinstance(entry, dict) and (name := one_line(_text(entry, "name"))):
            yield Author(name, one_line(_text(entry, "bio")), _text(entry, "profile_image"), _text(entry, "url"))


def _image(post: Table) -> Image | None:
    url = _text(post, "feature_image")
    alt, caption = one_line(_text(post, "feature_image_alt")), from_html(_text(post, "feature_image_caption"))
    return Image(url, alt, caption) if url else None


def _instant(post: Table, key: str, where: str, zone: ZoneInfo, problems: list[Problem]) -> datetime | None:
    try:
        return dates.instant(post.get(key), zone)
    except ValueError as error:
        problems.append(Problem(where, f"{key}: {error}.", "It is taken as unknown."))
        return None


def _text(table: Table, key: str) -> str:
    value = table.get(key)
    return value if isinstance(value, str) else ""
