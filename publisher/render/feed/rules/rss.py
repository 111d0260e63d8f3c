"""RSS 2.0 as the RSS Advisory Board describes it, and the modules that we write into it."""

from collections import Counter
from collections.abc import Iterator, Mapping
from math import ceil
from typing import Any

from publisher.render.feed.rules import values
from publisher.render.feed.rules.finding import Facts, Fault
from publisher.render.feed.rules.reading import (
    ATOM,
    CONTENT,
    DC,
    DCTERMS,
    SLASH,
    SY,
    THR,
    Document,
    elements,
)
from publisher.render.preflight.verdict import quoted

MANY, OPTIONAL, ONE = "many", "optional", "one"
_CHANNEL = {
    "title": ONE, "link": ONE, "description": ONE, "language": ONE, "lastBuildDate": ONE, "ttl": ONE,
    "copyright": OPTIONAL, "managingEditor": OPTIONAL, "webMaster": OPTIONAL, "pubDate": OPTIONAL,
    "generator": OPTIONAL, "docs": OPTIONAL, "cloud": OPTIONAL, "image": OPTIONAL, "textInput": OPTIONAL,
    "skipHours": OPTIONAL, "skipDays": OPTIONAL, "category": MANY, "item": MANY,
}  # fmt: skip
_ITEM = {
    "title": ONE, "link": ONE, "guid": ONE, "description": OPTIONAL, "comments": OPTIONAL, "enclosure": OPTIONAL,
    "pubDate": OPTIONAL, "source": OPTIONAL, "author": OPTIONAL, "category": MANY,
    f"{CONTENT}encoded": OPTIONAL, f"{DCTERMS}modified": OPTIONAL, f"{DC}language": OPTIONAL,
    f"{SLASH}comments": OPTIONAL, f"{THR}total": OPTIONAL,
}  # fmt: skip
_IMAGE = {"url": ONE, "title": ONE, "link": ONE, "width": OPTIONAL, "height": OPTIONAL, "description": OPTIONAL}
# Core elements and what says the same in a module: a reader would have to choose (Miniflux takes dc:date).
_TWINS = {
    "pubDate": f"{DC}date", "author": f"{DC}creator", "title": f"{DC}title", "description": f"{DC}description",
    "category": f"{DC}subject", "link": f"{DC}identifier", "language": f"{DC}language", "copyright": f"{DC}rights",
}  # fmt: skip
_PERIODS = ("hourly", "daily", "weekly", "monthly", "yearly")
_SY = ("updatePeriod", "updateFrequency", "updateBase")


def counted(node: Any, allowed: Mapping[str, str], own: str) -> Iterator[str]:
    """What is missing or too often, and what a namespace does not know; `own` is the namespace that must be known."""
    found = Counter(child.tag for child in elements(node))
    for name, how in allowed.items():
        short = name.rpartition("}")[2]
        if how == ONE and not found[name]:
            yield f"<{short}> is missing"
        if how != MANY and found[name] > 1:
            yield f"<{short}> stands {found[name]} times; write it once"
    for name in found:
        if name not in allowed and (name.startswith(own) if own else "{" not in name):
            yield f"<{name.rpartition('}')[2]}> is not known here"


def misplaced(node: Any, entry: str) -> bool:
    """Whether the feed's own elements stand after its entries, where readers that stop early miss them."""
    names = [child.tag for child in elements(node)]
    return entry in names and any(name != entry for name in names[names.index(entry) :])


