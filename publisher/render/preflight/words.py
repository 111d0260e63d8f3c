"""Where a copy leads and what its text says: links, the way out, every story in the text part, and leftover holes."""

import re
import unicodedata
from collections.abc import Iterator

from publisher.model.delivery import Copy
from publisher.render.preflight.reading import Link, Reading, is_local, is_own_page, own_text, read, split
from publisher.render.preflight.verdict import Facts, Finding, quoted, unseen, weighed

_SCHEMES = ("http", "https", "mailto", "tel")
_BLANK = re.compile(r"[\x00-\x20\x7f\xa0]|%20$")
# Jinja, Mailchimp, Mailgun, Eloqua and ASP leave these where they did not fill in a value.
_PLACEHOLDER = re.compile(r"\{\{|\}\}|\{%|%7B%7B|\*\||\|\*|%\w+\.\w+%|%recipient|\[\[|<%|\$\{", re.IGNORECASE)
_SHOWN_HOLE = re.compile(
    r"\{\{.{0,90}?\}\}|\{%.{0,90}?%\}|\*\|\w+\|\*|%recipient[\w.]*%|<%.{0,90}?%>|\$\{\w+\}", re.IGNORECASE
)
_SENTINEL = re.compile(r"[0-9a-f]{16,64}s\d{1,2}z|<!--[0-9a-f]{16,64}[be][a-z0-9.,]*-->")  # render/seal.py
_URL = re.compile(r"https?://[^\s<>\"]+")
_LONGEST_LINE = 78  # RFC 5322 §2.1.1
_NEAR = 100  # words from the beginning or the end of the page


def links(copy: Copy) -> tuple[str, ...]:
    """Links and pictures of a copy that may be asked for: none that acts for a reader or shows what is theirs."""
    return askable(read(copy))


def askable(reading: Reading) -> tuple[str, ...]:
    found = [link.url for link in reading.links] + [image.get("src", "") for image in reading.images]
    web = (url.strip() for url in found if url.strip().lower().startswith(("http://", "https://")))
    return tuple(dict.fromkeys(url for url in web if not is_own_page(url, reading.unsubscribe)))


def addresses(reading: Reading, facts: Facts) -> Finding:
    """Whether every link can be followed."""
    wrong = [f"{_called(link)} {fault}" for link in reading.links if (fault := _link_fault(link.url, facts))]
    advice = "Write whole addresses, https://host/path."
    return weighed(f"all {len(reading.links)} links are whole addresses", wrong=wrong, advice=advice)


def _called(link: Link) -> str:
    return f"the link {quoted(link.url)}" + (f" at {quoted(link.words)}" if link.words else "")


def _link_fault(url: str, facts: Facts) -> str:
    """Why a link leads nowhere, or empty."""
    if _PLACEHOLDER.search(url):
        return "holds a placeholder that nobody filled in"
    if _BLANK.search(url):
        return "holds a space"
    parts = split(url)
    if parts is None or not parts.scheme:
        return "is no whole address"
    if parts.scheme not in _SCHEMES:
        return f"begins with {parts.scheme}:, which mail programs remove or block"
    if parts.scheme in ("http", "https"):
        if not parts.hostname:
            return "names no host"
        if is_local(url) and not facts.local:
            return "leads to a private network, where readers do not come"
    elif not parts.path:
        return f"has nothing after {parts.scheme}:"
    return ""


def alive(reading: Reading, facts: Facts) -> Finding:
    wanted = askable(reading)
    answers = facts.answers
    asked = [] if answers is None else [url for url in wanted if url in answers]
    if answers is None or (wanted and not asked):
        return unseen(f"nobody asked for the {len(wanted)} links and pictures; --online does")
    wrong = [f"{quoted(url)}: {answers[url]}" for url in asked if answers[url]]
    missing = [f"{quoted(url)} was not asked for" for url in wanted if url not in answers]
    advice = "Correct the address in the story, or leave the story out until it is there."
    return weighed(f"all {len(asked)} links and pictures answer", wrong=wrong, doubtful=missing, advice=advice)


