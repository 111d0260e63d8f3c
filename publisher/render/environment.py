"""Jinja, sandboxed: a newsroom's own templates win over ours, file by file.

Article and reader text is data: it is escaped, never rendered. Templates see no configuration and no environment.
"""

import hashlib
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from gettext import NullTranslations
from pathlib import Path
from typing import Any

from babel.dates import format_date, format_datetime
from babel.lists import format_list
from jinja2 import (
    BaseLoader,
    Environment,
    FileSystemLoader,
    PrefixLoader,
    StrictUndefined,
    TemplateError,
    TemplateSyntaxError,
    pass_context,
)
from jinja2.runtime import Context
from jinja2.sandbox import ImmutableSandboxedEnvironment
from markupsafe import Markup

from publisher.clean.text import columns, from_html, wrapped
from publisher.errors import TemplateProblem
from publisher.model.article import Author, direction
from publisher.model.newsletter import Publication
from publisher.render import seal
from publisher.render.languages import SOURCE, Catalogues, locale

_FOLDERS = {
    "shared": "templates/shared",
    "email": "templates/email",
    "web": "templates/web",
    "feeds": "feeds",
}
# What the expressions of a template can raise.
_MISTAKES = (
    TemplateError, TypeError, ValueError, ArithmeticError, LookupError, AttributeError, RecursionError,
)  # fmt: skip
_CONDITIONS = {"shown": seal.shown, "leads": seal.leads, "follows": seal.follows, "at_depth": seal.at_depth}
_PACKAGE = Path(__file__).parent.parent


def shipped() -> Path:
    """The folder that holds our `templates/` and `feeds/`: in the wheel, or the source tree."""
    packed = _PACKAGE / "shipped"
    return packed if packed.is_dir() else _PACKAGE.parent


class _Sandbox(ImmutableSandboxedEnvironment):
    """Jinja's sandbox, which remembers what it allowed: it asks for every attribute of every story anew."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self._safe: dict[tuple[type, str], bool] = {}

    def is_safe_attribute(self, obj: Any, attr: str, value: Any) -> bool:
        key = type(obj), attr  # all that the answer depends on
        if key not in self._safe:
            self._safe[key] = super().is_safe_attribute(obj, attr, value)
        return self._safe[key]


class Templates:
    """All templates of a newsroom.

    `root` is where its own copies may stand; `feeds` are the media types and paths of the feeds of everything.
    """

    def __init__(self, publication: Publication, root: Path, feeds: Sequence[tuple[str, str]] = ()) -> None:
        self.publication = publication
        self._root, self._digest = root, ""

        def folder(path: str) -> BaseLoader:
            return FileSystemLoader([root / path, shipped() / path])

        self._catalogues = Catalogues([base / "templates/locale" for base in (root, shipped())])
        self._environment = _Sandbox(
            loader=PrefixLoader({prefix: folder(path) for prefix, path in _FOLDERS.items()}),
            extensions=["jinja2.ext.i18n"],
            autoescape=lambda name: not (name or "").endswith((".txt.j2", ".css", ".css.j2")),
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            keep_trailing_newline=False,
        )
        self._environment.globals.update(
            publication=publication, direction=direction, feeds=feeds, interface=self.interface, **_CONDITIONS
        )
        self._environment.filters = {**self._environment.filters, **_filters(publication)}
        _install_gettext(self._environment, self._catalogues, self.interface, publication.language)

    def interface(self, language: str) -> str:
        """The language in which interface texts stand on a page of this language."""
        return self._catalogues.spoken(language) or self._catalogues.spoken(self.publication.language) or SOURCE

    def render(self, name: str, values: Mapping[str, Any]) -> str:
        """Render a template; TemplateProblem says file, line and what is wrong."""
        try:
            return self._environment.get_template(name).render(values)
        except TemplateSyntaxError as error:
            raise TemplateProblem(_syntax_problem(error, name)) from None
        except _MISTAKES as error:
            raise TemplateProblem(f"{_place(error, name)}  {str(error) or type(error).__name__}.") from error

    def digest(self) -> str:
        """What decides the output of every template: another one means that pages and entries must be made anew.

        Jinja looks only at the file that it took: of one that stands before it by now it would not know.
        """
        found = hashlib.sha256()
        for folder in sorted({*_FOLDERS.values(), "templates/locale"}):
            for base in (self._root, shipped()):
                for file in sorted((base / folder).rglob("*")):
                    if file.is_file():
                        found.update(f"{file.relative_to(base)}\n".encode() + file.read_bytes())
        if self._digest != found.hexdigest():
            self._digest = found.hexdigest()
            if self._environment.cache is not None:
                self._environment.cache.clear()
        return self._digest

    def check(self) -> list[str]:
        """Compile every template, read every catalogue; return what is wrong, one line each."""
        problems = []
        for name in self._environment.list_templates(filter_func=lambda name: name.endswith(".j2")):
            try:
                self._environment.get_template(name)
            except TemplateSyntaxError as error:
                problems.append(_syntax_problem(error, name))
        return problems + self._catalogues.check()


def _syntax_problem(error: TemplateSyntaxError, name: str) -> str:
    return f"{_short(error.filename or name)}:{error.lineno}  {str(error.message).rstrip('.')}."


def _place(error: BaseException, name: str) -> str:
    """File and line of the innermost template frame in a traceback; Jinja rewrites frames to template lines."""
    place, frame = f"{name}:?", error.__traceback__
    while frame:
        file = frame.tb_frame.f_code.co_filename
        if file.endswith((".j2", ".css")):
            place = f"{_short(file)}:{frame.tb_lineno}"
        frame = frame.tb_next
    return place


def _short(file: str) -> str:
    """A template's file with its folder, as other templates name it."""
    return "/".join(Path(file).parts[-2:])