def structure(document: Document, facts: Facts) -> Iterator[Fault]:
    root, channel = document.root, document.root.find("channel")
    if root.get("version") != "2.0":
        yield Fault("", 'the version of <rss> is not "2.0"')
    yield from (Fault("", fault) for fault in counted(root, {"channel": ONE}, ""))
    yield from (Fault("", fault) for fault in counted(channel, _CHANNEL, ""))
    yield from (Fault("", fault) for fault in _twins(channel))
    if misplaced(channel, "item"):
        yield Fault("", "elements of the channel stand after its items; write them before")
    if channel.find("image") is not None:
        yield from _image(channel)
    for entry in document.entries:
        yield from (Fault(entry.name, fault) for fault in counted(entry.node, _ITEM, ""))
        yield from (Fault(entry.name, fault) for fault in _twins(entry.node))
        names = [child.tag for child in elements(entry.node)]
        if f"{CONTENT}encoded" in names and "description" in names[names.index(f"{CONTENT}encoded") :]:
            yield Fault(entry.name, "<description> stands after <content:encoded>; some readers keep what comes last")
        yield from (Fault(entry.name, fault) for fault in _enclosure(entry.node))


def _twins(node: Any) -> Iterator[str]:
    for name, twin in _TWINS.items():
        if node.find(name) is not None and node.find(twin) is not None:
            yield f"<{name}> and <dc:{twin.rpartition('}')[2]}> say the same; write the first alone"


def _image(channel: Any) -> Iterator[Fault]:
    image = channel.find("image")
    yield from (Fault("", f"in <image>, {fault}") for fault in counted(image, _IMAGE, ""))
    for name in ("title", "link"):
        if image.findtext(name) != channel.findtext(name):
            yield Fault("", f"<{name}> of <image> is not the channel's")
    for side, most in (("width", 144), ("height", 400)):
        written = image.findtext(side)
        if written is not None and (values.number(written, 1) or int(written) > most):
            yield Fault("", f"<{side}> of <image> is {quoted(written)}; write at most {most}")


def _enclosure(item: Any) -> Iterator[str]:
    for node in item.findall("enclosure"):
        if fault := values.number(node.get("length")):
            yield f"length of <enclosure> {fault}"
        if fault := values.media_type(node.get("type", "")):
            yield f"type of <enclosure> {fault}"


def polling(document: Document, facts: Facts) -> Iterator[Fault]:
    """How often to ask: <ttl> and the syndication module, in agreement with Cache-Control."""
    if document.form != "rss":
        return
    channel = document.root.find("channel")
    minutes = ceil(facts.max_age.total_seconds() / 60)
    written = channel.findtext("ttl")
    if written is not None and written != str(minutes):
        yield Fault("", f"<ttl> is {quoted(written)}; [syndication] max_age says {minutes} minutes")
    for node in elements(channel):
        if node.tag.startswith(SY):
            yield from _period(node.tag.removeprefix(SY), node.text or "")


def _period(name: str, written: str) -> Iterator[Fault]:
    if name not in _SY:
        yield Fault("", f"<sy:{name}> is not known; write one of {', '.join(_SY)}")
    elif name == "updatePeriod" and written not in _PERIODS:
        yield Fault("", f"<sy:updatePeriod> is {quoted(written)}; write one of {', '.join(_PERIODS)}")
    elif name == "updateFrequency" and (fault := values.number(written, 1)):
        yield Fault("", f"<sy:updateFrequency> {fault}")


def replies(document: Document, facts: Facts) -> Iterator[Fault]:
    """Counts of readers' comments, in RSS and Atom."""
    if document.form == "json":
        return
    for entry in document.entries:
        for name, shown in ((f"{SLASH}comments", "slash:comments"), (f"{THR}total", "thr:total")):
            for node in entry.node.findall(name):
                if fault := values.number(node.text):
                    yield Fault(entry.name, f"<{shown}> {fault}")
        for node in entry.node.findall(f"{THR}in-reply-to"):
            if not node.get("ref"):
                yield Fault(entry.name, "<thr:in-reply-to> has no ref")
        for node in entry.node.findall(f"{ATOM}link"):
            count = node.get(f"{THR}count")
            if count is not None and (fault := values.number(count)):
                yield Fault(entry.name, f"thr:count {fault}")
            if count is not None and node.get("rel") != "replies":
                yield Fault(entry.name, 'thr:count stands on a link that is not rel="replies"')
