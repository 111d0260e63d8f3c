"""Jinja, sandboxed: a newsroom's own templates win over ours, file by file.

Article and reader text is data: it is escaped, never rendered. Templates see no configuration and no environment.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from babel import Locale, UnknownLocaleError
from babel.dates import format_date, format_datetime
from babel.lists import format_list
from jinja2 import (
    BaseLoader,
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

from publisher.errors import TemplateProblem
from publisher.model.article import Author, direction
from publisher.model.newsletter import Publication

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
_PACKAGE = Path(__file__).parent.parent


def shipped() -> Path:
    """The folder that holds our `templates/` and `feeds/`: in the wheel, or the source tree."""
    packed = _PACKAGE / "shipped"
    return packed if packed.is_dir() else _PACKAGE.parent


class Templates:
    """All templates of a newsroom.

    `root` is where its own copies may stand; `feeds` are the media types and paths of the feeds of everything.
    """

    def __init__(self, publication: Publication, root: Path, feeds: Sequence[tuple[str, str]] = ()) -> None:
        self.publication = publication

        def folder(path: str) -> BaseLoader:
            return FileSystemLoader([root / path, shipped() / path])

        self._environment = ImmutableSandboxedEnvironment(
            loader=PrefixLoader({prefix: folder(path) for prefix, path in _FOLDERS.items()}),
            autoescape=lambda name: not (name or "").endswith(".txt.j2"),
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            keep_trailing_newline=False,
        )
        self._environment.globals.update(publication=publication, direction=direction, feeds=feeds)
        self._environment.filters = {**self._environment.filters, **_filters(publication)}

    def render(self, name: str, values: Mapping[str, Any]) -> str:
        """Render a template; TemplateProblem says file, line and what is wrong."""
        try:
            return self._environment.get_template(name).render(values)
        except TemplateSyntaxError as error:
            raise TemplateProblem(_syntax_problem(error, name)) from None
        except _MISTAKES as error:
            raise TemplateProblem(f"{_place(error, name)}  {str(error) or type(error).__name__}.") from error

    def check(self) -> list[str]:
        """Compile every template; return what is wrong, one line each."""
        problems = []
        for name in self._environment.list_templates(filter_func=lambda name: name.endswith(".j2")):
            try:
                self._environment.get_template(name)
            except TemplateSyntaxError as error:
                problems.append(_syntax_problem(error, name))
        return problems


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


def _filters(publication: Publication) -> dict[str, Any]:
    def day(moment: datetime, language: str = publication.language) -> str:
        return format_date(moment.astimezone(publication.zone).date(), "full", locale=locale(language))

    def short_day(moment: datetime, language: str = publication.language) -> str:
        return format_date(moment.astimezone(publication.zone).date(), "long", locale=locale(language))

    def clock(moment: datetime, language: str = publication.language) -> str:
        return format_datetime(moment, "short", tzinfo=publication.zone, locale=locale(language))

    def names(authors: Sequence[Author], language: str = publication.language) -> str:
        return format_list([author.name for author in authors], locale=locale(language))

    @pass_context
    def isolated(context: Context, text: str, language: str) -> Markup | str:
        """Mark a text in another language, so that its direction stays its own."""
        if language == context.get("language", publication.language):
            return text
        return Markup('<span lang="{}" dir="{}">{}</span>').format(language, direction(language), text)

    return {"day": day, "short_day": short_day, "clock": clock, "names": names, "isolated": isolated,
            "iso": lambda moment: moment.isoformat(timespec="seconds")}  # fmt: skip


def locale(language: str) -> Locale:
    """The CLDR locale of a BCP 47 tag, by its language alone where the region is unknown; else English."""
    for tag in (language, language.split("-")[0]):
        try:
            return Locale.parse(tag, sep="-")
        except (UnknownLocaleError, ValueError):
            continue
    return Locale("en")
