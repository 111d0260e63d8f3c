"""Read the secrets that stand in files of their own; the rest of the program never sees the files."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from pydantic import SecretStr

from publisher.config.positions import Key
from publisher.config.schema import (
    Config,
    DkimConfig,
    GhostSourceConfig,
    PublicationConfig,
    SmtpTransportConfig,
    TransportConfig,
)
from publisher.errors import Problem

Keyed = TypeVar("Keyed", GhostSourceConfig, DkimConfig)


def with_secrets(config: Config, root: Path, place: Callable[[Key, str], Problem]) -> tuple[Config, list[Problem]]:
    """The configuration with every `*_file` read, and what could not be read."""
    reader = _Reader(root, place)
    found = {
        "publication": reader.publication(config.publication),
        "transport": reader.transport(config.transport),
        "sources": tuple(
            reader.keyed(source, ("source", index), "a Content API key", "var/ghost.key")
            if isinstance(source, GhostSourceConfig)
            else source
            for index, source in enumerate(config.sources)
        ),
        "dkim": tuple(
            reader.keyed(entry, ("dkim", index), "a private key", "var/dkim.pem")
            for index, entry in enumerate(config.dkim)
        ),
    }
    return config.model_copy(update=found), reader.problems


@dataclass(frozen=True, slots=True)
class _Reader:
    root: Path
    place: Callable[[Key, str], Problem]
    problems: list[Problem] = field(default_factory=list)

    def publication(self, table: PublicationConfig) -> PublicationConfig:
        secret, file = table.secret_key, table.secret_key_file
        key = ("publication", "secret_key_file" if file else "secret_key")
        if file:
            secret = self._read(file, key)
            if secret is None:
                return table
        if secret is None or len(secret.get_secret_value()) < 32:
            message = 'needs a secret of 32 characters or more. Write secret_key_file = "var/secret.key".'
            if file:
                message = f'"{self.root / file}" holds fewer than 32 characters. Fill it with a longer secret.'
            self.problems.append(self.place(key, message))
        return table.model_copy(update={"secret_key": secret})

    def transport(self, table: TransportConfig) -> TransportConfig:
        if not isinstance(table, SmtpTransportConfig) or not table.password_file:
            return table
        return table.model_copy(update={"password": self._read(table.password_file, ("transport", "password_file"))})

    def keyed(self, table: Keyed, key: Key, needed: str, like: str) -> Keyed:
        """A table that needs a key of its own, with the key."""
        if table.key is None and table.key_file is None:
            self.problems.append(self.place(key, f'needs {needed}. Write key_file = "{like}".'))
        if table.key_file is None:
            return table
        return table.model_copy(update={"key": self._read(table.key_file, (*key, "key_file"))})

    def _read(self, file: Path, key: Key) -> SecretStr | None:
        path = self.root / file
        try:
            text = path.read_text("utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            reason = error.strerror if isinstance(error, OSError) else "it is not text"
            self.problems.append(self.place(key, f'"{path}" cannot be read: {reason}.'))
            return None
        if not text:
            self.problems.append(self.place(key, f'"{path}" is empty. Write the secret into it.'))
            return None
        return SecretStr(text)
