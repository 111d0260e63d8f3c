"""Move a digest's CSS into style attributes, once per edition, by premailer with its known faults closed.

Rules that only a stylesheet can hold (`@media`, `:hover`, client hooks) stand in `<style data-premailer="ignore">`.
The result is compared with the input: other words or another doctype refuse the press.
"""

from typing import Any

import cssutils
from cssselect import SelectorError
from premailer import Premailer

from publisher.clean.text import from_html
from publisher.errors import PressError

_DOCTYPE = "<!DOCTYPE html>"


class _OfflinePremailer(Premailer):  # type: ignore[misc]
    def _parse_css_string(self, css_body: str, validate: bool = True) -> Any:
        # cssutils would fetch @import over HTTP and open file:// whatever allow_network says.
        parser = cssutils.CSSParser(validate=validate, fetcher=lambda url: (None, b""))
        return parser.parseString(css_body)


def inline(html: str) -> str:
    """Return the HTML with inlined styles; PressError where a word or the doctype was lost."""
    if not html.startswith(_DOCTYPE):
        raise PressError(f"the digest must open with {_DOCTYPE}, or mail programs draw it in quirks mode")
    try:
        inlined = _transformed(html)
    except SelectorError as error:
        raise PressError(f"the inliner cannot read a selector in the digest's style: {error}") from error
    if not inlined.startswith(_DOCTYPE):
        raise PressError("the inliner lost the doctype of the digest")
    before, after = _words(html), _words(inlined)
    if before != after:
        at = next((i for i, pair in enumerate(zip(before, after, strict=False)) if pair[0] != pair[1]), len(after))
        raise PressError(f'the inliner changed the text near "{" ".join(before[max(0, at - 5) : at + 5])}"')
    return inlined


def _transformed(html: str) -> str:
    inlined: str = _OfflinePremailer(
        html,
        allow_network=False,
        allow_loading_external_files=False,
        strip_important=False,  # inline styles would win over every @media rule
        keep_style_tags=False,
        remove_classes=False,
        # Or <img width="600"> becomes width="100%" (Ghost#17475), and text-align: start an align that HTML lacks.
        disable_basic_attributes=["width", "height", "align", "bgcolor"],
        disable_validation=True,
        cssutils_logging_level=50,
    ).transform(pretty_print=False)
    return inlined


def _words(html: str) -> list[str]:
    return from_html(html).split()
