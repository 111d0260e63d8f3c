"""The site as files: what changed is written, truthfully, and nothing else."""

import json
import os
import random
import subprocess
import sys
import time
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import feedparser
import pytest
from sqlalchemy import select, update

from publisher.model.article import Status
from publisher.model.newsletter import Section, Syndication
from publisher.pipeline import syndicate
from publisher.pipeline.syndicate import FeedRule, Memory, Site
from publisher.store import database, feeds
from publisher.store.schema import articles, subscriptions
from tests.builders import NOW, SECTIONS, a_newsletter, a_publication, an_article, file_articles, subscribe, templates

HOUR = timedelta(hours=1)


def a_site(folder: Path, *rules: FeedRule, **changes) -> Site:
    publication = changes.pop("publication", a_publication())
    return Site(
        publication=publication,
        newsletters={"briefing": a_newsletter()},
        feeds=rules or [FeedRule(entries=10)],
        templates=templates(publication),
        path=folder / "site",
        static=folder / "static",
        founded=NOW,
        root=folder,
        **changes,
    )


@pytest.fixture
def site(tmp_path) -> Site:
    return a_site(tmp_path)


@pytest.fixture(params=["forgetful", "remembering"])
def memory(request) -> Memory | None:
    """What a process that goes on knows from build to build, and what another one does not."""
    return Memory() if request.param == "remembering" else None


def put(engine, *stories, now=NOW) -> None:
    with database.writing(engine) as db:
        file_articles(db, *stories, now=now)


def story(number: int, **changes):
    return an_article(number, image=None, **changes)


def parsed(site: Site, path: str = "feeds/rss.xml"):
    found = feedparser.parse((site.path / path).read_bytes())
    assert not found.bozo
    return found


def titles(site: Site, path: str = "feeds/rss.xml") -> list[str]:
    return [entry.title for entry in parsed(site, path).entries]


def contents(site: Site) -> dict[str, bytes]:
    files = (file for file in site.path.rglob("*") if file.is_file() and not file.name.startswith(".published"))
    return {file.relative_to(site.path).as_posix(): file.read_bytes() for file in files}


class TestWhichFeeds:
    def test_everything_sections_kinds_authors_and_newsletters_have_feeds(self, engine, site):
        put(engine, story(1, kind="Analysis"), story(2, sections=("world/asia",), source_id="b", slug="b"))

        syndicate.build(engine, site, NOW)

        found = {path.rpartition("/")[0] for path in contents(site) if path.endswith("/rss.xml")}
        sections = {f"feeds/{section.path}" for section in SECTIONS}
        others = {"feeds/kind/analysis", "feeds/kind/opinion", "feeds/by/ada-writer", "feeds/newsletter/briefing"}
        assert found == {"feeds"} | sections | others

    def test_a_section_holds_its_childrens_stories_unless_the_newsroom_says_otherwise(self, engine, tmp_path):
        put(engine, story(1, sections=("world/asia",)), story(2, sections=("world",)))
        whole = a_site(tmp_path / "whole")
        own = a_site(tmp_path / "own", FeedRule(descendants=False))

        for one in (whole, own):
            syndicate.build(engine, one, NOW)

        assert titles(whole, "feeds/world/rss.xml") == ["Story 1", "Story 2"]
        assert titles(own, "feeds/world/rss.xml") == ["Story 2"]

    def test_an_author_whose_name_is_not_latin_has_an_address_of_its_own(self, engine, site):
        from publisher.model.article import Author

        put(engine, story(1, authors=(Author("عائشہ لکھاری"),)), story(2, authors=(Author("Łukasz Żak"),)))

        syndicate.build(engine, site, NOW)

        folders = sorted(path.name for path in (site.path / "feeds/by").iterdir())
        assert len(folders) == 2
        assert all(name.isascii() and name for name in folders)

    def test_the_last_rule_that_names_a_feed_counts(self, engine, tmp_path):
        site = a_site(tmp_path, FeedRule(), FeedRule(("rss",), 1, False, ("world",), False, False, False))
        put(engine, story(1), story(2, published=NOW - 50 * HOUR))

        syndicate.build(engine, site, NOW)

        assert titles(site, "feeds/world/rss.xml") == ["Story 1"]
        assert titles(site, "feeds/rss.xml") == ["Story 1", "Story 2"]

    def test_every_feed_is_in_the_opml_and_in_the_list(self, engine, site):
        put(engine, story(1))
        syndicate.build(engine, site, NOW)

        listed = {f"{site.publication.url}/{plan.path}/rss.xml" for plan in syndicate.planned(engine, site, NOW)}

        opml = (site.path / "feeds/feeds.opml").read_text()
        page = (site.path / "feeds/index.html").read_text()
        assert len(listed) >= 8
        assert all(f'xmlUrl="{url}"' in opml and url in page for url in listed)


