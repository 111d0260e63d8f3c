"""Who vouches for the sender. Most of it stands in DNS or at the mailbox providers, where a copy cannot look."""

import re

from publisher.render.preflight.reading import Reading
from publisher.render.preflight.verdict import Facts, Finding, quoted, unseen, weighed

_MUST_BE_SIGNED = ("From", "List-Unsubscribe", "List-Unsubscribe-Post")  # RFC 6376 §5.4; RFC 8058 §4
_TAG = re.compile(r"([A-Za-z]\w*)\s*=\s*([^;]*)")
# Mail that claims to come from these, sent by anybody else, is rejected or quarantined (DMARC).
_MAILBOX_PROVIDERS = (
    "gmail.com", "googlemail.com", "yahoo.com", "ymail.com", "aol.com", "outlook.com", "hotmail.com", "live.com",
    "msn.com", "icloud.com", "me.com", "mac.com", "proton.me", "protonmail.com", "gmx.de", "gmx.net", "web.de",
)  # fmt: skip


def spf(reading: Reading, facts: Facts) -> Finding:
    domain = facts.bounce_domain or facts.sender_domain
    return unseen(f"look at the TXT record of {domain}: v=spf1 must list every server that your mail leaves from")


def dkim(reading: Reading, facts: Facts) -> Finding:
    signatures = [dict(_TAG.findall(value)) for value in reading.values("dkim-signature")]
    if not facts.signed and not signatures:
        return unseen("nothing signs here; your relay must, with a key of at least 1024, better 2048 bits")
    wrong = list[str]()
    for tags in signatures:
        domain, names = tags.get("d", "").strip(), {name.strip().lower() for name in tags.get("h", "").split(":")}
        missing = [name for name in _MUST_BE_SIGNED if name.lower() not in names]
        if missing:
            wrong.append(f"the signature of {quoted(domain)} leaves out {', '.join(missing)}")
        if "l" in tags:
            wrong.append(f"the signature of {quoted(domain)} has l=, so anybody may add text (RFC 6376 §8.2)")
        if tags.get("a", "").strip().lower() == "rsa-sha1":
            wrong.append(f"the signature of {quoted(domain)} is rsa-sha1 (RFC 8301 §3.1 forbids it)")
    domains = facts.signed or tuple(tags.get("d", "").strip() for tags in signatures)
    good = f"signed by {', '.join(dict.fromkeys(domains))}; whether DNS has the public key is not seen from here"
    return weighed(good, wrong=wrong, advice="Sign both unsubscribe fields and From, with rsa-sha256, without l=.")


def dmarc(reading: Reading, facts: Facts) -> Finding:
    return unseen(f"look at the TXT record of _dmarc.{facts.sender_domain}: v=DMARC1; p=none is the least")


def tls(reading: Reading, facts: Facts) -> Finding:
    return unseen("look at the Received fields of a copy that arrived: they must say ESMTPS or TLS on each hop")


def ptr(reading: Reading, facts: Facts) -> Finding:
    return unseen("look up the IP address of the server that hands mail over: its name must lead back to the address")


def spam_rate(reading: Reading, facts: Facts) -> Finding:
    return unseen(f"look at Postmaster Tools for {facts.sender_domain}: below 0.10 %, and never 0.30 %")


def from_alignment(reading: Reading, facts: Facts) -> Finding:
    sender, expected = reading.sender_domain, facts.sender_domain.lower()
    advice = "Sign, or let mail bounce to, the domain of the From address or one above or below it."
    wrong = list[str]()
    if not sender:
        wrong.append("From has no address")
    elif sender != expected:
        wrong.append(f"From is on {quoted(sender)}, and the newsletter is sent from {quoted(expected)}")
    elif sender in _MAILBOX_PROVIDERS:
        wrong.append(f"only {sender} itself may send from {sender}; use an address on a domain of your own")
    vouching = (*facts.signed, facts.bounce_domain or sender)
    aligned = [domain for domain in vouching if _aligned(domain, sender)]
    if not wrong and not aligned and not facts.signed:
        bounces = facts.bounce_domain
        return unseen(f"mail bounces to {bounces}, which does not vouch for {sender}; your relay must sign as {sender}")
    if not wrong and not aligned:
        wrong.append(f"nothing vouches for {quoted(sender)}, only for {', '.join(dict.fromkeys(vouching))}")
    return weighed(f"{', '.join(dict.fromkeys(aligned))} vouches for {sender}", wrong=wrong, advice=advice)


def _aligned(one: str, other: str) -> bool:
    """Equal, or one is below the other: DMARC's relaxed alignment (RFC 9989) without the tree walk in DNS."""
    one, other = one.lower().rstrip("."), other.lower().rstrip(".")
    if "." not in one or "." not in other:  # a whole top-level domain vouches for nobody below it
        return one == other
    return f".{one}".endswith(f".{other}") or f".{other}".endswith(f".{one}")
