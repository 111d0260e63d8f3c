"""Where feeds went: the paths below `feeds/` that moved or closed, each with everything below it."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Moves:
    """The longest path that fits decides."""

    moved: Mapping[str, str]
    closed: Collection[str] = ()

    def place(self, path: str) -> str | None:
        """Where a path is now, at the end of all moves; None where it is closed. ValueError: it moves for ever."""
        for _ in range(len(self.moved) + 1):
            ruling = next((one for one in prefixes(path) if one in self.closed or one in self.moved), None)
            if ruling is None:
                return path
            if ruling in self.closed:
                return None
            path = self.moved[ruling] + path[len(ruling) :]
        raise ValueError(f"{path} moves for ever")


def prefixes(path: str) -> list[str]:
    """A path and those above it, the longest first: `a/b/rss.xml`, `a/b`, `a`."""
    parts = path.split("/")
    return ["/".join(parts[:length]) for length in range(len(parts), 0, -1)]