class TestSameBytes:
    def test_another_clock_and_hash_seed_make_the_same_bytes(self, tmp_path):
        engine = database.open_engine("sqlite:///test.db", tmp_path)
        database.migrate(engine)
        put(engine, *(story(number, tags=("a", "b", "c"), kind="Opinion") for number in range(1, 40)))
        syndicate.build(engine, a_site(tmp_path / "one"), NOW)
        engine.dispose()
        program = (
            "import sys; from pathlib import Path; from datetime import timedelta;"
            "from tests.unit.test_syndicate import *;"
            f"engine = database.open_engine('sqlite:///test.db', Path({str(tmp_path)!r}));"
            f"syndicate.build(engine, a_site(Path({str(tmp_path / 'two')!r})), NOW + timedelta(days=1))"
        )
        subprocess.run(
            [sys.executable, "-c", program],
            env=os.environ | {"PYTHONHASHSEED": "7", "TZ": "Asia/Tokyo"},
            cwd=Path(__file__).parents[2],
            check=True,
        )

        assert contents(a_site(tmp_path / "one")) == contents(a_site(tmp_path / "two"))

    def test_a_site_that_grew_is_the_site_that_is_built_at_once(self, engine, tmp_path):
        """Whatever the order of builds, with or without a memory."""
        grown, memory = a_site(tmp_path / "grown"), Memory()
        for number in range(1, 31):
            put(engine, story(number, published=NOW + number * HOUR), now=NOW + number * HOUR)
            if number % 3 == 0:
                put(engine, replace(story(number - 1, published=NOW + (number - 1) * HOUR), body="<p>New</p>",
                                    content_hash=f"new {number}"), now=NOW + number * HOUR)  # fmt: skip
            syndicate.build(engine, grown, NOW + number * HOUR, memory=memory)
        fresh = a_site(tmp_path / "fresh")

        syndicate.build(engine, fresh, NOW + 31 * HOUR)

        assert contents(grown) == contents(fresh)


