"""Where in a page its own story stands, so that nothing is taken from the stories around it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from publisher.sources.page.facts import Page, fold, select, words
from publisher.sources.page.noise import is_foreign

_TAGDIV = ".td-post-content, .tdb_single_content"
_USUAL = (
    "[itemprop~=articleBody], .entry-content, .post-content, .article-content, .article-body, .article__body,"
    " .article__content, .story-body, .post-body, .post__content"
)


@dataclass(frozen=True, slots=True)
class Story:
    """`content` holds the text, and `named_by` says who calls it so; None and empty where that is not clear.

    `scope` is the smallest known element around heading, byline and text; `order` numbers what stands in it.
    """

    heading: Any
    content: Any
    named_by: str
    scope: Any
    order: Mapping[Any, int]

    def owns(self, element: Any) -> bool:
        """Whether it stands in the story's part of the page, as far as the page has one."""
        return not is_foreign(element) and (self.scope is None or self.scope in element.iterancestors())

    def holds(self, element: Any) -> bool:
        """Whether it stands in the text itself."""
        return self.content is not None and self.content in (element, *element.iterancestors())

    def introduces(self, element: Any) -> bool:
        """Whether it stands where a byline does: in one `header` with the heading, or between heading and text."""
        if self.scope is None or self.heading is None:
            return False
        header = next(self.heading.iterancestors("header"), None)
        if header is not None and header in element.iterancestors():
            return True
        end = self.order.get(self.content, len(self.order))
        return self.order.get(self.heading, end) < self.order.get(element, -1) < end


def find(page: Page) -> Story:
    heading = _heading(page)
    content, named_by = _content(page)
    scope = _scope(page, heading, content)
    order = {each: number for number, each in enumerate(scope.iter())} if scope is not None else {}
    return Story(heading, content, named_by, scope, order)


def _heading(page: Page) -> Any:
    """A logo is often an `h1` too, but says less of the document's title."""
    titles = "".join(fold(words(each)) for each in select(page.tree, "head > title"))
    found = [each for each in select(page.tree, "h1") if not is_foreign(each) and words(each)]
    return max(found, key=lambda each: len(fold(words(each))) if fold(words(each)) in titles else 0, default=None)


def _content(page: Page) -> tuple[Any, str]:
    """Two elements that could hold the text are a list of stories, and no answer."""
    for css, named_by in ((_TAGDIV, "theme"), (_USUAL, "html")):
        found = [each for each in select(page.tree, css) if not is_foreign(each) and words(each)]
        known = set(found)
        outermost = [each for each in found if known.isdisjoint(each.iterancestors())]
        if len(outermost) == 1:
            return outermost[0], named_by
    return None, ""


def _scope(page: Page, heading: Any, content: Any) -> Any:
    """The heading's `article`, else what holds heading and text together, else the page's only `article`."""
    known = heading if heading is not None else content
    if known is None:
        articles = list(page.tree.iter("article"))
        return articles[0] if len(articles) == 1 else None
    article = next(known.iterancestors("article"), None)
    if article is not None or content is None:
        return article if article is not None else next(known.iterancestors("main"), None)
    around = set(content.iterancestors())
    return next((each for each in known.iterancestors() if each in around), None)
