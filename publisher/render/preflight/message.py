"""The message as a mail program and a relay read it: fields, lines, characters, and the one-click fields."""

import re
from collections.abc import Iterator

from publisher.render.preflight.reading import Reading, is_local
from publisher.render.preflight.verdict import Facts, Finding, quoted, weighed

_ONCE = ("From", "To", "Date", "Message-ID", "Subject", "MIME-Version", "List-ID")
_AT_MOST_ONCE = ("List-Unsubscribe", "List-Unsubscribe-Post", "Reply-To", "Sender", "Content-Type")
_LONGEST, _AIM, _ENCODED = 998, 78, 76  # RFC 5322 §2.1.1; RFC 2045 §6.7 and §6.8
_CONTROL = re.compile(rb"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
_BARE = re.compile(rb"\r(?!\n)|(?<!\r)\n")
_HIDDEN_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")
_BRACKETS = re.compile(r"<([^<>]*)(?:>|$)")
_FOLDABLE = re.compile(rb"(?:^[!-9;-~]+:[ \t]*|^[ \t]+)\S+[ \t]+\S")
_FIELD = re.compile(rb"[!-9;-~]+:")  # RFC 5322 §2.2
_ID = re.compile(r"<[^<>@\s]+@([^<>@\s]+)>")
_REPLY = re.compile(r"(?:\[[^\]]*\]\s*)?(re|fwd?|aw|wg|sv|antw)(?:\[\d+\]|\^\d+)?\s*[:：]", re.IGNORECASE)
_SENDER_ID = re.compile(r"[A-Za-z0-9._-]{5,15}")
_ONE_CLICK = "List-Unsubscribe=One-Click"


def headers(reading: Reading, facts: Facts) -> Finding:
    """Whether the message is well formed."""
    wrong = [*_count_faults(reading), *_shape_faults(reading), *_line_faults(reading), *_character_faults(reading)]
    wrong += [f"as a mail program reads it: {defect}" for defect in reading.defects]
    head = reading.raw.partition(b"\r\n\r\n")[0]
    long = [line for line in head.split(b"\r\n") if _AIM < len(line) <= _LONGEST and _FOLDABLE.match(line)]
    doubtful = [f"the line {quoted(_ascii(line[:40]))} has {len(line)} characters; fold it at {_AIM}" for line in long]
    advice = "The press writes these itself: take line breaks and control characters out of names, titles and texts."
    return weighed("every field is there once, and every line is whole", wrong=wrong, doubtful=doubtful, advice=advice)


def _count_faults(reading: Reading) -> Iterator[str]:
    for name in (*_ONCE, *_AT_MOST_ONCE):
        number = len(reading.values(name.lower()))
        if number > 1:
            yield f"{name} stands {number} times"
        elif not number and name in _ONCE:
            yield f"{name} is missing"
    # RFC 2369 §2: what stands in the brackets is an address and nothing else (cpython#85725 encodes it).
    for value in _BRACKETS.findall(reading.value("list-unsubscribe")):
        if "=?" in value or re.search(r"\s", value):
            yield f"List-Unsubscribe has an encoded word or a space in <{quoted(value)[1:-1]}>"


def _shape_faults(reading: Reading) -> Iterator[str]:
    kind = reading.value("content-type").partition(";")[0].strip().lower()
    kinds = [part.kind for part in reading.parts]
    if kind != "multipart/alternative" or kinds != ["text/plain", "text/html"]:
        yield "the message is not multipart/alternative with text/plain, then text/html (RFC 2046 §5.1.4)"
    for part in reading.parts:
        # Gmail clips a message in any other character set (hteumeuleu/email-bugs#41).
        if part.charset.lower() not in ("utf-8", "us-ascii") or part.broken:
            yield f"{part.kind} is not in UTF-8"


def _line_faults(reading: Reading) -> Iterator[str]:
    head, _, body = reading.raw.partition(b"\r\n\r\n")
    for number, line in enumerate(head.split(b"\r\n")):
        if not _FIELD.match(line) and not (number and line.startswith((b" ", b"\t"))):
            yield f"the line {quoted(_ascii(line[:40]))} is no field"
        if len(line) > _LONGEST:
            yield f"the line {quoted(_ascii(line[:40]))} has {len(line):,} characters, more than {_LONGEST}"
    long = max(map(len, body.split(b"\r\n")))
    if long > _ENCODED:
        yield f"a line of the body has {long:,} characters, more than {_ENCODED}"


def _character_faults(reading: Reading) -> Iterator[str]:
    if not reading.raw.isascii():
        yield "there are bytes beyond 7 bits"
    if _BARE.search(reading.raw):
        yield "a line ends in CR or LF alone"
    if _CONTROL.search(reading.raw):
        yield "there are control characters in the message"
    for name, text in (("subject", reading.subject), ("text", reading.text), ("page", reading.page)):
        match = _HIDDEN_CONTROL.search(text)
        if match:
            near = quoted(text[max(0, match.start() - 20) : match.end() + 20])
            yield f"the {name} holds the control character U+{ord(match[0]):04X}, near {near}"


def _ascii(line: bytes) -> str:
    return line.decode("ascii", "replace")


def https(reading: Reading, facts: Facts) -> Finding:
    url, wrong = reading.unsubscribe, list[str]()
    if facts.local:
        wrong.append("the publication's address is on this machine or a private network")
    if url and not url.lower().startswith("https:"):
        wrong.append(f"the unsubscribe address {quoted(url)} is not https")
    if url and is_local(url) and not facts.local:
        wrong.append(f"the unsubscribe address {quoted(url)} is on a private network")
    advice = 'Set url = "https://…" under [publication] to the address that readers reach.'
    return weighed("links of ours are on https, for everyone", wrong=wrong, advice=advice)


def one_click(reading: Reading, facts: Facts) -> Finding:
    posts, wrong = reading.values("list-unsubscribe-post"), list[str]()
    if not reading.values("list-unsubscribe"):
        wrong.append("List-Unsubscribe is missing")
    elif not reading.unsubscribe:
        wrong.append("List-Unsubscribe has no web address in <>")
    if not posts:
        wrong.append("List-Unsubscribe-Post is missing")
    elif any(post != _ONE_CLICK for post in posts):
        wrong.append(f"List-Unsubscribe-Post says {quoted(posts[0])}")
    advice = f"The copy needs List-Unsubscribe: <https://…> and List-Unsubscribe-Post: {_ONE_CLICK}."
    return weighed("both fields are there", wrong=wrong, advice=advice)


def message_id(reading: Reading, facts: Facts) -> Finding:
    written, sender = reading.value("message-id").strip(), reading.sender_domain or facts.sender_domain.lower()
    match, wrong = _ID.fullmatch(written), list[str]()
    if not match:
        wrong.append(f"{quoted(written)} is no Message-ID")
    elif match[1].lower() != sender:
        wrong.append(f"Message-ID is on {quoted(match[1])}, and From on {quoted(sender)}")
    return weighed(f"it is on {sender}", wrong=wrong, advice=f"Write <something unique@{sender}>.")


def feedback_id(reading: Reading, facts: Facts) -> Finding:
    written, wrong = reading.values("feedback-id"), list[str]()
    if not written:
        return weighed("", doubtful=["there is none"], advice="With one, Google tells which edition readers report.")
    if len(written) > 1:
        wrong.append(f"it stands {len(written)} times")
    parts = written[0].split(":")
    if len(parts) != 4:
        wrong.append(f"{quoted(written[0])} has {len(parts)} fields, not four")
    if not _SENDER_ID.fullmatch(parts[-1].strip()):
        wrong.append(f"its last field, {quoted(parts[-1])}, is no sender of 5 to 15 letters and digits")
    if reading.recipient and reading.recipient.lower() in written[0].lower():
        wrong.append("it names the reader")
    advice = "Write edition:newsletter:layout:sender, such as 2026-11-20:briefing:digest:journalexample."
    return weighed("four fields, the last says who sends", wrong=wrong, advice=advice)


def no_fake_reply(reading: Reading, facts: Facts) -> Finding:
    match = _REPLY.match(reading.subject.strip())
    wrong = [f"the subject begins with {quoted(match[0])}"] if match else []
    advice = "Nobody wrote before: begin with the news."
    return weighed("the subject does not pretend to answer", wrong=wrong, advice=advice)
