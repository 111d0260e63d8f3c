"""An entry's body, as a feed reader's HTML parser takes it: elements, attributes, addresses, pictures, words."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from html.parser import HTMLParser

from publisher.render.feed.rules.values import HTML, address
from publisher.render.preflight.verdict import quoted

_VOID = frozenset(
    ["area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"]
)
_CLOSES_ITSELF = frozenset(
    ["p", "li", "dt", "dd", "tr", "td", "th", "thead", "tbody", "tfoot", "colgroup", "option", "optgroup", "rp", "rt"]
)
_UNSAFE = frozenset(
    [
        "script",
        "iframe",
        "object",
        "embed",
        "applet",
        "form",
        "input",
        "button",
        "select",
        "textarea",
        "style",
        "link",
        "meta",
        "base",
        "frame",
        "frameset",
        "noscript",
        "template",
        "svg",
        "math",
        "html",
        "head",
        "body",
        "title",
    ]
)
_PLACES = frozenset(["href", "src", "poster", "cite", "action", "formaction", "data", "background", "longdesc"])
_UNSAFE_ATTRIBUTES = frozenset(("style", "srcdoc", "formaction", "action"))
_SCHEME = re.compile(r"[\x00-\x20]*([A-Za-z][A-Za-z0-9+.-]*):")
_SCHEMES = frozenset(("http", "https", "mailto", "tel"))


@dataclass(slots=True)
class Body:
    """`addresses` are (element, address), `images` (address, alt); the faults are sentences."""

    addresses: list[tuple[str, str]] = field(default_factory=list)
    images: list[tuple[str, str | None]] = field(default_factory=list)
    text: str = ""
    unsafe: list[str] = field(default_factory=list)
    markup: list[str] = field(default_factory=list)

    def wrong_addresses(self) -> Iterator[str]:
        """Relative addresses, which mean nothing in a feed, and those that are none."""
        for element, place in self.addresses:
            scheme = _SCHEME.match(place)
            if scheme and scheme[1].lower() not in _SCHEMES:
                continue  # unsafe, and said there
            fault = address(place, web=False)
            if fault:
                yield f"in <{element}>, {fault}" if scheme else f"in <{element}>, {quoted(place)} is relative"


@lru_cache(maxsize=2048)  # the same body stands in three formats, and in more than one feed
def read(markup: str) -> Body:
    reader = _Reader()
    reader.feed(markup)
    reader.close()
    reader.end()
    return reader.body


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.body = Body()
        self._open: list[str] = []
        self._texts: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in _UNSAFE:
            self.body.unsafe.append(f"<{tag}> is not for feeds")
        elif tag not in HTML:
            self.body.markup.append(f"<{tag}> is no element of HTML")
        for name, value in attrs:
            self._attribute(tag, name, value or "")
        if tag == "img":
            values = dict(attrs)
            self.body.images.append((values.get("src") or "", values.get("alt")))
        if tag not in _VOID and tag not in _CLOSES_ITSELF:
            self._open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)  # HTML knows no other end of a void element

    def _attribute(self, tag: str, name: str, value: str) -> None:
        if name.startswith("on") or name in _UNSAFE_ATTRIBUTES:
            self.body.unsafe.append(f"{name} on <{tag}> is not for feeds")
        places = [value] if name in _PLACES else []
        if name == "srcset":
            places = [part.split()[0] for part in value.split(",") if part.strip()]
        for place in places:
            scheme = _SCHEME.match(re.sub(r"[\t\r\n]", "", place))
            if scheme and scheme[1].lower() not in _SCHEMES:
                self.body.unsafe.append(f"{name} on <{tag}> leads to {quoted(place)}")
            else:
                self.body.addresses.append((tag, place))

    def handle_endtag(self, tag: str) -> None:
        if tag in _VOID or tag in _CLOSES_ITSELF:
            return
        if self._open and self._open[-1] == tag:
            self._open.pop()
        else:
            self.body.markup.append(f"</{tag}> closes nothing that is open")
            if tag in self._open:
                del self._open[self._open.index(tag) :]

    def handle_data(self, data: str) -> None:
        self._texts.append(data)

    def handle_comment(self, data: str) -> None:
        self.body.markup.append(f"there is a comment, {quoted(data)}")

    def handle_decl(self, decl: str) -> None:
        self.body.markup.append(f"<!{quoted(decl)[1:-1]}> belongs to a document, not to a part of one")

    def unknown_decl(self, data: str) -> None:
        self.body.markup.append(f"<![{quoted(data)[1:-1]}]> is no HTML")

    def handle_pi(self, data: str) -> None:
        self.body.markup.append(f"<?{quoted(data)[1:-1]}> is no HTML")

    def end(self) -> None:
        self.body.markup += [f"<{tag}> is never closed" for tag in self._open]
        self.body.text = "".join(self._texts)
