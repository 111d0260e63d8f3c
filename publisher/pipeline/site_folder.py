"""The site's folder: files that are old or new, never half, each with its compressed neighbours.

A file is made only where its key says that it would be another one. It is written beside its place and renamed into
it, its neighbours `.gz`, `.br` and `.zst` first and itself last: whoever is killed between leaves the old file, or one
whose neighbours bear another time, which the next build mends and a server passes over. Times of a path only grow, by
whole seconds, so that neither a web server nor a reader's If-Modified-Since takes one version for another.
`.published` lists what we wrote, so that what is withdrawn is removed and nobody else's file is touched.
"""

import fcntl
import gzip
import hashlib
import json
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path, PurePosixPath

import brotli
import zstandard

from publisher.errors import Problem, PublisherError

MANIFEST = ".published"
_LOCK = ".published.lock"
_AT_ONCE = 4  # files that are packed and written at once, while the next ones are made
_BATCH = 64  # files that wait for it
_TEXTS = {".html", ".xml", ".json", ".css", ".opml", ".svg", ".txt"}


def _gzip(content: bytes) -> bytes:
    return gzip.compress(content, 5, mtime=0)


def _brotli(content: bytes) -> bytes:
    return bytes(brotli.compress(content, quality=4))


def _zstd(content: bytes) -> bytes:
    return zstandard.ZstdCompressor(level=3).compress(content)


# Measured on a feed of 180 KB: a level or two more cost twice the time, for 1 to 7 percent.
NEIGHBOURS: Mapping[str, Callable[[bytes], bytes]] = {".gz": _gzip, ".br": _brotli, ".zst": _zstd}


@dataclass(frozen=True, slots=True)
class Made:
    """A file to be: `key` differs whenever its bytes would; `make` is called only then."""

    key: str
    make: Callable[[], bytes]


def given(content: bytes) -> Made:
    """A file whose bytes are at hand."""
    return Made(hashlib.sha256(content).hexdigest(), lambda: content)


@dataclass(frozen=True, slots=True)
class Built:
    """Paths below the site that changed, how many stayed as they were, and what went wrong on the way."""

    written: tuple[str, ...]
    removed: tuple[str, ...]
    same: int
    problems: tuple[Problem, ...] = ()


@dataclass(slots=True)
class _Record:
    """What we know of a file that we wrote: its key, and its time in whole seconds."""

    key: str
    mtime: int