class TestOnlyWhatChanged:
    def test_a_build_with_nothing_new_writes_nothing(self, engine, site):
        put(engine, *map(story, range(1, 30)))
        first = syndicate.build(engine, site, NOW)
        times = {path: (site.path / path).stat().st_mtime_ns for path in contents(site)}

        again = syndicate.build(engine, site, NOW + HOUR)

        assert first.written
        assert again.written == again.removed == ()
        assert {path: (site.path / path).stat().st_mtime_ns for path in contents(site)} == times

    def test_an_edit_in_one_section_leaves_every_other_sections_bytes_alone(self, engine, site, memory):
        put(engine, story(1, sections=("world",), authors=()), story(2, sections=("economy",), authors=()))
        syndicate.build(engine, site, NOW, memory=memory)
        before = contents(site)

        put(
            engine,
            story(1, sections=("world",), authors=(), teaser="Edited", body="<p>Edited</p>", content_hash="edited"),
            now=NOW + HOUR,
        )
        built = syndicate.build(engine, site, NOW + HOUR, memory=memory)

        after = contents(site)
        touched = {path.split(".")[0] for path in before if before[path] != after[path]}
        assert touched == {"feeds/rss", "feeds/atom", "feeds/feed", "feeds/world/rss", "feeds/world/atom",
                           "feeds/world/feed", "articles/story-1", "index"}  # fmt: skip
        assert {path.split(".")[0] for path in built.written} == touched

    def test_an_edit_of_one_entry_leaves_the_bytes_of_the_others(self, engine, site):
        put(engine, story(1), story(2))
        syndicate.build(engine, site, NOW)
        before = contents(site)["feeds/rss.xml"].split(b"<item ")

        put(engine, story(1, teaser="Edited", content_hash="edited"), now=NOW + HOUR)
        syndicate.build(engine, site, NOW + HOUR)

        after = contents(site)["feeds/rss.xml"].split(b"<item ")
        assert before[1] != after[1]
        assert before[2] == after[2]

    def test_the_times_of_a_path_only_grow_by_whole_seconds(self, engine, site):
        put(engine, story(1))
        syndicate.build(engine, site, NOW)
        first = (site.path / "feeds/rss.xml").stat().st_mtime

        for number in (1, 2):
            put(engine, story(1, teaser=f"Edit {number}", content_hash=f"edit {number}"), now=NOW)
            syndicate.build(engine, site, NOW - HOUR)  # a clock that went back

        times = {(site.path / f"feeds/rss.xml{name}").stat().st_mtime for name in ("", ".gz", ".br", ".zst")}
        assert times == {first + 2}
        assert first == NOW.timestamp()

    def test_neighbours_hold_the_same_bytes(self, engine, site):
        import gzip

        import brotli
        import zstandard

        put(engine, *map(story, range(1, 5)))
        syndicate.build(engine, site, NOW)

        files, unpack = contents(site), {".gz": gzip.decompress, ".br": brotli.decompress,
                                         ".zst": zstandard.ZstdDecompressor().decompress}  # fmt: skip
        for path in ("feeds/rss.xml", "feeds/feed.json", "feeds/index.html", "index.html", "feeds/feeds.opml"):
            for name, undo in unpack.items():
                assert undo(files[path + name]) == files[path], path + name

    def test_a_neighbour_that_was_lost_is_made_again(self, engine, site):
        put(engine, story(1))
        syndicate.build(engine, site, NOW)
        (site.path / "feeds/rss.xml").unlink()
        (site.path / "feeds/rss.xml.gz").unlink()

        syndicate.build(engine, site, NOW)

        assert (site.path / "feeds/rss.xml.gz").is_file()
        assert (site.path / "feeds/rss.xml").is_file()


