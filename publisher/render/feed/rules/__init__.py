"""The rules that our feeds keep: those of their specifications, of the W3C Feed Validator, and of feed readers.

Pure: bytes in, findings out. No file, however broken, makes it raise, and nothing is repaired. A feed whose file is
unreadable is judged by that alone.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath

from publisher.render.feed.rules import atom, everywhere, files, json_feed, pictures, rss, together
from publisher.render.feed.rules.files import ENCODED, OPML, source
from publisher.render.feed.rules.finding import Facts, Fault, Finding, Printed
from publisher.render.feed.rules.reading import Document, Unreadable, read

__all__ = ["ENCODED", "OPML", "RULES", "Facts", "Finding", "Printed", "Rule", "examine", "source"]

_BOARD = "RSS Advisory Board"
_JSON = "JSON Feed 1.1"
_DocumentRule = Callable[[Document, Facts], Iterator[Fault]]


@dataclass(frozen=True, slots=True)
class Rule:
    """`sentence` is what holds where the rule is kept."""

    name: str
    sentence: str
    reference: str


def _structure(document: Document, facts: Facts) -> Iterator[Fault]:
    looks = {"rss": rss.structure, "atom": atom.structure, "json": json_feed.structure}
    return looks[document.form](document, facts)


_READABLE = Rule("readable", "It is well-formed and of its format, in UTF-8.", f"XML 1.0 §2.1, RFC 8259 §8.1, {_BOARD}")
_EACH: tuple[tuple[Rule, _DocumentRule], ...] = (
    (Rule("sniff", "Programs that guess see a feed in its first 512 bytes.", "WHATWG MIME Sniffing §7.3"),
     everywhere.sniff),
    (Rule("structure", "What must be there is there, once where it must be once, and nothing that nobody knows.",
          f"{_BOARD}, RFC 4287 §4.1, {_JSON}"), _structure),
    (Rule("types", "Titles and summaries of Atom are text, contents are html.", "RFC 4287 §3.1.1, §4.1.3"), atom.types),
    (Rule("ids", "Every id is a tag: URI and stands once.", f"RFC 4151 §2.1, RFC 4287 §4.2.6, {_BOARD}: guid"),
     everywhere.ids),
    (Rule("dates", "Every date is whole, says its offset and is neither before 1970 nor to come.",
          "RFC 822 §5, RFC 3339 §5.6"), everywhere.dates),
    (Rule("chronology", "The newest comes first, and nothing changes before it is published.", "RFC 4287 §4.2.15"),
     everywhere.chronology),
    (Rule("self", "It names its own address.", f"RFC 4287 §4.1.1, {_BOARD}: atom:link, {_JSON}: feed_url"),
     everywhere.itself),
    (Rule("alternate", "It leads to its page, and every entry to its own.", "RFC 4287 §4.1.1, §4.1.2"),
     everywhere.alternates),
    (Rule("addresses", "Every link is an absolute URI of the web.", "RFC 3986 §4.3"), everywhere.addresses),
    (Rule("titles", "Titles are words on one line.", f"{_BOARD}: title, W3C Feed Validator: ContainsHTML"),
     everywhere.titles),
    (Rule("summaries", "Every entry has a text or a summary, and a summary is words.", f"{_BOARD}: description"),
     everywhere.summaries),
    (Rule("authors", "Authors are names, without addresses of mail.", "W3C Feed Validator: ContainsEmail"),
     everywhere.authors),
    (Rule("language", "It says its language.", "RFC 5646 §2.1"), everywhere.language),
    (Rule("characters", "It has no control characters and none that are for nobody's use.",
          "XML 1.0 §2.2, Unicode §23.7"), everywhere.characters),
    (Rule("bidi", "What turns the direction of writing is closed again.", "UAX #9"), everywhere.bidi),
    (Rule("relative", "Every address in a text is absolute.", "RFC 3986 §4.2"), everywhere.relative),
    (Rule("unsafe", "Texts have no scripts, frames, forms, styles or addresses that act.",
          "W3C Feed Validator: SecurityRisk"), everywhere.unsafe),
    (Rule("html", "Texts are HTML, and every element is closed.", "W3C Feed Validator: NotHtml"), everywhere.markup),
    (Rule("image", "The lead image stands once in the text, with its alt and its credit.",
          "Media RSS 1.5.1, WCAG 2.2 §1.1.1"), pictures.picture),
    (Rule("media", "Media RSS is what it says that it is.", "Media RSS 1.5.1"), pictures.media),
    (Rule("polling", "How often to ask is said as the modules spell it, and agrees with Cache-Control.",
          f"{_BOARD}: ttl, RSS 1.0 module syndication"), rss.polling),
    (Rule("replies", "Counts of comments are numbers.", "RFC 4685 §4, RSS 1.0 module slash"), rss.replies),
    (Rule("size", "It is not larger than the configuration allows, and never than a megabyte.",
          f"{_JSON}: 1 MB a burden"), everywhere.size),
)  # fmt: skip
_TOGETHER: tuple[tuple[Rule, together.FolderRule], ...] = (
    (Rule("agreement", "All formats of a feed hold the same.", "our own"), together.agreement),
    (Rule("hubs", "All formats name the same hubs.", "WebSub §4"), together.hubs),
    (Rule("archive", "Every archive page is reached from the feed, and no entry stands in two.", "RFC 5005 §4"),
     together.archive),
    (Rule("tombstones", "What is deleted is gone.", "RFC 6721 §3"), together.tombstones),
)  # fmt: skip
_FEED_IDS = Rule("feed-ids", "No two feeds have the same id.", "RFC 4287 §4.2.6")
_NEIGHBOURS = Rule("compressed", "Beside every file lie .gz, .br and .zst of the same bytes and time.", "RFC 9110 §8.4")
_LIST = Rule("opml", "The list of feeds names every feed, and none besides.", "OPML 2.0")
RULES: tuple[Rule, ...] = (
    _READABLE,
    *(rule for rule, _ in _EACH),
    *(rule for rule, _ in _TOGETHER),
    _FEED_IDS,
    _NEIGHBOURS,
    _LIST,
)


def examine(folders: Iterable[Mapping[str, Printed]], facts: Facts) -> Iterator[Finding]:
    """What is wrong in each feed's folder, by path below the site; a folder is let go before the next is asked for."""
    built: set[str] = set()
    ids: dict[str, str] = {}
    listing: bytes | None = None
    for folder in folders:
        yield from _found(_NEIGHBOURS, files.neighbours(folder))
        feeds = {path: one.content for path, one in folder.items() if source(path) == path and path != OPML}
        listing = folder[OPML].content if OPML in folder else listing
        built.update(feeds)
        yield from _folder(feeds, ids, facts)
    if listing is None:
        yield Finding(OPML, "", _LIST.name, Fault("", "").verdict, "it is missing", _LIST.reference)
    else:
        yield from _found(_LIST, ((OPML, fault) for fault in files.opml(listing, built, facts)))


