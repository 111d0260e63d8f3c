"""A WordPress site by its REST API: everything once, then what changed, and now and then what is still there.

The first reading goes by ids, which stay in order whatever is edited meanwhile. After it, posts are asked for by the
time they were modified, and by the time they were published: a scheduled post appears with an old `modified`. Lists of
ids and times come first, whole posts only where these differ from what was read. Each ask is one step, and a failure
repeats one.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from publisher.clean.text import from_html
from publisher.errors import Problem, SourceError
from publisher.ports import Fetched, Http, Response
from publisher.sources.asking import parsed_json, shown
from publisher.sources.wordpress import post as wordpress_post
from publisher.sources.wordpress.api import PER_PAGE, Api, Closed, NoApi, find
from publisher.sources.wordpress.memory import Entry, Memory, Page, behind, is_post, second_from

_POSTS = "wp/v2/posts"
_ENTRY = "id,modified,date,categories,tags"
_AFTER = {"modified": "modified_after", "date": "after"}  # the query for each order
_BEFORE = {"modified": "modified_before", "date": "before"}
_AT_ONCE = (50, 7, 1)  # whole posts; fewer where the site cannot bring so many, down to the one that breaks it
_LISTS = 20  # in one ask
_MOST_OWED = 20
_CATEGORIES_KEEP = timedelta(days=1)
_LISTING_AGAIN = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Answer:
    """What a step brought: whole posts, the first `asked` of those wanted. `memory` holds once they have been read."""

    memory: Memory
    entries: Sequence[Entry] = ()
    posts: Response | None = None
    tags: Mapping[str, str] = field(default_factory=dict)
    asked: int = 0
    problems: tuple[Problem, ...] = ()
    present: frozenset[str] | None = None
    more: bool = False


@dataclass(frozen=True, slots=True)
class WordPressSource:
    """`url` is the site's own address; `zone` is its zone, for dates that it keeps by its wall clock alone."""

    name: str
    url: str
    zone: ZoneInfo
    http: Http
    reconcile: timedelta = timedelta(days=7)

    @property
    def _site(self) -> str:
        return self.url.rstrip("/").removesuffix("/wp-json")

    async def ask(self, state: Mapping[str, Any], now: datetime) -> Answer:
        memory = Memory.of(state, self._site)
        if memory.root:
            try:
                return await self._step(memory, now)
            except NoApi:
                pass  # the site has moved, or its permalinks were changed
        root = await find(self.http, self._site, now)
        return await self._step(replace(memory, root=root), now)

    async def _step(self, memory: Memory, now: datetime) -> Answer:
        api = Api(self.http, self._site, memory.root, now)
        if memory.listing is not None:
            return await _still_there(api, memory, self.reconcile)
        if memory.crowd or not memory.complete:
            return await _by_ids(api, memory)
        answer = await _changes(api, memory)
        if answer.more or datetime.fromisoformat(memory.listed_at) + self.reconcile > now:
            return answer
        return replace(answer, memory=replace(answer.memory, listing=()), more=True)

    def read(self, answer: Answer, state: Mapping[str, Any], now: datetime) -> Fetched:
        rows = parsed_json(answer.posts, shown(answer.posts.url)) if answer.posts else []
        posts = [row for row in rows if is_post(row)]
        names = answer.memory.categories, answer.tags
        articles = tuple(wordpress_post.article(post, *names, self.zone, self._site) for post in posts)
        # One that was listed and did not come is gone; one that was edited in between is known as it came.
        memory = answer.memory.having_read([*answer.entries, *map(Entry.of, posts)])
        if not answer.more:
            memory = memory.settled(now.astimezone(self.zone).replace(tzinfo=None))
        return Fetched(
            articles,
            memory.state(),
            answer.problems,
            unchanged=not (articles or answer.problems or answer.more or answer.present),
            more=answer.more,
            present=answer.present,
        )


