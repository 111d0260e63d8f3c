"""Ask a server as a source does: what is no answer is a SourceError that says so, and when to come again."""

import json
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from publisher.errors import FetchError, SourceError
from publisher.ports import Http, Response

_LONGEST_WAIT = timedelta(days=1)


async def ask(
    http: Http,
    url: str,
    now: datetime,
    headers: Mapping[str, str] | None = None,
    *,
    good: tuple[int, ...] = (200, 304),
) -> Response:
    """GET; any other status than a `good` one raises SourceError, with the server's Retry-After (RFC 9110 §10.2.3)."""
    try:
        answer = await http.get(url, headers)
    except FetchError as error:
        raise SourceError(str(error)) from None
    if answer.status not in good:
        later = answer.retry_after(now)
        again = f" and wants to be asked again after {later:%Y-%m-%d %H:%M} UTC" if later else ""
        raise SourceError(f"{shown(url)} answered {answer.status}{again}.", later)
    return answer


def shown(url: str) -> str:
    """The address for messages: without passwords, and of a query the names alone."""
    from publisher.fetch import shown as without_secrets  # slow to import, and a folder asks nobody

    return without_secrets(url)


def parsed_json(answer: Response, where: str) -> Any:
    """The JSON of an answer; SourceError where it is something else, a login page for example."""
    try:
        return json.loads(answer.content)
    except (ValueError, RecursionError) as error:
        line = f":{error.lineno}:{error.colno}" if isinstance(error, json.JSONDecodeError) else ""
        raise SourceError(f"{where}{line} is not JSON: {getattr(error, 'msg', error)}.") from None