@dataclass(slots=True)
class SiteFolder:
    """A site's folder while it is built; `now` dates what changes."""

    path: Path
    now: datetime
    _before: dict[str, _Record] = field(default_factory=dict)

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Two builds of one folder go one after the other, each from its survey to its last file."""
        self.path.mkdir(parents=True, exist_ok=True)
        with (self.path / _LOCK).open("a") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def known(self) -> list[str]:
        """The paths that the last build left here."""
        return sorted(dict(_records(self.path / MANIFEST)))

    def publish(self, files: Mapping[str, Made], *, remove: bool) -> Built:
        """Write what changed; with `remove`, take away what an earlier build wrote and this one does not name.

        A file that cannot be made stays as it is, and is a problem.
        """
        problems = list[Problem]()
        self._before = dict(_records(self.path / MANIFEST))
        after = {} if remove else dict(self._before)
        changed = {path: made for path, made in files.items() if not self._is_current(path, made.key)}
        if changed.keys() - self._before.keys():
            # What is begun is remembered before it is there, so that a build that was killed leaves no stray file.
            begun = {path: _Record("", 0) for path in changed} | self._before
            _rename_into(self.path / MANIFEST, _listed(begun), None)
        after |= {path: self._before[path] for path in files.keys() & self._before.keys()}
        written = []
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            for paths in _batched(sorted(changed), _BATCH):
                made = _made({path: changed[path] for path in paths}, problems)
                placing = {path: pool.submit(self._place, path, content) for path, content in made}
                for path, placed in placing.items():
                    is_new, mtime = placed.result()
                    written += [path] if is_new else []
                    after[path] = _Record(changed[path].key, mtime)
        removed = list(self._remove(files)) if remove else []
        # One that comes back is newer than it was.
        after |= {path: _Record("", self._before[path].mtime) for path in self._before.keys() - after.keys()}
        if after != self._before:
            _rename_into(self.path / MANIFEST, _listed(after), None)
        return Built(tuple(written), tuple(removed), len(files) - len(written) - len(problems), tuple(problems))

    def _is_current(self, path: str, key: str) -> bool:
        known = self._before.get(path)
        if known is None or known.key != key:
            return False
        try:
            return int(os.stat(f"{self.path}/{path}").st_mtime) == known.mtime  # noqa: PTH116 - of every file there is
        except OSError:
            return False

    def _place(self, path: str, content: bytes) -> tuple[bool, int]:
        """Put a file and its neighbours in their places, itself last; (whether that was needed, the file's time)."""
        place = self.path / path
        names = NEIGHBOURS if place.suffix in _TEXTS else {}
        there = _mtime(place)
        if there is None:
            place.parent.mkdir(parents=True, exist_ok=True)
        elif place.read_bytes() == content and all(_mtime(_beside(place, name)) == there for name in names):
            return False, there
        last = max(there or 0, self._before[path].mtime if path in self._before else 0)
        mtime = max(int(self.now.timestamp()), last + 1)
        packed = [*((_beside(place, name), pack(content)) for name, pack in names.items()), (place, content)]
        halves = [(target, _half(target, data, mtime)) for target, data in packed]
        for target, half in halves:
            half.replace(target)
        return True, mtime

    def _remove(self, current: Mapping[str, Made]) -> Iterator[str]:
        for path in self._before.keys() - current.keys():
            inside = ".." not in PurePosixPath(path).parts and not path.startswith("/")
            if inside and (self.path / path).is_file():
                for one in (self.path / path, *(_beside(self.path / path, name) for name in NEIGHBOURS)):
                    _half_of(one).unlink(missing_ok=True)
                    one.unlink(missing_ok=True)
                yield path


def _made(files: Mapping[str, Made], problems: list[Problem]) -> Iterator[tuple[str, bytes]]:
    for path, made in files.items():
        try:
            yield path, made.make()
        except Exception as error:  # noqa: BLE001 - one file that cannot be made must not stop the others
            told = str(error) if isinstance(error, PublisherError) else f"{type(error).__name__}: {error}"
            problems.append(Problem(path, f"it cannot be made: {told}", "The file stays as it was."))


def _batched(paths: Sequence[str], size: int) -> Iterator[Sequence[str]]:
    return (paths[start : start + size] for start in range(0, len(paths), size))


def _beside(place: Path, name: str) -> Path:
    return place.with_name(place.name + name)


def _mtime(place: Path) -> int | None:
    try:
        return int(place.stat().st_mtime)
    except OSError:
        return None


def _half_of(place: Path) -> Path:
    return place.with_name(f".{place.name}.half")


def _half(place: Path, content: bytes, mtime: int | None) -> Path:
    """Write a file whole and lastingly, beside its place."""
    half = _half_of(place)
    file = os.open(half, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o666)
    try:
        view = memoryview(content)
        while view:
            view = view[os.write(file, view) :]
        if mtime is not None:
            os.utime(file, (mtime, mtime))
        os.fsync(file)
    finally:
        os.close(file)
    return half


def _rename_into(place: Path, content: bytes, mtime: int | None) -> None:
    place.parent.mkdir(parents=True, exist_ok=True)
    _half(place, content, mtime).replace(place)


def _records(manifest: Path) -> Iterator[tuple[str, _Record]]:
    """What an earlier build wrote; a list that is no longer readable remembers nothing."""
    try:
        known = json.loads(manifest.read_text("utf-8"))
    except (FileNotFoundError, ValueError):
        return
    paths = known if isinstance(known, dict | list) else ()  # a list is what an older Publisher wrote
    for path in paths:
        entry = known[path] if isinstance(known, dict) else None
        match entry:
            case [str(key), int(mtime)]:
                yield str(path), _Record(key, mtime)
            case _:
                yield str(path), _Record("", 0)


def _listed(records: Mapping[str, _Record]) -> bytes:
    lines = {path: [record.key, record.mtime] for path, record in sorted(records.items())}
    return json.dumps(lines, indent=0, ensure_ascii=False).encode()
