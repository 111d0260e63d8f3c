"""Move a digest's CSS into style attributes, once per edition, by premailer with its known faults closed.

Rules that only a stylesheet can hold (`@media`, `:hover`, client hooks) stand in `<style data-premailer="ignore">`.
Nothing is fetched, no file is read. What premailer would lose in silence refuses the press: a rule, a declaration, an
attribute; and the result is compared with the input: the same words between the same comments, and the same sheets.
"""

import re
from collections.abc import Iterable, Sequence
from html import escape, unescape
from itertools import count, zip_longest
from typing import Any
from xml.dom import DOMException

import cssutils
from cssselect import SelectorError, parse
from lxml import etree
from premailer import Premailer

from publisher.clean.text import from_html
from publisher.errors import PressError

STYLE_LIMIT = 16_000  # characters: Gmail drops a <style> that goes beyond 16,384 in all

_DOCTYPE = "<!DOCTYPE html>"
_ANY_DOCTYPE = re.compile(r"\s*<!doctype html\s*>", re.IGNORECASE)
_KEEP = 'Put it into head.css, which stands in <style data-premailer="ignore"> and stays as it is.'
_COMMENT = re.compile(r"(<!--.*?-->)", re.DOTALL)
_TAG = re.compile(r"<[^<>]*>")
_BLOCK = re.compile(
    r"</?(?:p|div|h[1-6]|ul|ol|li|dl|dt|dd|table|caption|thead|tbody|tfoot|tr|td|th|blockquote|figure|figcaption|pre|hr"
    r"|br|section|article|header|footer|main|aside|nav|address|center|body|head|html|title|meta|link|style)\b",
    re.IGNORECASE,
)
_CSS_NOISE = re.compile(r"/\*.*?\*/|\"[^\"]*\"|'[^']*'|url\([^)]*\)", re.DOTALL)
_CSS_STEP = re.compile(r"[{}]|(?<![\w-])@[\w-]+")
_IMPORTANT = re.compile(r"\s?!\s*important", re.IGNORECASE)
_PLACE = re.compile(r"(\d+)(?:, |:)(\d+)")  # how cssutils says line and column
_ADDRESSES = {"href", "src", "action", "name"}  # what libxml2 takes for addresses
_NOT_PLAIN = re.compile(r"[^\x21-\x7e]")

Before = Sequence[tuple[Any, dict[str, str]]]  # elements and the attributes that the template gave them


class _SafePremailer(Premailer):  # type: ignore[misc]
    def _parse_css_string(self, css_body: str, validate: bool = True) -> Any:
        return _sheet(css_body)

    def _parse_style_rules(self, css_body: str, ruleset_index: int) -> tuple[list[Any], list[Any]]:
        rules, leftover = super()._parse_style_rules(css_body, ruleset_index)
        for selector, _ in leftover:
            raise _cannot_be_inlined(f'"{selector}"')
        # Selectors 4 §17: premailer's own weights take attributes and pseudo-classes for nothing.
        return [
            ((important, *_specificity(selector), sheet, number), selector, style)
            for (important, _, _, _, sheet, number), selector, style in rules
        ], []


def inline(html: str) -> str:
    """Return the HTML with inlined styles; PressError says what of it the inliner would lose."""
    if not _ANY_DOCTYPE.match(html):
        raise PressError(f"the digest must open with {_DOCTYPE}, or mail programs draw it in quirks mode")
    tree = _parsed(html)
    before = [(element, dict(element.attrib)) for element in tree.iter(etree.Element)]
    kept = [style.text or "" for style in tree.iter("style") if _is_kept(style)]
    _refuse_lost_declarations(attributes["style"] for _, attributes in before if "style" in attributes)
    _transform(tree, html)
    _compare_attributes(before)
    _check_sheets(kept)
    inlined = _serialised(tree, before, html)
    _compare_sheets(kept, [style.text or "" for style in tree.iter("style")], html, inlined)
    pieces, after = _COMMENT.split(html), _COMMENT.split(inlined)
    _compare_comments(pieces, after)
    _compare_words(pieces, after)
    return inlined