def _folder(feeds: Mapping[str, bytes], ids: dict[str, str], facts: Facts) -> Iterator[Finding]:
    documents = []
    for path, content in sorted(feeds.items(), key=_order):
        try:
            document = read(path, content)
        except Unreadable as error:
            yield from _found(_READABLE, [(path, Fault("", str(error)))])
            continue
        documents.append(document)
        for rule, look in _EACH:
            yield from _found(rule, ((path, fault) for fault in look(document, facts)))
        if document.id and not document.archive and ids.setdefault(document.id, path) != path:
            yield from _found(_FEED_IDS, [(path, Fault("", f"its id is that of {ids[document.id]}"))])
    for rule, both in _TOGETHER if documents else ():
        yield from _found(rule, both(documents, facts))


def _order(item: tuple[str, bytes]) -> tuple[int, str]:
    """The feed itself before its archive, RSS first."""
    name = PurePosixPath(item[0]).name
    order = ("rss.xml", "atom.xml", "feed.json")
    return (order.index(name) if name in order else len(order), item[0])


def _found(rule: Rule, faults: Iterable[tuple[str, Fault]]) -> Iterator[Finding]:
    for path, fault in faults:
        yield Finding(path, fault.entry, rule.name, fault.verdict, fault.detail, rule.reference)
