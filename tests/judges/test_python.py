"""Python's own parser: a copy is read as it was meant, with nothing to forgive."""

from email import message_from_bytes
from email.policy import default


def test_every_copy_parses_without_a_defect(messages):
    for name, message in messages.items():
        parsed = message_from_bytes(message, policy=default)

        parts = [part.get_content_type() for part in parsed.walk()]
        defects = [defect for part in parsed.walk() for one in (part, *part.values()) for defect in one.defects]

        assert (name, parts, defects) == (name, ["multipart/alternative", "text/plain", "text/html"], [])
