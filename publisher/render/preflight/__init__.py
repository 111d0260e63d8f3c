"""The preflight of an edition: what a printed copy and a few facts tell before anything is sent.

Pure: nothing is asked, written or sent, and no copy, however broken, makes it raise. What stands in DNS or at the
mailbox providers "cannot be seen from here". A check that fails stops a sending unless an editor accepts its name.
"""

from collections.abc import Callable, Collection, Iterable

from publisher.model.delivery import Copy
from publisher.render.preflight import authentication, message, page, words
from publisher.render.preflight.reading import Reading, read
from publisher.render.preflight.verdict import Check, Facts, Finding, Verdict
from publisher.render.preflight.words import links

__all__ = ["NAMES", "Check", "Facts", "Verdict", "blocking", "examine", "links"]

_GOOGLE = "Google 81126"
_BULK = f"{_GOOGLE}, Yahoo Sender Hub"
_ALL = f"{_BULK}, Microsoft 5.7.515"

_CHECKS: tuple[tuple[str, str, Callable[[Reading, Facts], Finding]], ...] = (
    ("size", "Gmail clips at 102 KB; email-bugs #21, #90", page.size),
    ("alt", "WCAG 2.2 §1.1.1", page.alt),
    ("contrast", "WCAG 2.2 §1.4.3", page.contrasts),
    ("links", "RFC 3986 §4.3", words.addresses),
    ("alive", "RFC 9110 §15", words.alive),
    ("unsubscribe", f"{_GOOGLE}, RFC 8058 §3.1", words.unsubscribe),
    ("text", "RFC 2046 §5.1.4, RFC 5322 §2.1.1", words.text),
    ("language", "WCAG 2.2 §3.1.1, RFC 5646", page.language),
    ("pictures", "caniemail.com: image formats, width", page.pictures),
    ("headers", "RFC 5322 §2.1.1, §3.6; RFC 2045 §6.7; RFC 2369 §2; RFC 2919 §3", message.headers),
    ("holes", "the marks of our own press", words.holes),
    ("https", "RFC 8058 §3.1", message.https),
    ("spf", f"{_ALL}; RFC 7208", authentication.spf),
    ("dkim", f"{_ALL}; RFC 6376, RFC 8058 §4", authentication.dkim),
    ("dmarc", f"{_ALL}; RFC 9989", authentication.dmarc),
    ("tls", _GOOGLE, authentication.tls),
    ("ptr", _BULK, authentication.ptr),
    ("spam-rate", _BULK, authentication.spam_rate),
    ("one-click", f"{_BULK}; RFC 8058 §3.1", message.one_click),
    ("body-unsubscribe", f"{_BULK}, Microsoft (recommended)", words.body_unsubscribe),
    ("from-alignment", f"{_ALL}; RFC 9989", authentication.from_alignment),
    ("message-id", f"{_GOOGLE}; RFC 5322 §3.6.4", message.message_id),
    ("feedback-id", "Google 6254652", message.feedback_id),
    ("no-fake-reply", f"{_GOOGLE}; RFC 5322 §3.6.5", message.no_fake_reply),
    ("hidden-content", f"{_GOOGLE}; new Outlook ignores [if mso]", page.hidden_content),
)
NAMES: tuple[str, ...] = tuple(name for name, _, _ in _CHECKS)


def examine(copy: Copy, facts: Facts) -> tuple[Check, ...]:
    """Every check, in the order of NAMES, of the copy of a reader of everything."""
    reading = read(copy)
    return tuple(Check(name, *look(reading, facts), reference) for name, reference, look in _CHECKS)


def blocking(checks: Iterable[Check], accepted: Collection[str]) -> tuple[Check, ...]:
    """The checks that stop a sending: they failed, and nobody accepted them by name."""
    return tuple(check for check in checks if check.verdict is Verdict.FAIL and check.name not in accepted)