class TestTruthOverTime:
    def test_an_embargo_is_kept_in_every_format_and_ends_by_itself(self, engine, site, memory):
        put(engine, story(1), story(2, embargo=NOW + HOUR), story(3, published=NOW + HOUR, source_id="c", slug="c"))

        syndicate.build(engine, site, NOW, memory=memory)
        early = contents(site)
        syndicate.build(engine, site, NOW + HOUR, memory=memory)

        assert not [path for path, content in early.items() if b"Story 2" in content or b"Story 3" in content]
        assert b"story-2" not in early["feeds/atom.xml"]
        assert sorted(titles(site)) == ["Story 1", "Story 2", "Story 3"]

    def test_what_was_withdrawn_vanishes_and_leaves_a_tombstone(self, engine, site):
        put(engine, story(1), story(2))
        syndicate.build(engine, site, NOW)

        put(engine, story(2, status=Status.CANCELLED, content_hash="gone"), now=NOW + HOUR)
        syndicate.build(engine, site, NOW + HOUR)

        assert titles(site) == titles(site, "feeds/atom.xml") == ["Story 1"]
        assert not [path for path, content in contents(site).items() if b"Story 2" in content]
        atom = contents(site)["feeds/atom.xml"].decode()
        when = (NOW + HOUR).isoformat()
        assert f'<at:deleted-entry ref="tag:journal.example,2026-11-20:articles/story-2" when="{when}"/>' in atom
        assert f"<updated>{when}</updated>" in atom
        assert not (site.path / "articles/story-2.html").exists()

    def test_what_was_never_shown_leaves_no_tombstone(self, engine, site):
        put(engine, story(1), story(2, embargo=NOW + HOUR), story(3, status=Status.WITHHELD))
        syndicate.build(engine, site, NOW)
        put(engine, story(2, status=Status.CANCELLED, content_hash="gone"), now=NOW)
        syndicate.build(engine, site, NOW + 2 * HOUR)

        assert b"deleted-entry" not in contents(site)["feeds/atom.xml"]

    def test_a_story_that_comes_back_is_an_entry_again(self, engine, site, memory):
        put(engine, story(1), story(2))
        syndicate.build(engine, site, NOW, memory=memory)
        put(engine, story(2, status=Status.CANCELLED, content_hash="gone"), now=NOW + HOUR)
        syndicate.build(engine, site, NOW + HOUR, memory=memory)
        put(engine, story(2, content_hash="back"), now=NOW + 2 * HOUR)

        syndicate.build(engine, site, NOW + 2 * HOUR, memory=memory)

        assert titles(site) == ["Story 1", "Story 2"]
        assert b"deleted-entry" not in contents(site)["feeds/atom.xml"]

    def test_headline_slug_section_and_domain_may_change_but_no_id_does(self, engine, tmp_path):
        before = a_site(tmp_path / "before")
        put(engine, story(1))
        syndicate.build(engine, before, NOW)
        moved = a_site(tmp_path / "after", publication=a_publication(url="https://other.example"))

        put(engine, story(1, headline="Another", slug="another", sections=("economy",), content_hash="x"), now=NOW)
        syndicate.build(engine, moved, NOW)

        one, two = parsed(before, "feeds/atom.xml"), parsed(moved, "feeds/atom.xml")
        assert one.entries[0].id == two.entries[0].id
        assert one.feed.id == two.feed.id
        assert two.entries[0].title == "Another"

    def test_nothing_of_two_days_is_missed_however_much_there_was(self, engine, site):
        put(engine, *(story(number, published=NOW - number * HOUR) for number in range(60)))

        syndicate.build(engine, site, NOW)

        assert titles(site)[:48] == [f"Story {number}" for number in range(48)]
        assert len(titles(site)) == 48

    def test_readers_answers_are_counted_anew_though_no_edit_is_remembered(self, engine, site, memory):
        put(engine, story(1, replies=1, content_hash="one"))
        syndicate.build(engine, site, NOW, memory=memory)
        seen = syndicate.fingerprint(engine, site, NOW)

        put(engine, story(1, replies=2, content_hash="two"), now=NOW + HOUR)
        syndicate.build(engine, site, NOW + HOUR, memory=memory)

        assert "<slash:comments>2</slash:comments>" in (site.path / "feeds/rss.xml").read_text()
        assert syndicate.fingerprint(engine, site, NOW) != seen

    def test_the_time_of_day_alone_changes_no_feed(self, engine, site):
        put(engine, *(story(number, published=NOW - number * HOUR) for number in range(60)))
        syndicate.build(engine, site, NOW)

        assert not syndicate.build(engine, site, NOW + timedelta(days=30)).written

    def test_a_story_that_came_late_is_not_missed(self, engine, site):
        put(engine, *(story(number, published=NOW - number * timedelta(minutes=1)) for number in range(15)))
        put(engine, story(99, published=NOW - 40 * HOUR))

        syndicate.build(engine, site, NOW)

        assert "Story 99" in titles(site)


class TestSize:
    def long(self, number: int):
        return story(number, body=f"<p>{f'Words {number}. ' * 600}</p>", published=NOW - number * HOUR)

    def test_the_oldest_entries_are_shortened_to_their_summaries(self, engine, site):
        site = replace(site, syndication=Syndication(max_bytes=60_000))
        put(engine, *map(self.long, range(10)))

        syndicate.build(engine, site, NOW)

        for path in ("feeds/rss.xml", "feeds/atom.xml", "feeds/feed.json"):
            assert 40_000 < len(contents(site)[path]) <= 60_000, path
        whole = ["content" in entry for entry in parsed(site).entries]
        assert whole == sorted(whole, reverse=True)
        assert 4 <= sum(whole) < 10
        assert all(entry.summary for entry in parsed(site).entries)

    def test_the_formats_are_shortened_alike(self, engine, site):
        site = replace(site, syndication=Syndication(max_bytes=60_000))
        put(engine, *map(self.long, range(10)))
        syndicate.build(engine, site, NOW)

        rss = ["content" in entry for entry in parsed(site).entries]
        atom = ["content" in entry for entry in parsed(site, "feeds/atom.xml").entries]
        items = ["content_html" in item for item in json.loads(contents(site)["feeds/feed.json"])["items"]]

        assert rss == atom == items

    def test_a_megabyte_is_never_passed(self, engine, site):
        teasers = "Many words. " * 250
        put(engine, *(story(n, teaser=teasers, published=NOW - timedelta(minutes=n)) for n in range(500)))

        syndicate.build(engine, site, NOW)

        assert all(len(contents(site)[path]) <= 1_000_000 for path in ("feeds/rss.xml", "feeds/feed.json"))
        assert len(titles(site)) > 100


