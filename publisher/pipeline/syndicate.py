"""Syndicate: the site as files. Feeds, edition pages, article pages and the front page; only what changed is made.

Each file has a key, a digest of all that decides its bytes; what has the same key as in the last build is left alone
unread. Safe to repeat, and to be killed at any moment.
"""

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime

from sqlalchemy import Engine

from publisher.pipeline import feed_files, page_files
from publisher.pipeline.feed_plans import FOLDER, FeedPlan, FeedRule, Index, alternates, plans
from publisher.pipeline.site import Memory, Site
from publisher.pipeline.site_folder import Built, Made, SiteFolder
from publisher.render.feed import FILES, TYPES
from publisher.render.page import Alternate
from publisher.store import database, editions, feeds, pings

__all__ = [
    "Built",
    "FeedPlan",
    "FeedRule",
    "Memory",
    "Site",
    "alternates_of_newsletters",
    "build",
    "feeds_of_everything",
    "fingerprint",
    "planned",
    "published",
]


def feeds_of_everything(rules: Iterable[FeedRule]) -> list[tuple[str, str]]:
    """Media types and paths of the publication's own feeds, which every page names in its head."""
    formats = [rule.formats for rule in rules if rule.everything][-1:]
    return [(TYPES[form], f"{FOLDER}/{FILES[form]}") for forms in formats for form in forms]


def alternates_of_newsletters(site: Site) -> dict[str, list[Alternate]]:
    """The feeds of each newsletter's editions, for the heads of their pages."""
    found = alternates(plans(site.feeds, site.publication, site.newsletters.values(), Index(())))
    return {name: named for (of, name), named in found.items() if of == "newsletter"}


def fingerprint(engine: Engine, site: Site, now: datetime) -> str:
    """What the site depends on, in one line, cheap enough to look at twice a second.

    Another one means that a build would find something to do; the same one, that nothing but the end of a long
    transaction of another process, or an edit of a template, can have happened since.
    """
    with database.reading(engine) as db:
        return f"{feeds.moment(db, now)} {editions.last_pressed(db)} {pings.working(db, site.syndication.hubs)}"


def published(site: Site) -> list[str]:
    """The paths of what was built."""
    return SiteFolder(site.path, site.founded).known()


def planned(engine: Engine, site: Site, now: datetime) -> list[FeedPlan]:
    """Every feed there is, those of authors too."""
    memory = Memory()
    with database.reading(engine) as db:
        memory.refresh(db, now)
    return plans(site.feeds, site.publication, site.newsletters.values(), memory.index)


def build(engine: Engine, site: Site, now: datetime, only: str = "", memory: Memory | None = None) -> Built:
    """Write what changed; `only` is `feeds`, `pages` or empty for both."""
    memory, folder = memory or Memory(), SiteFolder(site.path, now)
    with folder.locked():
        desk = feed_files.Desk(engine, site, memory, now)
        if only != "pages":
            desk.archive(engine)
        with database.reading(engine) as db:
            files: dict[str, Made] = {}
            if only != "pages":
                files |= desk.files(db)
            if only != "feeds":
                files |= page_files.files(db, site, memory, desk.plans, desk.edition, now)
            built = folder.publish(files, remove=not only)
    return replace(built, problems=(*memory.told(), *built.problems))
