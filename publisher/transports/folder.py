"""Copies as `.eml` files in a folder, for trials and for newsrooms that hand mail on themselves.

A file is named by its Message-ID and written by rename, so a copy that is carried twice is one file.
"""

import asyncio
import hashlib
import os
from dataclasses import dataclass
from pathlib import Path

from publisher.errors import TransportDown
from publisher.model.delivery import Copy, Outcome, OutcomeKind


@dataclass(frozen=True, slots=True)
class FolderTransport:
    path: Path
    name: str = "folder"
    connections: int = 1

    async def connect(self) -> "FolderCarrier":
        return FolderCarrier(self.path)


@dataclass(frozen=True, slots=True)
class FolderCarrier:
    path: Path

    async def carry(self, copy: Copy) -> Outcome:
        await asyncio.to_thread(self._write, copy)
        return Outcome(OutcomeKind.ACCEPTED)

    def _write(self, copy: Copy) -> None:
        name = f"{hashlib.sha256(copy.message_id.encode()).hexdigest()[:32]}.eml"
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            half = self.path / f".{name}.half"
            with half.open("wb") as file:
                file.write(copy.message)
                file.flush()
                os.fsync(file.fileno())
            half.replace(self.path / name)
        except OSError as error:
            raise TransportDown(f"{self.path} cannot be written: {error.strerror}.") from None

    async def close(self) -> None:
        return None