class TestArchives:
    def chain(self, site: Site, path: str = "feeds") -> list[list[str]]:
        """The ids of the feed and of each archive page before it, as a feed reader walks them."""
        found, name = [], "atom.xml"
        while name:
            document = parsed(site, f"{path}/{name}")
            found.append([entry.id for entry in document.entries])
            links = [link.href for link in document.feed.links if link.rel == "prev-archive"]
            name = links[0].rpartition("/")[2] if links else ""
        return found

    def grown(self, engine, site: Site, count: int = 60, memory: Memory | None = None) -> None:
        for number in range(count):
            moment = NOW + number * 6 * HOUR
            put(engine, story(number, published=moment), now=moment)
            syndicate.build(engine, site, moment, memory=memory)

    def test_the_chain_reaches_every_story_once(self, engine, site, memory):
        self.grown(engine, site, memory=memory)

        shown, *archives = self.chain(site)

        archived = [entry for page in archives for entry in page]
        assert len(archived) == len(set(archived)) >= 50
        assert len({*shown, *archived}) == 60
        assert all(len(page) == 10 for page in archives)
        assert self.chain(site, "feeds/world") == self.chain(site)

    def test_an_archive_page_says_that_it_is_one(self, engine, site):
        self.grown(engine, site, 30)

        page = contents(site)["feeds/archive-1.xml"].decode()

        assert "<fh:archive/>" in page
        assert 'rel="current"' in page
        assert 'rel="self"' in page
        assert "prev-archive" not in page
        assert parsed(site, "feeds/archive-2.xml").feed.id != parsed(site, "feeds/atom.xml").feed.id

    def test_archives_do_not_change_when_stories_are_edited(self, engine, site):
        self.grown(engine, site, 30)
        before = contents(site)["feeds/archive-1.xml"]

        put(engine, story(1, published=NOW + 6 * HOUR, teaser="Edited", content_hash="x"), now=NOW + 300 * HOUR)
        syndicate.build(engine, replace(site, path=site.path.with_name("again")), NOW + 300 * HOUR)
        syndicate.build(engine, site, NOW + 300 * HOUR)

        assert contents(site)["feeds/archive-1.xml"] == before
        assert contents(replace(site, path=site.path.with_name("again")))["feeds/archive-1.xml"] == before

    @pytest.mark.parametrize("number", [0, 5, 9])
    def test_but_what_is_withdrawn_leaves_them(self, engine, site, number):
        self.grown(engine, site, 30)
        before = parsed(site, "feeds/archive-1.xml")
        moment, when = NOW + number * 6 * HOUR, NOW + 300 * HOUR

        put(engine, story(number, published=moment, status=Status.CANCELLED, content_hash="x"), now=when)
        syndicate.build(engine, site, when)

        after = parsed(site, "feeds/archive-1.xml")
        gone = f"tag:journal.example,2026-11-20:articles/story-{number}"
        assert [one.id for one in after.entries] == [one.id for one in before.entries if one.id != gone]
        assert not [path for path, content in contents(site).items() if f">Story {number}<".encode() in content]

    def test_and_what_comes_back_is_archived_again(self, engine, site):
        self.grown(engine, site, 30)
        when = NOW + 300 * HOUR
        put(engine, story(3, published=NOW + 18 * HOUR, status=Status.CANCELLED, content_hash="x"), now=when)
        syndicate.build(engine, site, when)
        put(engine, story(3, published=NOW + 18 * HOUR, content_hash="y"), now=when + HOUR)

        syndicate.build(engine, site, when + HOUR)

        shown, *archives = self.chain(site)
        assert len({*shown, *(one for page in archives for one in page)}) == 30

    def test_an_embargoed_story_is_in_no_archive(self, engine, site):
        put(engine, story(99, published=NOW, embargo=NOW + 1000 * HOUR))
        self.grown(engine, site, 30)

        assert not [path for path, content in contents(site).items() if b"story-99" in content]


