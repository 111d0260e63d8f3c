"""The `publisher` command: global options, and the commands under it."""

import logging
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import structlog
import typer

from publisher.cli import articles, editions, feeds, founding, newsroom, running, sources, subscribers
from publisher.cli.output import Output
from publisher.errors import ConfigError, PublisherError

_SWITCHES = {"--json", "--yes", "-y", "--no-input", "--quiet", "-q", "--no-color"}
_EPILOG = (
    "Global options may stand anywhere. Exit codes: 0 done, 1 failed, 2 wrong usage or configuration, "
    "3 done in part, 4 a confirmation was needed and nobody could be asked."
)

app = typer.Typer(
    help="A newsroom's press: articles in; digests, feeds and pages out.",
    epilog=_EPILOG,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
app.add_typer(sources.app, name="sources")
app.add_typer(articles.app, name="articles")
app.add_typer(editions.app, name="editions")
app.add_typer(feeds.app, name="feeds")
app.add_typer(subscribers.app, name="subscribers")
app.command("init")(founding.init)
app.command("demo")(founding.demo)
app.command("check")(newsroom.check)
app.command("gather")(newsroom.gather)
app.command("build")(newsroom.build)
app.command("status")(newsroom.status)
app.command("serve")(running.serve)
app.command("run")(running.run)


@app.callback()
def options(
    context: typer.Context,
    config: Annotated[Path, typer.Option(help="The newsroom's configuration.", envvar="PUBLISHER_CONFIG")] = Path(
        "config.toml"
    ),
    json: Annotated[bool, typer.Option("--json", help="Print JSON on stdout.")] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Answer yes to every question.")] = False,
    no_input: Annotated[bool, typer.Option("--no-input", help="Never ask; exit 4 instead.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Say nothing but data and errors.")] = False,
    no_color: Annotated[bool, typer.Option("--no-color", help="Print without colour.")] = False,
) -> None:
    context.obj = Output(config, json, yes, no_input, quiet, no_color)
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso"),
            structlog.processors.LogfmtRenderer(key_order=["timestamp", "level", "event"], bool_as_flag=False),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=False,
    )


def main(arguments: Sequence[str] | None = None) -> None:
    """Run a command; errors for the editor go to stderr, with the exit code of their kind."""
    try:
        app(args=hoisted(sys.argv[1:] if arguments is None else arguments), prog_name="publisher")
    except ConfigError as error:
        plural = "mistake" if len(error.problems) == 1 else "mistakes"
        print(f"{error}\n{len(error.problems)} {plural}. Nothing was changed.", file=sys.stderr)
        sys.exit(error.exit_code)
    except PublisherError as error:
        print(f"publisher: {error}", file=sys.stderr)
        sys.exit(error.exit_code)
    except BrokenPipeError:
        sys.stderr.close()
        sys.exit(0)
    except OSError as error:
        place = f"{error.filename}: " if error.filename else ""
        print(f"publisher: {place}{error.strerror or error}.", file=sys.stderr)
        sys.exit(1)
    except Exception as error:
        if type(error).__module__.startswith("sqlalchemy"):
            print(f"publisher: the database failed: {getattr(error, 'orig', error)}", file=sys.stderr)
            sys.exit(1)
        raise


def hoisted(arguments: Sequence[str]) -> list[str]:
    """Move global options to the front, where the parser wants them, from wherever the editor wrote them."""
    front: list[str] = []
    rest: list[str] = []
    waiting = list(arguments)
    while waiting:
        argument = waiting.pop(0)
        if argument == "--":
            rest += [argument, *waiting]
            break
        if argument in _SWITCHES or argument.startswith("--config="):
            front.append(argument)
        elif argument == "--config" and waiting:
            front += [argument, waiting.pop(0)]
        else:
            rest.append(argument)
    return front + rest
