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
_PACKAGE = Path(__file__).parent.parent


def shipped() -> Path:
    """The folder that holds our `templates/` and `feeds/`: in the wheel, or the source tree."""
    packed = _PACKAGE / "shipped"
    return packed if packed.is_dir() else _PACKAGE.parent


class Templates:
    """All templates of a newsroom; `root` is where its own copies may stand."""

    def __init__(self, publication: Publication, root: Path) -> None:
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
        self._environment.globals = {"publication": publication, "direction": direction}
        self._environment.filters = {**self._environment.filters, **_filters(publication)}

    def render(self, name: str, values: Mapping[str, Any]) -> str:
        """Render a template; TemplateProblem says file, line and what is wrong."""
        try:
            return self._environment.get_template(name).render(values)
        except TemplateSyntaxError as error:
            raise TemplateProblem(f"{error.name or name}:{error.lineno}  {error.message}.") from None
        except (TemplateError, TypeError, ValueError, ArithmeticError, LookupError) as error:
            raise TemplateProblem(f"{name}:{_line(error, name)}  {error or type(error).__name__}.") from error

    def check(self) -> list[str]:
        """Compile every template; return what is wrong, one line each."""
        problems = []
        for name in self._environment.list_templates(filter_func=lambda name: name.endswith(".j2")):
            try:
                self._environment.get_template(name)
            except TemplateSyntaxError as error:
                problems.append(f"{error.name or name}:{error.lineno}  {error.message}.")
        return problems


def _line(error: BaseException, name: str) -> str:
    """The line of the innermost template frame in a traceback; Jinja rewrites frames to template lines."""
    line, frame = "?", error.__traceback__
    while frame:
        if frame.tb_frame.f_code.co_filename.endswith((".j2", name)):
            line = str(frame.tb_lineno)
        frame = frame.tb_next
    return line


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