def _parsed(html: str) -> Any:
    try:
        # Else libxml2 drops what is nested deeper than 256, and all that follows.
        return etree.fromstring(html.strip(), etree.HTMLParser(huge_tree=True)).getroottree()
    except etree.XMLSyntaxError as error:
        raise PressError(f"the digest cannot be read as HTML: {error}") from error


def _transform(tree: Any, html: str) -> None:
    try:
        _SafePremailer(
            tree.getroot(),
            allow_network=False,
            allow_loading_external_files=False,
            strip_important=False,  # the sheets that stay need it against inline styles
            keep_style_tags=False,
            remove_classes=False,
            include_star_selectors=True,  # or [class*=x] is skipped
            # Or <img width="600"> becomes width="100%" (Ghost#17475), and text-align: start an align that HTML lacks.
            disable_basic_attributes=["width", "height", "align", "bgcolor"],
            align_floating_images="float" in html,  # a quarter of the whole work, mostly for nothing
            disable_validation=True,
            cssutils_logging_level=50,
        ).transform(pretty_print=False)
    except SelectorError as error:
        raise PressError(f"the inliner cannot read a selector in the digest's style: {error}. {_KEEP}") from error


def _is_kept(style: Any) -> bool:
    return style.get("data-premailer") == "ignore" or style.get("media", "all") not in ("", "all", "screen")


# What premailer would lose of a sheet


def _parser() -> Any:
    # cssutils would fetch @import over HTTP and open file:// whatever allow_network says; and it drops what it cannot
    # read without a word, unless it may raise.
    return cssutils.CSSParser(validate=False, raiseExceptions=True, fetcher=lambda url: (None, b""))


def _sheet(css: str) -> Any:
    try:
        sheet = _parser().parseString(css)
    except DOMException as error:
        raise _unreadable(css, error) from error
    for rule in sheet:
        if rule.type == rule.STYLE_RULE:
            _refuse_lost_parts(rule)
        elif rule.type != rule.COMMENT:
            raise _cannot_be_inlined(f'"{_shortened(rule.cssText)}"')
    return sheet


def _refuse_lost_parts(rule: Any) -> None:
    for selector in rule.selectorList:
        text = selector.selectorText
        # premailer cuts at every comma, skips a bare pseudo-class, and finds no client's hook in the page.
        if "," in text or "[data-og" in text or text.startswith(":") or text == "*":
            raise _cannot_be_inlined(f'"{text}"')
    names = [declaration.name for declaration in rule.style.getProperties(all=True)]
    for name in names:
        if names.count(name) > 1:
            what = f'"{rule.selectorText}" sets {name} twice, and a style attribute keeps the last one alone'
            raise PressError(f"the digest's rule {what}. Write it once, or put the other one into head.css.")


def _refuse_lost_declarations(styles: Iterable[str]) -> None:
    for style in dict.fromkeys(styles):
        try:
            _parser().parseStyle(style)
        except DOMException as error:
            raise _unreadable(style, error) from error
        _check_importance(style)


def _specificity(selector: str) -> tuple[int, int, int]:
    return parse(selector)[0].specificity()


def _cannot_be_inlined(what: str) -> PressError:
    return PressError(f"the digest's rule {what} cannot stand in a style attribute and would be lost. {_KEEP}")


def _unreadable(css: str, error: DOMException) -> PressError:
    """Say which declaration it was: cssutils names the line and column of a token in it."""
    places = _PLACE.findall(str(error))
    near = _shortened(css)
    if places:
        line, column = map(int, places[-1])
        at = sum(len(line) for line in css.splitlines(keepends=True)[: line - 1]) + column - 1
        start = max(css.rfind(mark, 0, at) for mark in "{};") + 1
        near = _shortened(re.split("[;{}]", css[start:], maxsplit=1)[0])
    return PressError(f'the inliner cannot read "{near}" in the digest\'s style and would lose it. {_KEEP}')


def _shortened(text: str) -> str:
    text = " ".join(text.split())
    return text if len(text) <= 80 else f"{text[:79]}…"


# What mail programs refuse of the sheets that stay


