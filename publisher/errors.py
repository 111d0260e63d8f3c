"""What can go wrong, said for an editor: what is wrong, where, and what to write instead."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing to mend. `where` is `file:line:column`, a source's name or a table key."""

    where: str
    message: str
    fix: str = ""

    def __str__(self) -> str:
        text = f"{self.where}  {self.message}"
        return f"{text} {self.fix}" if self.fix else text


class PublisherError(Exception):
    """The base of every error that we raise on purpose; its text is for the editor."""

    exit_code = 1


class UsageError(PublisherError):
    """The command was called with something that does not exist or does not fit."""

    exit_code = 2


class ConfigError(PublisherError):
    """The configuration has mistakes: all of them, not the first."""

    exit_code = 2

    def __init__(self, problems: Sequence[Problem]) -> None:
        super().__init__("\n".join(str(problem) for problem in problems))
        self.problems = tuple(problems)


class ConfirmationNeeded(PublisherError):
    """The command wanted an answer and nobody could be asked."""

    exit_code = 4


class SourceError(PublisherError):
    """A source could not be read at all; the others go on. `not_before` is when the source wants to be asked again."""

    def __init__(self, message: str, not_before: datetime | None = None) -> None:
        super().__init__(message)
        self.not_before = not_before


class FetchError(PublisherError):
    """An HTTP request was refused by the guard or failed on the way."""


class TemplateProblem(PublisherError):
    """A template cannot be rendered; the text says file and line."""


class PressError(PublisherError):
    """The edition cannot be pressed as it is."""


class PreflightFailed(PressError):
    """A check failed that nobody accepted by name: an editor has to mend the edition, or to accept it."""


class SchemaError(PublisherError):
    """The database has a schema that this program does not know."""


class Busy(PublisherError):
    """Another process on this database is already delivering."""


class TransportDown(PublisherError):
    """The far side takes no mail at all now: no reader is charged, the copies wait."""
