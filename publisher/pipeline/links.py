"""Ask whether links answer. Nothing is written; asking again is safe.

Only what may be followed without a reader: whoever calls leaves out addresses that unsubscribe or show what is theirs.
"""

import asyncio
from collections.abc import Collection

from publisher.errors import FetchError
from publisher.fetch import shown
from publisher.ports import Http

_AT_ONCE = 8
_THERE = {401, 403, 405, 429}  # somebody answers, if not to us: a paywall, or a guard against robots


async def ask(urls: Collection[str], http: Http) -> dict[str, str]:
    """By address: "" where it answers, else what is wrong, such as "404" or "no answer: …".

    `http` is open. Addresses that differ in the fragment alone are asked once.
    """
    bare = {url: url.partition("#")[0] for url in urls}
    turns = asyncio.Semaphore(_AT_ONCE)

    async def one(address: str) -> str:
        async with turns:
            return await _wrong_with(address, http)

    distinct = list(dict.fromkeys(bare.values()))
    answers = dict(zip(distinct, await asyncio.gather(*map(one, distinct)), strict=True))
    return {url: answers[address] for url, address in bare.items()}


async def _wrong_with(address: str, http: Http) -> str:
    try:
        answer = await http.get(address)
    except FetchError as error:
        reason = str(error).removeprefix(shown(address)).removeprefix(" cannot be fetched:").strip()
        return f"no answer: {reason}"
    return "" if 200 <= answer.status < 300 or answer.status in _THERE else str(answer.status)