def unsubscribe(reading: Reading, facts: Facts) -> Finding:
    """Both ends of the page and the text part have the address that the header has."""
    leaving, stories = reading.leaving, _story_places(reading, facts)
    address = reading.unsubscribe or (leaving[0].url if leaving else "")
    wrong = []
    others = [link for link in reading.links if link not in leaving and "/unsubscribe/" in link.url]
    if others:
        wrong.append(f"{_called(others[0])} is not the address of List-Unsubscribe, {quoted(address)}")
    first, last = min(stories, default=0), max(stories, default=0)
    if not any(link.at <= max(_NEAR, first) for link in leaving):
        wrong.append("there is no link near the top of the page")
    if len(leaving) < 2 or leaving[-1].at < min(reading.words - _NEAR, last):
        wrong.append("there is no link at the end of the page")
    if not address or address not in _URL.findall(reading.text):
        wrong.append("the text part does not have the address")
    advice = "Set a link to reader.unsubscribe_url into the masthead and the foot of the page, and into the text."
    good = "near the top and at the end of the page, in the text, and the same as in the header"
    return weighed(good, wrong=wrong, advice=advice)


def _story_places(reading: Reading, facts: Facts) -> list[int]:
    urls = {url for _, url in facts.expected}
    return [link.at for link in reading.links if link.url in urls]


def body_unsubscribe(reading: Reading, facts: Facts) -> Finding:
    seen = [link for link in reading.leaving if link.words and not link.hidden]
    wrong = [] if seen else ["no link to unsubscribe can be seen on the page"]
    advice = "Give the link words, such as Unsubscribe, in a size and colour that can be read."
    good = "" if not seen else f"{quoted(seen[0].words)} can be seen on the page"
    return weighed(good, wrong=wrong, advice=advice)


def text(reading: Reading, facts: Facts) -> Finding:
    squeezed, urls = _squeezed(reading.text), _urls(reading.text)
    wrong = [] if reading.text.strip() else ["there is no text"]
    if not facts.expected and reading.text.strip():
        return unseen("its stories may have changed since it was pressed; look at the text part of a copy")
    expected = facts.expected[: max(0, len(facts.expected) - facts.left_out)]
    for headline, url in expected if reading.text.strip() else ():
        if _squeezed(headline) not in squeezed:
            wrong.append(f"the headline {quoted(headline)} is not in it")
        if url not in urls:
            wrong.append(f"the address {quoted(url)} is not in it")
    long = [line for line in reading.text.splitlines() if len(line) > _LONGEST_LINE and not _URL.search(line)]
    doubtful = [f"a line is {len(line)} characters long, {quoted(line[:50])}" for line in long]
    advice = "The .txt.j2 template of the layout names every story and its address, in lines of at most 78 characters."
    good = f"all {len(expected)} headlines and addresses are in it"
    return weighed(good, wrong=wrong, doubtful=doubtful, advice=advice)


def _squeezed(text: str) -> str:
    """Letters alone: lines are broken anywhere in some scripts, and invisible marks come and go."""
    composed = unicodedata.normalize("NFC", text)
    return "".join(c for c in composed if not c.isspace() and unicodedata.category(c) != "Cf")


def _urls(text: str) -> set[str]:
    found = _URL.findall(text)
    return {*found, *(url.rstrip(".,;:!?)]") for url in found)}


def holes(reading: Reading, facts: Facts) -> Finding:
    head = "\n".join(value for _, value in reading.fields)
    places = (("header", head), ("subject", reading.subject), ("text", reading.text), ("page", reading.page))
    wrong = [f"the {name} holds {quoted(match[0])}" for name, where in places for match in _SENTINEL.finditer(where)]
    meant = " ".join(headline for headline, _ in facts.expected)
    doubtful = [
        f"the {name} says {quoted(match[0])}"
        for name, where in (("subject", reading.subject), *_lines(reading))
        for match in _SHOWN_HOLE.finditer(where)
        if match[0] not in meant
    ]
    advice = (
        "It is a marker of the press: print the copy anew, and use reader and story only where the manual says."
        if wrong
        else "Fill it in or take it out of the template; leave it where a story means just these characters."
    )
    return weighed("every hole is filled", wrong=wrong, doubtful=doubtful, advice=advice)


def _lines(reading: Reading) -> Iterator[tuple[str, str]]:
    yield from (("text", line) for line in _URL.sub("", reading.text).splitlines())
    yield from (("page", own_text(element)) for element in reading.looks)
