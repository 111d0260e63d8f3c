"""What had to be repaired is counted by kind."""

import pytest

from publisher.clean.repairs import survey


@pytest.mark.parametrize(
    ("markup", "found"),
    [
        ("<p>Nothing to mend, not even “quotes”.</p>", {}),
        ("a\x00b\x0bc", {"control characters": 2}),
        ("it\x92s", {"stray Windows-1252": 1}),
        ("a\ud800", {"lone surrogates": 1}),
        ("a\ufffe", {"non-characters": 1}),
        ("a\u202eb", {"bidi overrides": 1}),
        ("<script>x</script><SCRIPT>y</SCRIPT>", {"scripts": 2}),
        ('<p style="x">a</p><style>b</style>', {"styles": 2}),
        ('<p onclick="x">on the way = a</p>', {"event handlers": 1}),
        ('<a href="javascript:x">a</a>', {"script addresses": 1}),
        ('<iframe src="/v"></iframe><video></video>', {"embeds": 2}),
        ("<form><input></form>", {"forms": 1}),
    ],
)
def test_each_kind_is_counted(markup, found):
    assert dict(survey([], markup)) == found


def test_titles_count_too():
    assert survey(["a\x00", "b\u202e"], "") == {"control characters": 1, "bidi overrides": 1}
