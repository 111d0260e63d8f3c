"""How the page of a copy looks and sounds: size, pictures, colours, languages, and words that nobody sees."""

import html
import re
from collections.abc import Iterator
from typing import Any

from publisher.model.article import direction
from publisher.model.theme import READABLE, Palette, contrast
from publisher.render.preflight.reading import Reading, is_local, own_text, split
from publisher.render.preflight.styles import nested_at_rules, style_text
from publisher.render.preflight.verdict import Facts, Finding, quoted, weighed

_MOST_STYLE = 16_000  # characters: Gmail drops all styles beyond 16 KB
_HEAVY, _HEAVY_TOGETHER = 200_000, 1_000_000  # bytes
_LARGE, _READABLE_LARGE = 24.0, 3.0  # pixels, and the contrast that text of this size needs (WCAG 2.2 §1.4.3)
_FILE_NAME = re.compile(
    r"\S*\.(?:jpe?g|png|gif|webp|svg|avif|bmp|tiff?|heic)(?:\?\S*)?|(?:IMG|DSC[FN]?|PXL|MVIMG)[-_ ]?\d[\w-]*",
    re.IGNORECASE,
)
_UNSHOWN_FORMAT = re.compile(r"\.(svgz?|webp|avif)$", re.IGNORECASE)
_TAG = re.compile(r"[A-Za-z]{2,3}(?:-[A-Za-z]{4})?(?:-(?:[A-Za-z]{2}|\d{3}))?(?:-[A-Za-z0-9]{4,8})*")  # BCP 47, briefly
_HTML_COMMENT = re.compile(r"<!--(.*?)(-->|\Z)", re.DOTALL)
_CONDITION = re.compile(r"\s*\[if\b[^\]]*\]>", re.IGNORECASE)
_SETTINGS = re.compile(r"</?(?:xml|style)\b[^<>]*>", re.IGNORECASE)
_ANY_TAG = re.compile(r"<[^<>]*>?")
_WORD = re.compile(r"\w")


def size(reading: Reading, facts: Facts) -> Finding:
    largest = max(facts.largest, len(reading.page.encode("utf-8", "replace")))
    sheets = [] if reading.tree is None else style_text(reading.tree)
    style = sum(map(len, sheets))
    wrong = []
    if reading.tree is None:
        wrong.append("the copy has no HTML that can be read")
    if largest > facts.budget:
        wrong.append(f"the largest copy has {largest:,} bytes of HTML, {largest - facts.budget:,} too many")
    if style > _MOST_STYLE:
        wrong.append(f"its <style> has {style:,} characters; Gmail drops every style above {_MOST_STYLE:,}")
    nested = [rule for css in sheets for rule in nested_at_rules(css)]
    wrong += [f"{rule} stands inside another rule, and Gmail drops both" for rule in nested]
    doubtful = (
        [f"stories left to the web because they do not fit: {facts.left_out} of {len(facts.expected)}"]
        if facts.left_out
        else []
    )
    advice = "Leave out stories, shorten teasers, or write plainer styles in templates/email."
    good = f"{largest:,} bytes of HTML at most, of {facts.budget:,}; {style:,} characters of <style>"
    return weighed(good, wrong=wrong, doubtful=doubtful, advice=advice)


def alt(reading: Reading, facts: Facts) -> Finding:
    wrong = [fault for image in reading.images if (fault := _alt_fault(image))]
    advice = 'Say what the picture shows, or alt="" where it only decorates and is no link.'
    return weighed(f"all {len(reading.images)} pictures say what they show", wrong=wrong, advice=advice)


def _alt_fault(image: Any) -> str:
    where, said = quoted(image.get("src", "")), image.get("alt")
    if said is None:
        return f"{where} has no alt"
    if _FILE_NAME.fullmatch(said.strip()):
        return f"{where} has a file name for its alt, {quoted(said)}"
    link = next(image.iterancestors("a"), None)
    if not said.strip() and link is not None and not _named(link):
        return f"{where} is a link, and its alt is empty"
    return ""


def _named(link: Any) -> bool:
    """Whether a link says where it leads by other means than this picture (WCAG 2.2, technique H2)."""
    others = (inner.get("alt") or "" for inner in link.iter("img"))
    return bool((link.text_content() + "".join(others) + (link.get("aria-label") or "")).strip())


def contrasts(reading: Reading, facts: Facts) -> Finding:
    wrong = [*_palette_faults("light", facts.theme.light), *_palette_faults("dark", facts.theme.dark)]
    for element, look in reading.looks.items():
        ratio, words = look.contrast, own_text(element)
        needed = _READABLE_LARGE if look.size >= _LARGE else READABLE
        # What cannot be seen at all is for "hidden-content" to say.
        if ratio is not None and ratio < needed and not look.unreadable and _WORD.search(words):
            wrong.append(f"{look.color} on {look.ground} is {ratio:.2f}, for example {quoted(words)}")
    advice = f"Text needs {READABLE} to what is behind it: darken the one or lighten the other."
    return weighed("every colour of text can be read on its ground", wrong=wrong, advice=advice)


def _palette_faults(name: str, palette: Palette) -> Iterator[str]:
    for text in ("ink", "soft", "accent"):
        for ground in ("paper", "sheet"):
            ratio = contrast(getattr(palette, text), getattr(palette, ground))
            if ratio < READABLE:
                yield f"the {name} theme's {text} on {ground} is {ratio:.2f}"