async def _by_ids(api: Api, memory: Memory) -> Answer:
    """The next posts in the order of their ids: of all, or of one second."""
    if not memory.after:
        memory = replace(memory, after={by: behind(await _newest(api, by), api.now) for by in _AFTER})
    bounds: dict[str, str] = {}
    if memory.crowd:
        by, second = memory.crowd
        bounds = {_AFTER[by]: second_from(second, -1), _BEFORE[by]: second_from(second, 1)}
    entries, offset, is_end = await _beyond(api, memory.last, memory.offset, bounds)
    wanted = [entry for entry in entries if memory.is_new(entry)]
    answer = await _whole(api, memory, wanted)
    memory = answer.memory
    if answer.asked < len(wanted):
        last = wanted[answer.asked - 1].id
        offset += sum(entry.id <= last for entry in entries)
        return replace(answer, memory=replace(memory, last=last, offset=offset), more=True)
    if not is_end:
        memory = replace(memory, last=entries[-1].id, offset=offset + len(entries))
    elif memory.crowd:
        memory = replace(memory, crowd=())
    else:
        memory = replace(memory, complete=True, listed_at=api.now.isoformat())
    return replace(answer, memory=memory, more=True)


async def _changes(api: Api, memory: Memory) -> Answer:
    """What was modified or published since: pages are listed until there are enough new posts to ask for."""
    reached = replace(memory, walk=memory.walk or ("modified", memory.after["modified"]))
    wanted: dict[int, Entry] = {}
    for _ in range(_LISTS):
        by, after = reached.walk
        page = await _listed(api, by, {"order": "asc", _AFTER[by]: after}, after)
        new = {entry.id: entry for entry in page.entries if reached.is_new(entry)}
        if new and reached.is_crowded(page):
            # Somebody changed hundreds of posts in one stroke: only ids lead through them.
            return Answer(replace(memory, crowd=(by, page.values[-1]), last=0, offset=0), more=True)
        wanted |= new
        if len(wanted) > _AT_ONCE[0]:
            break
        reached = reached.past(page, api.now)
        if not reached.walk:
            break
    answer = await _whole(api, reached, list(wanted.values()))
    if answer.asked < len(wanted):
        return replace(answer, memory=replace(answer.memory, walk=memory.walk, after=memory.after), more=True)
    if answer.memory.walk:
        return replace(answer, more=True)
    return await _owed(api, answer.memory) if answer.memory.owed and not wanted else answer


async def _owed(api: Api, memory: Memory) -> Answer:
    """Ask again for the posts that the site could not bring; the first that it still cannot is the last in the line."""
    page = await _listed(api, "id", {"order": "asc", "include": ",".join(map(str, memory.owed))})
    here = {entry.id: entry for entry in page.entries}
    line = [here[number] for number in memory.owed if number in here]
    answer = await _whole(api, replace(memory, owed=()), line)
    waiting = [entry.id for entry in line[answer.asked :]]
    memory = replace(answer.memory, owed=[*waiting, *answer.memory.owed])
    return replace(answer, memory=memory, more=bool(waiting and answer.entries))


async def _still_there(api: Api, memory: Memory, reconcile: timedelta) -> Answer:
    """The ids of all posts; nothing is read meanwhile, so that none can be filed and yet be missing in the list."""
    ids = list(memory.listing or ())
    try:
        for _ in range(_LISTS):
            entries, _, is_end = await _beyond(api, ids[-1] if ids else 0, len(ids), {"_fields": "id"})
            ids += [entry.id for entry in entries]
            if is_end:
                memory = replace(memory, listing=None, listed_at=api.now.isoformat())
                return Answer(memory, present=frozenset(map(str, ids)) or None)
    except SourceError as error:
        if error.not_before:
            raise
        problem = Problem(api.site, f"what is still there cannot be listed: {error}", "It is tried again tomorrow.")
        later = api.now + _LISTING_AGAIN - reconcile
        return Answer(replace(memory, listing=None, listed_at=later.isoformat()), problems=(problem,))
    return Answer(replace(memory, listing=ids), more=True)


async def _beyond(api: Api, last: int, offset: int, query: Mapping[str, str]) -> tuple[tuple[Entry, ...], int, bool]:
    """The posts after the id `last`, where in the list they begin, and whether there are no more.

    Posts come and go while we read, so `offset` says only about where they begin: a page has to start at or before
    `last`.
    """
    for _ in range(_LISTS):
        start = max(0, offset - 1)
        page = await _listed(api, "id", {**query, "order": "asc", "offset": start})
        if start and (not page.entries or page.entries[0].id > last):
            offset = max(0, offset - PER_PAGE)
            continue
        entries = tuple(entry for entry in page.entries if entry.id > last)
        is_end = start + PER_PAGE >= page.total
        if entries or is_end:
            return entries, start + len(page.entries) - len(entries), is_end
        offset = start + PER_PAGE
    raise SourceError(f"{api.site} changes faster than it can be read. It is asked again later.")


