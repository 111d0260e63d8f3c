"""Lay the sample journal out in a folder, its dates moved so that yesterday's paper is yesterday's."""

import re
import secrets
import shutil
from datetime import date, datetime, timedelta
from pathlib import Path

SAMPLE = Path(__file__).parent / "sample"
_NEWEST = date(2026, 11, 20)
_DATE_LINE = re.compile(r"^((?:date|modified)\s*[:=]\s*)(\d{4}-\d\d-\d\d)", re.MULTILINE)


def lay_out(folder: Path, now: datetime, *, url: str, site_port: int, smtp_port: int) -> Path:
    """Copy articles, pictures, readers and configuration; return the path of config.toml."""
    shift = now.date() - timedelta(days=1) - _NEWEST
    shutil.copytree(SAMPLE / "static", folder / "static", dirs_exist_ok=True)
    for file in sorted((SAMPLE / "articles").rglob("*")):
        if file.is_file():
            target = folder / "articles" / file.relative_to(SAMPLE / "articles")
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(_shifted(file.read_text("utf-8"), shift), "utf-8")
    shutil.copy(SAMPLE / "readers.csv", folder / "readers.csv")
    write_secret(folder / "var" / "secret.key")
    config = (SAMPLE / "config.toml").read_text("utf-8")
    for name, value in {"url": url, "site_port": str(site_port), "smtp_port": str(smtp_port)}.items():
        config = config.replace(f"@{name}@", value)
    path = folder / "config.toml"
    path.write_text(config, "utf-8")
    return path


def write_secret(path: Path) -> None:
    """Make the newsroom's secret key, readable by its owner alone; one that exists stays."""
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch(mode=0o600)
        path.write_text(secrets.token_urlsafe(48) + "\n", "utf-8")


def _shifted(text: str, shift: timedelta) -> str:
    head, fence, body = text[3:].partition(f"\n{text[:3]}\n")
    moved = _DATE_LINE.sub(lambda found: f"{found[1]}{date.fromisoformat(found[2]) + shift}", head)
    return f"{text[:3]}{moved}{fence}{body}"