def pictures(reading: Reading, facts: Facts) -> Finding:
    wrong, doubtful = list[str](), list[str]()
    for image in reading.images:
        url, width = image.get("src", ""), image.get("width", "")
        fault = _picture_fault(url, facts)
        if fault:
            wrong.append(fault)
        elif url.lower().startswith("http:") and not is_local(url):
            doubtful.append(f"{quoted(url)} is on http:, and many programs warn or leave it blank; write https:")
        elif is_local(url):
            doubtful.append(f"{quoted(url)} is on this machine, and only here it is shown")
        if not (width.isascii() and width.isdecimal() and int(width[:9])):
            wrong.append(f'{quoted(url)} has no width in pixels, and Outlook draws it as large as it is: width="600"')
    known = {url: weight for image in reading.images if (weight := facts.pictures.get(url := image.get("src", "")))}
    wrong += [f"{quoted(url)} has {weight:,} bytes" for url, weight in known.items() if weight > _HEAVY]
    if sum(known.values()) > _HEAVY_TOGETHER:
        wrong.append(f"all pictures together have {sum(known.values()):,} bytes, more than {_HEAVY_TOGETHER:,}")
    advice = f"Use JPEG, PNG or GIF on https: with a width, each at most {_HEAVY:,} bytes."
    return weighed(f"{len(reading.images)} pictures can be shown", wrong=wrong, doubtful=doubtful, advice=advice)


def _picture_fault(url: str, facts: Facts) -> str:
    """Why a picture is shown to nobody."""
    parts = split(url.strip())
    if parts is not None and parts.scheme == "data":
        return f"a data: picture ({quoted(url[:40])}) is not shown by Gmail and Outlook"
    if parts is None or parts.scheme not in ("http", "https") or not parts.hostname:
        return f"{quoted(url)} is no web address of a picture"
    form = _UNSHOWN_FORMAT.search(parts.path)
    if form:
        return f"{quoted(url)} is {form[1].upper()}, which Outlook or Gmail does not show"
    if is_local(url) and not facts.local:
        return f"{quoted(url)} is on a private network, where readers cannot fetch it"
    return ""


def language(reading: Reading, facts: Facts) -> Finding:
    wrong = list[str]()
    if reading.tree is None:
        wrong.append("there is no page")
    else:
        for name, element in [("<html>", reading.tree), *_wrappers(reading.tree)]:
            wrong += [f"{name} {fault}" for fault in _language_faults(element, facts.language)]
        for element in reading.looks:
            tag, way = element.get("lang"), element.get("dir")
            if tag and not _TAG.fullmatch(tag):
                wrong.append(f"lang={quoted(tag)} is no language tag")
            if way is not None and way.lower() not in ("ltr", "rtl", "auto"):
                wrong.append(f"dir={quoted(way)} is neither ltr nor rtl")
    right = f'lang="{facts.language}" dir="{direction(facts.language)}"'
    advice = f"Write {right} on <html> and again on what holds the whole body: mail programs drop <html>."
    return weighed(f"{right} stands on <html> and on the body's wrapper", wrong=wrong, advice=advice)


def _wrappers(tree: Any) -> Iterator[tuple[str, Any]]:
    """What stands directly in the body and holds words."""
    body = tree.find("body")
    for element in body if body is not None else ():
        if isinstance(element.tag, str) and element.tag != "style" and _WORD.search(element.text_content()):
            yield f"<{element.tag}> in the body", element
    loose = own_text(body) if body is not None else ""
    if _WORD.search(loose):
        yield f"text without a wrapper, {quoted(loose)},", {}


def _language_faults(element: Any, expected: str) -> Iterator[str]:
    tag, way = element.get("lang"), (element.get("dir") or "").lower()
    if not tag:
        yield "has no lang"
    elif _TAG.fullmatch(tag) and not _same_language(tag.lower(), expected.lower()):
        yield f"is in {quoted(tag)}, and the edition in {quoted(expected)}"
    if not way:
        yield "has no dir"
    elif tag and way in ("ltr", "rtl", "auto") and way != direction(tag):
        yield f'has dir="{way}", and {quoted(tag)} is written {direction(tag)}'


def _same_language(one: str, other: str) -> bool:
    return f"{one}-".startswith(f"{other}-") or f"{other}-".startswith(f"{one}-")


def hidden_content(reading: Reading, facts: Facts) -> Finding:
    wrong = []
    for element, look in reading.looks.items():
        words = own_text(element)
        if look.unreadable and _WORD.search(words):
            wrong.append(f"{quoted(words)} is hidden by {look.unreadable}")
    for inside, end in _HTML_COMMENT.findall(reading.page):
        if not _CONDITION.match(inside):
            continue
        words = _words_for_outlook(_CONDITION.sub("", inside, count=1))
        if not end:
            wrong.append("a comment for Outlook is not closed, and hides all that follows")
        elif _WORD.search(words):
            wrong.append(f"only classic Outlook shows {quoted(words)}")
    advice = "Let everyone see it, or take it out; comments for Outlook may hold tables, never words."
    return weighed("nothing is hidden from readers", wrong=wrong, advice=advice)


def _words_for_outlook(markup: str) -> str:
    """What a comment for Outlook says: its tags, and what stands between <xml> and </xml>, are no words."""
    return html.unescape(_ANY_TAG.sub(" ", " ".join(_SETTINGS.split(markup)[::2])))