def _install_gettext(
    environment: Environment, catalogues: Catalogues, interface: Callable[[str], str], default: str
) -> None:
    """`_("text")` and `ngettext(one, many, num)` in the language of the page's interface texts."""

    def catalogue(context: Context) -> NullTranslations:
        return catalogues.catalogue(interface(str(context.get("language", default))))

    @pass_context
    def gettext(context: Context, text: str) -> str:
        return catalogue(context).gettext(text)

    @pass_context
    def ngettext(context: Context, one: str, many: str, number: int) -> str:
        return catalogue(context).ngettext(one, many, number)

    environment.install_gettext_callables(gettext, ngettext, newstyle=True)  # type: ignore[attr-defined]


_HEADING = re.compile(r"<(/?)h[2-6]\b")
_IMAGE = re.compile(r"<img\b((?:\s[\w-]+(?:=\"[^\"]*\")?)*)\s*/?>")
_SIZE = re.compile(r'\s(width|height)="(\d+)"')


def _prose(html: str, level: str | int, width: int) -> Markup:
    """A story's text as a mail holds it: headings one below its headline's, pictures no wider than the sheet."""

    def picture(match: re.Match[str]) -> str:
        attributes, sizes = _SIZE.sub("", match[1]), dict(_SIZE.findall(match[1]))
        alt = "" if " alt=" in attributes else ' alt=""'
        return f'<img{attributes}{alt} width="{min(int(sizes.get("width", width)), width)}">'

    lowered = _HEADING.sub(rf"<\1h{min(int(level) + 1, 6)}", str(html))
    return Markup(_IMAGE.sub(picture, lowered))  # noqa: S704 - sanitised when it was filed


_UNQUOTED = re.compile(r'["\\<\x00-\x1f\x7f]')


def _css_string(text: str) -> str:
    """A text as a string of CSS (css-syntax-3 §4.3.5); `<` too, for where CSS stands within HTML."""
    return '"' + _UNQUOTED.sub(lambda match: f"\\{ord(match[0]):x} ", str(text)) + '"'


def _filters(publication: Publication) -> dict[str, Any]:
    def dated(style: str) -> Callable[..., str]:
        @pass_context
        def day(context: Context, moment: datetime, language: str = "") -> str:
            spoken = locale(language or str(context.get("language", publication.language)))
            return format_date(moment.astimezone(publication.zone).date(), style, locale=spoken)

        return day

    @pass_context
    def clock(context: Context, moment: datetime, language: str = "") -> str:
        spoken = locale(language or str(context.get("language", publication.language)))
        return format_datetime(moment, "short", tzinfo=publication.zone, locale=spoken)

    def names(authors: Sequence[Author], language: str = publication.language) -> str:
        return format_list([author.name for author in authors], locale=locale(language))

    @pass_context
    def isolated(context: Context, text: str, language: str) -> Markup | str:
        """Mark a text in another language, so that its direction stays its own."""
        if language == context.get("language", publication.language):
            return text
        return Markup('<span lang="{}" dir="{}">{}</span>').format(language, direction(language), text)

    @pass_context
    def kept_apart(context: Context, text: str, language: str) -> str:
        """The same in plain text, line by line: between isolates (UAX #9 §2.4) where the direction is another."""
        if direction(language) == direction(str(context.get("language", publication.language))):
            return text
        return "\n".join(f"\u2068{line}\u2069" for line in text.split("\n"))

    return {
        "day": dated("full"),
        "short_day": dated("long"),
        "clock": clock,
        "names": names,
        "isolated": isolated,
        "kept_apart": kept_apart,
        "wrapped": wrapped,
        "prose": _prose,
        "underline": lambda text: "-" * min(columns(text), 72),
        "plain": lambda html: from_html(str(html)),
        "iso": lambda moment: moment.isoformat(timespec="seconds"),
        "css": _css_string,
    }
