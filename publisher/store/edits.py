"""What an edit changed, whether it is news to readers of the story, and since when they would call it changed. Pure.

A story is given as its row of `articles`, with its sections. The order of the arguments is always before, after.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from publisher.clean.text import from_clean_html
from publisher.model.article import Article

Story = Mapping[str, Any]

_SHOWN = {
    "url", "kind", "headline", "standfirst", "teaser", "body", "authors", "image", "related", "tags", "language",
    "status", "access", "published", "embargo", "comments", "replies", "sections",
}  # fmt: skip
_NEVER_MINOR = ("status", "access", "embargo")  # who may read it, and from when


def fields(before: Story, after: Story) -> list[str]:
    """The names of what a reader can see of it."""
    return [name for name in after if name in _SHOWN and before[name] != after[name]]


def is_news(before: Story, after: Story, *, minor: bool) -> bool:
    """Whether readers would call the story changed.

    `minor` says that its source, or the newsroom for all of that source, wants no edit announced. A source that says
    when it last changed a story, and names the same moment again, calls it the same version.
    """
    if any(before[name] != after[name] for name in _NEVER_MINOR):
        return True
    is_same_version = (
        before["source"] == after["source"]
        and after["modified"] is not None
        and before["modified"] == after["modified"]
    )
    return not minor and not is_same_version and _told(before) != _told(after)


def _told(story: Story) -> tuple[Any, ...]:
    """What a story tells: its words, who wrote them, and its picture by its address without the size asked for.

    Everything else is about the story: where it stands, what stands beside it, how its links and markup are written.
    """
    title = f"{story['kind']}: {story['headline']}" if story["kind"] else story["headline"]
    names = [author["name"] for author in story["authors"]]
    picture = (story["image"] or {}).get("url", "").partition("?")[0]
    return title, story["standfirst"], from_clean_html(story["body"]), names, picture


def first_moment(article: Article, now: datetime, *, corrected: bool) -> datetime:
    """Since when a story that is new to us is as it is; a correction without a date is as old as our knowing of it."""
    said = article.modified or (None if corrected else article.published) or now
    return _not_before(article.published, min(said, now))


def moment(before: Story, after: Story, now: datetime, *, news: bool) -> datetime:
    """Since when the story is as it is now; without news, since when it was before.

    What a source says counts where it is a step forward and not in the future.
    """
    known: datetime = min(before["updated"], now)  # later only of a story that was not out yet
    said = after["modified"]
    if news:
        known = said if said and said != before["modified"] and known < said <= now else now
    return _not_before(after["published"], known)


def _not_before(published: datetime | None, changed: datetime) -> datetime:
    return max(changed, published) if published else changed
