"""Markdown as newsrooms write it: CommonMark with tables and struck text."""

from markdown_it import MarkdownIt


def to_html(text: str) -> str:
    """HTML that is not yet sanitised: raw HTML in the text is kept as it is."""
    return str(MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"]).render(text))