class TestWhatGoesWrong:
    """Found by attack: each of these lost or betrayed something once."""

    def test_a_template_that_fails_for_every_story_leaves_feeds_and_archives_as_they_were(self, engine, tmp_path):
        site = a_site(tmp_path)
        site = replace(site, templates=templates(site.publication, tmp_path))
        put(engine, *(story(n, published=NOW - n * 6 * HOUR) for n in range(30)))
        syndicate.build(engine, site, NOW)
        before = contents(site)
        (tmp_path / "feeds").mkdir()
        (tmp_path / "feeds/entry.html.j2").write_text("{{ article.nosuch.thing }}")
        put(engine, *(story(n, published=NOW + n * 6 * HOUR) for n in range(30, 50)), now=NOW + 400 * HOUR)

        broken = syndicate.build(engine, site, NOW + 400 * HOUR)

        assert broken.problems
        assert contents(site)["feeds/rss.xml"] == before["feeds/rss.xml"]
        (tmp_path / "feeds/entry.html.j2").unlink()
        syndicate.build(engine, site, NOW + 400 * HOUR)
        shown, *pages = TestArchives().chain(site)
        assert len({*shown, *(one for page in pages for one in page)}) == 50

    def test_a_template_of_ones_own_counts_at_once(self, engine, tmp_path):
        site, memory = a_site(tmp_path), Memory()
        site = replace(site, templates=templates(site.publication, tmp_path))
        put(engine, story(1))
        syndicate.build(engine, site, NOW, memory=memory)
        (tmp_path / "feeds").mkdir()
        (tmp_path / "feeds/entry.html.j2").write_text("<p>Our own.</p>")

        syndicate.build(engine, site, NOW, memory=memory)

        assert "Our own." in (site.path / "feeds/rss.xml").read_text()

    def test_what_is_withdrawn_leaves_archives_of_sections_that_it_left(self, engine, site, memory):
        TestArchives().grown(engine, site, 30, memory)
        assert b">Story 3<" in contents(site)["feeds/world/archive-1.xml"]
        when, moment = NOW + 300 * HOUR, NOW + 18 * HOUR
        moved = story(3, published=moment, sections=("economy",), content_hash="moved")
        put(engine, moved, now=when)
        syndicate.build(engine, site, when, memory=memory)

        put(engine, replace(moved, status=Status.CANCELLED, content_hash="gone"), now=when + HOUR)
        syndicate.build(engine, site, when + HOUR, memory=memory)

        assert not [path for path, content in contents(site).items() if b">Story 3<" in content]

    def test_feeds_without_atom_have_no_archive_to_be_stale(self, engine, site):
        TestArchives().grown(engine, site, 30)

        syndicate.build(engine, replace(site, feeds=[FeedRule(("rss",), 10)]), NOW + 300 * HOUR)

        assert not list(site.path.rglob("archive-*"))

    def test_a_story_that_is_put_off_leaves_no_tombstone_that_tells_until_when(self, engine, site):
        put(engine, story(1), story(2))
        syndicate.build(engine, site, NOW)

        put(engine, story(2, published=NOW + 96 * HOUR, content_hash="later"), now=NOW + HOUR)
        syndicate.build(engine, site, NOW + HOUR)

        assert titles(site) == ["Story 1"]
        assert b"deleted-entry" not in contents(site)["feeds/atom.xml"]
        assert b"2026-11-24" not in contents(site)["feeds/atom.xml"]

    def test_a_page_that_was_lost_is_made_again_by_a_process_that_remembers(self, engine, site):
        memory = Memory()
        put(engine, story(1))
        syndicate.build(engine, site, NOW, memory=memory)
        (site.path / "articles/story-1.html").unlink()

        built = syndicate.build(engine, site, NOW, memory=memory)

        assert built.written == ("articles/story-1.html",)
        assert not built.problems

    def test_a_teaser_of_a_megabyte_pushes_nobody_out(self, engine, site):
        put(engine, *(story(n, published=NOW - n * HOUR) for n in range(1, 20)))
        put(engine, story(20, teaser="Long words. " * 130_000, published=NOW))

        syndicate.build(engine, site, NOW)

        assert len(titles(site)) == 20
        assert len(contents(site)["feeds/rss.xml"]) <= 250_000

    def test_whoever_is_not_shown_is_archived_however_much_there_was(self, engine, site):
        put(
            engine,
            *(story(n, teaser="Words of a teaser. " * 20, published=NOW - timedelta(minutes=n)) for n in range(600)),
        )

        syndicate.build(engine, site, NOW)

        shown, *pages = TestArchives().chain(site)
        assert len({*shown, *(one for page in pages for one in page)}) == 600
        assert len(contents(site)["feeds/atom.xml"]) <= 1_000_000

    def test_a_file_that_comes_back_is_newer_than_it_was(self, engine, site):
        put(engine, story(1))
        syndicate.build(engine, site, NOW)
        put(engine, story(1, status=Status.CANCELLED, content_hash="gone"), now=NOW)
        syndicate.build(engine, site, NOW)
        put(engine, story(1, content_hash="back"), now=NOW)

        syndicate.build(engine, site, NOW)

        assert (site.path / "articles/story-1.html").stat().st_mtime > NOW.timestamp()

    def test_the_lead_of_an_edition_that_is_withdrawn_is_no_longer_its_title(self, engine, site):
        from publisher.pipeline import compose, press
        from publisher.pipeline.proof import Desk
        from tests.builders import tokens

        put(engine, story(1, headline="The lead"), story(2, headline="The other"))
        desk = Desk(site.publication, site.newsletters, site.templates, tokens(), accept=frozenset({"https"}))
        edition = compose.build(engine, site.newsletters["briefing"], "daily", site.publication, NOW)
        with database.writing(engine) as db:
            subscribe(db, "ada@example.org")
        press.press(engine, edition, desk, NOW, ["https"])
        syndicate.build(engine, site, NOW)
        path = "feeds/newsletter/briefing/rss.xml"
        assert titles(site, path)[0].startswith("The lead")

        put(engine, story(1, headline="The lead", status=Status.CANCELLED, content_hash="gone"), now=NOW + HOUR)
        syndicate.build(engine, site, NOW + HOUR)

        assert titles(site, path) == ["The other · The Briefing"]
        assert "The lead" not in (site.path / path).read_text()


