"""The interface's languages: gettext catalogues, read as the translators wrote them (`templates/locale/*.po`)."""

import re
from collections.abc import Iterator, Sequence
from gettext import GNUTranslations, NullTranslations
from io import BytesIO
from pathlib import Path

from babel import Locale, UnknownLocaleError
from babel.core import get_global
from babel.messages.catalog import Catalog, Message
from babel.messages.mofile import write_mo
from babel.messages.pofile import PoFileError, read_po

from publisher.clean.text import one_line, shortened
from publisher.errors import TemplateProblem

SOURCE = "en"  # what the templates are written in
# Babel takes a string without its closing mark, and loses its last letter.
_LINE = re.compile(r'#.*|((msgctxt|msgid|msgid_plural|msgstr(\[\d+])?) )?"([^"\\]|\\.)*"|')
_NO_LINE = r'This is no line of a catalogue. Write a text as "…", with \" for a quotation mark in it.'
_LONGEST_PROBLEM = 120  # Babel's quotes all the text in doubt
_PLACEHOLDER = re.compile(r"%(?:%|\((\w+)\)s)")


class Catalogues:
    """Looks for a language's catalogue in `folders`, first one first."""

    def __init__(self, folders: Sequence[Path]) -> None:
        self._folders = folders
        self._known: dict[str, NullTranslations] = {}
        self._spoken: dict[str, str | None] = {}

    def catalogue(self, language: str) -> NullTranslations:
        """The catalogue of a BCP 47 tag, or of a shorter one; the texts as they are where there is none."""
        if language not in self._known:
            file = self._file(language)
            self._known[language] = _compiled(file) if file else NullTranslations()
        return self._known[language]

    def spoken(self, language: str) -> str | None:
        """The tag of the texts that there are for a language: its own, unless they are written in another script."""
        if language not in self._spoken:
            self._spoken[language] = self._tag(language)
        return self._spoken[language]

    def check(self) -> list[str]:
        """What is wrong with the catalogues, one line each."""
        files = {file.name: file for folder in reversed(self._folders) for file in folder.glob("*.po")}
        return [problem for name in sorted(files) for problem in _problems(files[name])]

    def _tag(self, language: str) -> str | None:
        file = self._file(language)
        if file is None:
            return language if language.split("-")[0].lower() == SOURCE else None
        return language if _script(language) == _script(file.stem) else file.stem

    def _file(self, language: str) -> Path | None:
        for tag in _lookup(language):
            for folder in self._folders:
                file = folder / f"{tag}.po"
                if file.is_file():
                    return file
        return None


def locale(language: str) -> Locale:
    """The CLDR locale of a BCP 47 tag, by its language alone where the region is unknown; else English."""
    for tag in (language, language.split("-")[0]):
        try:
            return Locale.parse(tag, sep="-")
        except (UnknownLocaleError, ValueError):
            continue
    return Locale(SOURCE)


def _lookup(language: str) -> Iterator[str]:
    """A tag, then shorter ones (RFC 4647 §3.4). It becomes a file's name: nothing but letters, digits and hyphens."""
    subtags = language.split("-")
    if all(subtag.isalnum() for subtag in subtags):
        yield from ("-".join(subtags[:count]) for count in range(len(subtags), 0, -1))
        yield subtags[0].lower()


def _script(language: str) -> str:
    found = locale(language)
    likely: str = get_global("likely_subtags").get(found.language, "")
    return found.script or "".join(subtag for subtag in likely.split("_")[1:] if len(subtag) == 4)


def _compiled(file: Path) -> GNUTranslations:
    compiled = BytesIO()
    try:
        write_mo(compiled, _read(file))
        compiled.seek(0)
        return GNUTranslations(compiled)
    except ValueError as error:  # what is computed of a number is first looked at here
        raise TemplateProblem(f"{_place(file)}  Plural-Forms: {error}.") from None


def _read(file: Path) -> Catalog:
    at = 1

    def lines() -> Iterator[str]:
        nonlocal at
        for at, line in enumerate(_text(file).split("\n"), 1):
            if not _LINE.fullmatch(line.strip()):
                raise TemplateProblem(f"{_place(file, at)}  {_NO_LINE}")
            yield line

    try:
        return read_po(lines(), locale=_locale_of(file), abort_invalid=True)
    except PoFileError as error:
        said = shortened(one_line(str(error).rpartition(" on ")[0]), _LONGEST_PROBLEM)
        raise TemplateProblem(f"{_place(file, error.lineno + 1)}  {said[:1].upper()}{said[1:]}.") from None
    except (ValueError, LookupError) as error:
        raise TemplateProblem(f"{_place(file, at)}  {one_line(str(error))}.") from None


def _text(file: Path) -> str:
    try:
        return (data := file.read_bytes()).decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise TemplateProblem(f"{_place(file, line)}  This is not UTF-8. Save the file as UTF-8.") from None


def _locale_of(file: Path) -> Locale | None:
    """Where CLDR does not know the language, the file's header says how it counts."""
    try:
        return Locale.parse(file.stem, sep="-")
    except (UnknownLocaleError, ValueError):
        return None


def _problems(file: Path) -> Iterator[str]:
    try:
        _compiled(file)
        catalogue = _read(file)
    except TemplateProblem as problem:
        yield str(problem)
        return
    for message in catalogue:
        if message.id and not message.fuzzy:
            wrong = _miscounted(message, catalogue) or _misprinted(message)
            if wrong:
                yield f"{_place(file, message.lineno or 1)}  {wrong}"


def _miscounted(message: Message, catalogue: Catalog) -> str:
    forms = _texts(message.string)
    if message.pluralizable and any(forms) and not all(forms):
        return f"{catalogue.num_plurals} plural forms are needed, not {sum(map(bool, forms))}."
    return ""


def _misprinted(message: Message) -> str:
    """What templates could not fill: they know the names of the source text, and a percent sign only as `%%`."""
    known = {name for text in _texts(message.id) for name in _PLACEHOLDER.findall(text)} - {""}
    for text in _texts(message.string):
        if "%" in _PLACEHOLDER.sub("", text):
            return "A % stands alone. Write %% for a percent sign, %(…)s for a value."
        for name in _PLACEHOLDER.findall(text):
            if name and name not in known:
                names = ", ".join(f"%({name})s" for name in sorted(known)) or "no value"
                return f"Nothing fills %({name})s here. This text may hold {names}."
    return ""


def _texts(one_or_more: str | Sequence[str] | None) -> Sequence[str]:
    return (one_or_more,) if isinstance(one_or_more, str) else one_or_more or ()


def _place(file: Path, line: int = 1) -> str:
    return f"locale/{file.name}:{line}"