async def _newest(api: Api, by: str) -> str:
    newest = Page.of(by, await api.list(_POSTS, orderby=by, order="desc", per_page=1, _fields=_ENTRY))
    return str(newest.values[0]) if newest.entries else ""


async def _listed(api: Api, by: str, query: Mapping[str, str | int], after: str = "") -> Page:
    """A page of ids and times; SourceError where the site does not keep to what was asked."""
    page = Page.of(by, await api.list(_POSTS, **{"orderby": by, "_fields": _ENTRY, **query}))
    values = page.values
    if values != sorted(values) or (after and values and values[0] <= after):
        raise SourceError(
            f"{api.site} does not list its posts by {by} as asked: WordPress 5.7 and later do. "
            f'Ask its keeper to update it. Or read its feed instead: type = "feed", url = "{api.site}/feed/".'
        )
    return page


async def _whole(api: Api, memory: Memory, wanted: Sequence[Entry]) -> Answer:
    """The first of the wanted posts, as many as the site can bring at once; one that it cannot bring alone is owed."""
    if not wanted:
        return Answer(memory)
    memory = await _with_categories(api, memory, wanted)
    failure = SourceError("")
    for size in sorted({min(len(wanted), most) for most in _AT_ONCE}, reverse=True):
        ids = ",".join(str(entry.id) for entry in wanted[:size])
        shape = {"orderby": "id", "order": "asc", "_embed": wordpress_post.EMBEDDED, "_fields": wordpress_post.FIELDS}
        try:
            posts = await api.get(_POSTS, include=ids, per_page=size, **shape)
            return await _with_tags(api, Answer(memory, wanted[:size], posts, asked=size))
        except Closed:
            raise
        except SourceError as error:
            if error.not_before:
                raise
            failure = error
    if len(memory.owed) >= _MOST_OWED:
        raise failure
    await _listed(api, "id", {"include": wanted[0].id})  # it is the post that fails and not the site, or this raises
    problem = Problem(f"{api.site}/?p={wanted[0].id}", f"cannot be read: {failure}", "It is asked for again.")
    return Answer(replace(memory, owed=[*memory.owed, wanted[0].id]), asked=1, problems=(problem,))


async def _with_tags(api: Api, answer: Answer) -> Answer:
    """Add the names of the tags of posts that have more than are embedded."""
    many = [entry.tags for entry in answer.entries if len(entry.tags) >= wordpress_post.MOST_TERMS]
    ids = list(dict.fromkeys(key for keys in many for key in keys))
    names: dict[str, str] = {}
    try:
        for start in range(0, len(ids), PER_PAGE):
            part = ",".join(ids[start : start + PER_PAGE])
            listed = await api.list("wp/v2/tags", include=part, _fields="id,name")
            names |= {str(row["id"]): from_html(str(row.get("name") or "")) for row in filter(is_post, listed.rows)}
    except SourceError as error:
        if error.not_before:
            raise
        most = wordpress_post.MOST_TERMS
        problem = Problem(api.site, f"its tags cannot be read: {error}", f"A post's first {most} are kept.")
        return replace(answer, problems=(problem,))
    return replace(answer, tags=names)


async def _with_categories(api: Api, memory: Memory, posts: Sequence[Entry]) -> Memory:
    """Read the site's categories again after a day, or where a post is in one that we do not know."""
    used = {key for post in posts for key in post.categories}
    fresh = memory.categories_at and datetime.fromisoformat(memory.categories_at) + _CATEGORIES_KEEP > api.now
    if fresh and used <= memory.categories.keys():
        return memory
    found: dict[str, Sequence[Any] | None] = dict.fromkeys(used)  # None stays where the site keeps one to itself
    for number in range(1, _LISTS + 1):
        listed = await api.list("wp/v2/categories", page=number, orderby="id", _fields="id,name,slug,parent")
        for row in filter(is_post, listed.rows):
            name = "" if wordpress_post.is_default(row) else from_html(str(row.get("name") or ""))
            found[str(row["id"])] = (name, row.get("parent") or 0)
        if number * PER_PAGE >= listed.total:
            break
    return replace(memory, categories=found, categories_at=api.now.isoformat())