class TestMoved:
    def test_moves_lead_on_and_take_subsections_along(self, engine, tmp_path):
        put(engine, story(1, sections=("old",)), story(2, sections=("old/asia",)))
        site = a_site(tmp_path, syndication=Syndication(moved={"old": "mid", "mid": "world"}))

        syndicate.build(engine, site, NOW)

        assert titles(site, "feeds/world/rss.xml") == ["Story 1", "Story 2"]
        assert titles(site, "feeds/world/asia/rss.xml") == ["Story 2"]

    def test_the_stories_and_readers_of_a_section_go_with_it(self, engine, tmp_path):
        put(engine, story(1, sections=("economy",)), story(2, sections=("economy", "world")))
        before = a_site(tmp_path / "before")
        syndicate.build(engine, before, NOW)
        with database.writing(engine) as db:
            subscribe(db, "ada@example.org", sections=("economy", "climate"))
        sections = (*(one for one in SECTIONS if one.path != "economy"), Section("world/money", "Money"))
        after = a_site(
            tmp_path / "after",
            publication=a_publication(sections=sections),
            syndication=Syndication(moved={"economy": "world/money"}),
        )

        syndicate.build(engine, after, NOW)

        assert titles(after, "feeds/world/money/rss.xml") == ["Story 1", "Story 2"]
        assert not (after.path / "feeds/economy").exists()
        old, new = parsed(before, "feeds/economy/atom.xml"), parsed(after, "feeds/world/money/atom.xml")
        assert old.feed.id == new.feed.id
        assert [one.id for one in old.entries] == [one.id for one in new.entries]
        with database.reading(engine) as db:
            assert db.scalar(select(subscriptions.c.sections)) == "world/money climate"


