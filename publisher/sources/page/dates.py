"""The `<time>` elements that date the article: never a masthead's, another story's or one in the text."""

from typing import Any

from publisher.sources.page.facts import Facts, Page, select
from publisher.sources.page.story import Story

_UPDATED = {"updated", "dateModified", "dateUpdated", "modified", "post-modified", "last-updated"}
_PUBLISHED = {"published", "entry-date", "datePublished", "dt-published", "post-date", "publish-date"}


def read(page: Page, story: Story) -> Facts:
    """Several publication dates that differ are no answer, so they are none."""
    times = [each for each in select(page.tree, "time[datetime]") if each.get("datetime").strip()]
    own = [each for each in times if story.owns(each) and not story.holds(each)]
    dating = [each for each in own if story.introduces(each) or (_names(each) and _is_closed(story))]
    named = [each for each in dating if _names(each) & _PUBLISHED]
    updated = [each for each in dating if _names(each) & _UPDATED and each not in named]
    unnamed = [each for each in own if story.introduces(each) and each not in named and each not in updated]
    return Facts("time element", published=_only(named or unnamed), modified=_only(updated))


def _is_closed(story: Story) -> bool:
    """Whether the page marks where the story begins and ends, so that a date may stand anywhere in it."""
    return story.scope is not None and story.scope.tag == "article"


def _names(time: Any) -> set[str]:
    """tagDiv calls a publication date "entry-date updated"."""
    names = f"{time.get('class') or ''} {time.get('itemprop') or ''}".split()
    return {*names, *(["datePublished"] if time.get("pubdate") is not None else [])}


def _only(times: list[Any]) -> str:
    values = {each.get("datetime").strip() for each in times}
    return values.pop() if len(values) == 1 else ""