def _check_sheets(sheets: Sequence[str]) -> None:
    length = sum(map(len, sheets))
    if length > STYLE_LIMIT:
        size = f"{length:,} characters; Gmail drops all of it beyond {STYLE_LIMIT:,}"
        raise PressError(f"the digest's <style> holds {size}. Shorten head.css.")
    bare = _CSS_NOISE.sub("", "\n".join(sheets))
    if bare.count("{") != bare.count("}"):
        raise PressError("head.css has an opening or closing brace too many, and all rules after it are lost. Mend it.")
    depth = 0
    for step in _CSS_STEP.findall(bare):
        if step in "{}":
            depth += 1 if step == "{" else -1
        elif depth:
            raise PressError(
                f"head.css holds {step} in another rule, and Gmail drops such a sheet. Write it on its own."
            )
    _check_importance(bare)


def _check_importance(css: str) -> None:
    for found in _IMPORTANT.findall(css):
        if found != " !important":
            raise PressError(
                f'the digest\'s style holds "{found}". Some programs read " !important" alone: write that.'
            )


# The result against the input


def _compare_attributes(before: Before) -> None:
    for element, attributes in before:
        for name, value in attributes.items():
            if element.get(name) != value and name not in ("style", "data-premailer"):
                was = _shortened(f'<{element.tag} {name}="{value}">')
                raise PressError(f"the inliner changed {was} to {element.get(name)!r}. Remove the rule that does so.")


def _serialised(tree: Any, before: Before, html: str) -> str:
    """The tree as HTML, every value as it was written.

    libxml2 encodes what is beyond ASCII in addresses, even in a host, and does not escape what looks like a comment.
    """
    token = next(token for number in count() if (token := f"value{number}x") not in html)
    values: list[str] = []
    for element, attributes in before:
        for name, value in attributes.items():
            if (name in _ADDRESSES and _NOT_PLAIN.search(value)) or "<!--" in value:
                element.set(name, f"{token}{len(values)}z")
                values.append(escape(value))
    inlined: str = etree.tostring(tree, method="html", encoding="unicode", doctype=_DOCTYPE)
    return re.sub(rf"{token}(\d+)z", lambda match: values[int(match[1])], inlined) if values else inlined


def _compare_sheets(kept: list[str], left: list[str], html: str, inlined: str) -> None:
    for sheet, rest in zip_longest(kept, left, fillvalue=""):
        if sheet != rest or sheet not in html or sheet not in inlined:
            raise PressError(f'the inliner changed the sheet "{_shortened(sheet or rest)}", which must stay as it is')


def _compare_comments(pieces: list[str], after: list[str]) -> None:
    """The marks of copies and the layout for Outlook, byte for byte. `pieces` are texts and comments in turn."""
    for number, (was, now) in enumerate(zip_longest(pieces[1::2], after[1::2], fillvalue="")):
        if was != now:
            raise PressError(
                f'the inliner changed the comment "{_shortened(was or now)}" after "{_near(pieces[: 2 * number + 1])}".'
                " Write <!-- … -->, and for all but Outlook <!--[if !mso]><!--> … <!--<![endif]-->."
            )


def _compare_words(pieces: list[str], after: list[str]) -> None:
    """The same words between the same comments."""
    for place, (was, now) in enumerate(zip(pieces, after, strict=True)):
        if place % 2 or _texts(was) == _texts(now):
            continue
        words, others = _words(was), _words(now)
        if words != others:
            same = next((n for n, pair in enumerate(zip_longest(words, others)) if pair[0] != pair[1]), 0)
            near = " ".join([_near([*pieces[:place], " ".join(words[:same])]), *words[same : same + 5]])
            raise PressError(
                f'the inliner changed the text near "{near}".'
                " Look there for an element that is not closed, stands where none may be, or is nested a thousand deep."
            )


def _near(pieces: list[str]) -> str:
    """The last words of some pieces."""
    return " ".join(_words(" ".join(pieces[::2]))[-5:])


def _texts(html: str) -> list[str]:
    """What stands between the tags."""
    return unescape(_TAG.sub("\0", html)).split("\0")


def _words(html: str) -> list[str]:
    # HTML lets the end of a paragraph, a line or a cell be left out; the inliner writes it.
    return from_html(_BLOCK.sub(r" \g<0>", html)).split()