class TestFolder:
    def test_what_is_not_ours_is_left_alone(self, engine, site):
        put(engine, story(1))
        syndicate.build(engine, site, NOW)
        (site.path / "robots.txt").write_text("theirs")

        put(engine, story(1, status=Status.CANCELLED, content_hash="x"), now=NOW)
        built = syndicate.build(engine, site, NOW)

        assert (site.path / "robots.txt").read_text() == "theirs"
        assert "articles/story-1.html" in built.removed
        assert not list((site.path / "articles").glob("*"))

    @pytest.mark.parametrize("damage", ["[]", "{", '{"a": 1}', '["feeds/rss.xml"]'])
    def test_a_list_of_files_that_was_damaged_costs_one_build(self, engine, site, damage):
        put(engine, story(1))
        syndicate.build(engine, site, NOW)
        before = contents(site)
        (site.path / ".published").write_text(damage)

        syndicate.build(engine, site, NOW)

        assert contents(site) == before
        assert not syndicate.build(engine, site, NOW).written

    def test_a_list_that_names_files_elsewhere_removes_none(self, engine, site, tmp_path):
        put(engine, story(1))
        syndicate.build(engine, site, NOW)
        (tmp_path / "precious").write_text("x")
        listed = json.loads((site.path / ".published").read_text())
        (site.path / ".published").write_text(json.dumps(listed | {"../precious": ["", 0]}))

        syndicate.build(engine, site, NOW)

        assert (tmp_path / "precious").exists()


KILLED = """
import sys
from pathlib import Path
from tests.unit.test_syndicate import *
engine = database.open_engine("sqlite:///test.db", Path(sys.argv[1]))
site, when = a_site(Path(sys.argv[1])), NOW + HOUR * int(sys.argv[2])
put(engine, *(story(n, published=when - timedelta(minutes=n), teaser=f"Build {sys.argv[2]}",
    content_hash=f"{n} {sys.argv[2]}") for n in range(1, 40)), now=when)
print("building", flush=True)
syndicate.build(engine, site, when)
"""


def test_whoever_is_killed_leaves_each_file_old_or_new(tmp_path):
    """kill -9 at random moments of builds that change everything; then one build in peace."""
    import gzip

    engine = database.open_engine("sqlite:///test.db", tmp_path)
    database.migrate(engine)
    site, chance, cut, number = a_site(tmp_path), random.Random(5), 0, 0
    while cut < 6 and number < 40:
        number += 1
        command = [sys.executable, "-c", KILLED, str(tmp_path), str(number)]
        with subprocess.Popen(command, cwd=Path(__file__).parents[2], stdout=subprocess.PIPE) as child:
            assert child.stdout
            assert child.stdout.readline() == b"building\n"
            time.sleep(chance.random() * 0.5)
            cut += child.poll() is None
            child.kill()
        for path, content in contents(site).items():
            if path.endswith("rss.xml"):
                assert not feedparser.parse(content).bozo
            elif path.endswith("feed.json"):
                json.loads(content)
            elif path.endswith(".gz"):
                gzip.decompress(content)
    assert cut == 6

    after = NOW + (number + 1) * HOUR
    syndicate.build(engine, site, after)
    fresh = a_site(tmp_path / "fresh")
    syndicate.build(engine, fresh, after)

    left = {path: content for path, content in contents(site).items() if not path.endswith(".half")}
    assert left == contents(fresh)
    assert not list(site.path.rglob("*.half"))
    engine.dispose()


def test_the_fingerprint_moves_with_whatever_changes_the_site(engine, site):
    put(engine, story(1))
    seen = [syndicate.fingerprint(engine, site, NOW)]
    put(engine, story(2))
    seen.append(syndicate.fingerprint(engine, site, NOW))
    with database.writing(engine) as db:
        db.execute(update(articles).values(embargo=NOW + HOUR))
    seen.append(syndicate.fingerprint(engine, site, NOW))
    seen.append(syndicate.fingerprint(engine, site, NOW + HOUR))

    assert len(set(seen)) == 4 - (seen[1] == seen[3])
    assert seen[2] != seen[3]


def test_a_late_entry_of_another_process_is_not_overlooked(engine):
    """A transaction that began first may end last, with a lower number than what was read meanwhile."""
    put(engine, story(1), story(2))
    with database.reading(engine) as db:
        mark, everything = feeds.changes(db, None, None, NOW)
        assert everything is None
        assert feeds.changes(db, mark, NOW, NOW)[1] == set()
        late = replace(mark, entries=mark.entries - 1)
        assert feeds.changes(db, late, NOW, NOW)[1] is None
