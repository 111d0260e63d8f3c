"""publisher init, demo: a new newsroom."""

import asyncio
import tempfile
import time
from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from publisher.cli.opening import now, output
from publisher.errors import PublisherError, UsageError

if TYPE_CHECKING:
    from publisher.app import App

_STARTER = """\
# Your newsroom. Every key is explained in config.example.toml.

[publication]
name = "My Journal"
url = "http://127.0.0.1:8000"      # where readers will find the site
timezone = "UTC"                   # the newsroom's clock, such as "Asia/Karachi"
language = "en"
kinds = ["Analysis", "Opinion"]    # labels before a headline: "Analysis: …"
secret_key_file = "var/secret.key"

[[section]]
path = "news"
title = "News"

[[source]]
name = "desk"
type = "folder"                    # Markdown and HTML files with front matter
path = "articles"

[[newsletter]]
name = "briefing"
title = "The Briefing"
from = "My Journal <briefing@journal.example>"
schedule = { daily = "0 7 * * mon-fri", weekly = "0 9 * * sat" }

[transport]
type = "folder"                    # writes mail/*.eml; change to "smtp" when you are ready
path = "mail"

[preflight]
accept = ["https"]                 # remove this line when the site has its https address
"""
_FIRST_ARTICLE = """\
---
title: "Analysis: The first story"
standfirst: What a reader learns before the first paragraph.
author: A. Writer
date: {date}
---

Replace this file with your own. The folder it stands in is its section.
"""


def init(
    context: typer.Context,
    folder: Annotated[Path, typer.Argument(help="Where; this folder by default.")] = Path(),
    demo: Annotated[bool, typer.Option("--demo", help="With a sample journal and its readers.")] = False,
) -> None:
    """Make a new newsroom."""
    from publisher import app
    from publisher.demo.journal import lay_out, write_secret

    out, path = output(context), folder / "config.toml"
    for there in (path, *((folder / name for name in ("articles", "static", "readers.csv")) if demo else ())):
        if there.exists():
            raise UsageError(f"{there} exists. Nothing was changed; choose an empty folder.")
    if demo:
        lay_out(folder, now(), url="http://127.0.0.1:8000", site_port=8000, smtp_port=8025)
        text = path.read_text("utf-8")
        smtp = text[text.index("[transport]") : text.index("[site]")]
        path.write_text(text.replace(smtp, '[transport]\ntype = "folder"\npath = "mail"\n\n'), "utf-8")
    else:
        (folder / "articles" / "news").mkdir(parents=True, exist_ok=True)
        first = folder / "articles" / "news" / "first-story.md"
        if not first.exists():
            first.write_text(_FIRST_ARTICLE.format(date=now().isoformat(timespec="minutes")), "utf-8")
        (folder / "readers.csv").touch()
        if not (folder / "readers.csv").read_text("utf-8"):
            (folder / "readers.csv").write_text("address,name,newsletter,sections,cadence\n", "utf-8")
        write_secret(folder / "var" / "secret.key")
        path.write_text(_STARTER, "utf-8")
    with app.opened(path, now()) as made:
        if demo:
            _import(made)
    at = "" if folder == Path() else f"--config {path} "
    out.say(f"A newsroom in {folder.resolve()}. Next:")
    for command in ("check", "subscribers import readers.csv", "gather", "editions build briefing", "editions send 1"):
        out.say(f"  publisher {at}{command}")


def _import(made: "App") -> None:
    from publisher.pipeline.readers import import_csv

    room = made.newsroom
    readers = made.root / "readers.csv"
    import_csv(room.database, readers, room.newsletters, room.publication, "", now(), dry_run=False)


def demo(
    context: typer.Context,
    once: Annotated[bool, typer.Option("--once", help="Exit when it is done, instead of serving.")] = False,
    directory: Annotated[Path | None, typer.Option("--dir", help="Keep everything here.")] = None,
) -> None:
    """The whole press on the sample journal; mail is caught on this machine."""
    from publisher import app
    from publisher.demo import stage

    out = output(context)
    with ExitStack() as open_things:
        folder = directory or Path(open_things.enter_context(tempfile.TemporaryDirectory(prefix="publisher-demo-")))
        started = time.monotonic()
        made = open_things.enter_context(app.opened(stage.prepare(folder, now()), now()))
        catching = stage.catcher(made)
        try:
            catching.start()
        except OSError as error:
            raise PublisherError(f"the mail catcher cannot start: {error.strerror}. Is another demo running?") from None
        open_things.callback(catching.stop)
        account = stage.perform(made, now, catching, out.say)
        _tell(context, made, asdict(account), time.monotonic() - started, once=once)
        if not once:
            _wait(made)


def _tell(context: typer.Context, made: "App", account: "dict[str, object]", seconds: float, *, once: bool) -> None:
    out, url = output(context), made.newsroom.publication.url
    site = str(made.newsroom.site.path / "index.html") if once else f"{url}/"
    mail = str(made.root / "mail") if once else f"{url}/caught-mail/"
    out.record({**account, "seconds": round(seconds, 1), "the site": site, "the caught mail": mail})
    if not once:
        out.say("Open them in a browser. Ctrl-C ends the demo.")


def _wait(made: "App") -> None:
    from publisher.cli.running import serve_until_stopped
    from publisher.demo.stage import pages

    site = made.config.site
    asyncio.run(serve_until_stopped(pages(made, now), site.host, site.port))
