"""What the sample export says, read apart from the loader that fills the site with it."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from lxml import etree, html

_NAMES = {
    "wp": "https://wordpress.org/export/1.2/",
    "dc": "http://purl.org/dc/elements/1.1/",
    "excerpt": "https://wordpress.org/export/1.2/excerpt/",
    "content": "http://purl.org/rss/1.0/modules/content/",
}


@dataclass(frozen=True)
class Post:
    id: str
    status: str
    words: tuple[str, ...]
    published: datetime
    author: str
    sections: frozenset[str]
    tags: frozenset[str]
    image: str
    excerpt: str
    password: str
    sticky: bool
    comments: bool


def posts(file: Path) -> dict[str, Post]:
    """All posts of an export, by id."""
    channel = etree.parse(file).find("channel")
    trails, tags = _trails(channel), _by_slug(channel, "tag", "tag_slug", "tag_name")
    names = _by_slug(channel, "author", "author_login", "author_display_name")
    items = {_text(item, "wp:post_id"): item for item in channel.iterfind("item")}
    return {
        number: Post(
            number,
            _text(item, "wp:status"),
            words(_plain(_text(item, "title"))),
            datetime.fromisoformat(_text(item, "wp:post_date_gmt")).replace(tzinfo=UTC),
            names.get(_text(item, "dc:creator"), next(iter(names.values()))),
            frozenset(trails[slug] for slug in _filed(item, "category") if slug != "uncategorized"),
            frozenset(tags.get(slug, name) for slug, name in _filed(item, "post_tag").items()),
            _image(item, items),
            words_of(_text(item, "excerpt:encoded")),
            _text(item, "wp:post_password"),
            _text(item, "wp:is_sticky") == "1",
            _text(item, "wp:comment_status") == "open",
        )
        for number, item in items.items()
        if _text(item, "wp:post_type") == "post"
    }


def words(text: str) -> tuple[str, ...]:
    """WordPress sets quotes and dashes in its own way; the words stay."""
    return tuple(re.findall(r"\w+", text))


def words_of(markup: str) -> str:
    return " ".join(_plain(markup).split())


def _trails(channel: etree._Element) -> Mapping[str, str]:
    names = _by_slug(channel, "category", "category_nicename", "cat_name")
    parents = _by_slug(channel, "category", "category_nicename", "category_parent")

    def trail(slug: str) -> str:
        above = parents[slug]
        return f"{trail(above)}/{names[slug]}" if above else names[slug]

    return {slug: trail(slug) for slug in names}


def _by_slug(channel: etree._Element, element: str, key: str, value: str) -> dict[str, str]:
    found = channel.iterfind(f"wp:{element}", _NAMES)
    return {_text(entry, f"wp:{key}"): _text(entry, f"wp:{value}") for entry in found}


def _filed(item: etree._Element, taxonomy: str) -> dict[str, str]:
    """The names by slug; the head of the export does not name all."""
    terms = (term for term in item.iterfind("category") if term.get("domain") == taxonomy)
    return {term.get("nicename", ""): (term.text or "").strip() for term in terms}


def _image(item: etree._Element, items: Mapping[str, etree._Element]) -> str:
    for meta in item.iterfind("wp:postmeta", _NAMES):
        if _text(meta, "wp:meta_key") == "_thumbnail_id" and _text(meta, "wp:meta_value") in items:
            return Path(_text(items[_text(meta, "wp:meta_value")], "wp:attachment_url")).name
    return ""


def _text(node: etree._Element, name: str) -> str:
    return (node.findtext(name, "", _NAMES) or "").strip()


def _plain(markup: str) -> str:
    return str(html.fromstring(f"<div>{markup}</div>").text_content()) if markup else ""
