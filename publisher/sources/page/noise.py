"""Which parts of a page are not its article, told by what themes and plugins call them.

The names are those of tagDiv, WordPress and its usual plugins, and of common advertising scripts.
"""

import re
from functools import lru_cache
from typing import Any

_NEVER = ("html", "body", "main", "article")  # their classes describe the article: tag-newsletter, has-sidebar
_ELSEWHERE = re.compile(
    r"related|related[-_].*|.*[-_]related|.*[-_]related[-_].*|.*relatedposts.*|yarpp.*"
    r"|td_module_.*|td_mod_.*|td_flex_block.*|td_block_\d+|td_block_(?:big_grid|trending|slide|popular).*"
    r"|(?:latest|recent|more)[-_](?:posts|stories|news|articles).*|wp-block-(?:latest-posts|query|rss).*"
    r"|popular|popular[-_].*|trending|trending[-_].*|most[-_](?:read|popular|viewed).*|recommend.*|taboola.*|outbrain.*"
    r"|sidebar|sidebar[-_].*|.*[-_]sidebar|widget|widgets|widget[-_].*"
    r"|comments?|comments?[-_](?:area|list|section|form|wrap|wrapper|respond|box)|commentlist|respond|disqus.*"
    r"|breadcrumbs?|.*[-_]breadcrumbs?|tdb_header_.*|tdb-head.*|masthead|site-(?:header|footer|nav.*)|footer"
    r"|(?:read|see)[-_]also.*|also[-_]read.*|more[-_]on(?:[-_].*)?|fb[-_]comments.*"
    r"|menu|navbar|post-navigation|nav-links|teasers?|next-prev.*",
    re.IGNORECASE,
)
_FURNITURE = re.compile(
    r"share|sharing|share[-_].*|sharedaddy|social[-_](?:share|sharing|icons|links|media).*|addtoany.*|a2a_kit|addthis.*"
    r"|td-post-sharing.*|tdb_single_post_share|jp-.*like.*"
    r"|author[-_](?:box|bio|info|card|profile).*|tdb-author.*|tdb_single_author_box|td-author-.*|about-author"
    r"|post-author.*|post-tags|tags-links|td-post-source-tags|entry-meta|post-meta"
    r"|td-module-title|td-related.*|td-post-featured-image"
    r"|ads?|ad[-_](?:slot|container|wrapper|unit|block).*|advert.*|adsbygoogle|td-a-rec.*|td-adspot.*|code-block-\d+"
    r"|google[-_]?ad.*|gpt-ad.*|div-gpt-ad.*"
    r"|newsletter|newsletter[-_].*|subscri(?:be|ption)[-_].*|mc4wp.*|paywall[-_].*|pay-barrier|meter-reminder"
    r"|screen-reader-text|visually-hidden|sr-only|cookie[-_].*|popup|modal",
    re.IGNORECASE,
)
_MACHINERY = (
    "script", "style", "noscript", "template", "form", "button", "input", "select", "textarea", "nav", "svg",
    "object", "embed", "link", "meta",
)  # fmt: skip
_BOXES = ("div", "section", "aside", "ul", "ol")
_HIDDEN = re.compile(r"display\s*:\s*none|visibility\s*:\s*hidden", re.IGNORECASE)
_HUMP = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
# What introduces links to other stories. English first, then what the large languages of the web write.
_ANNOUNCES = re.compile(
    r"related(?: (?:articles?|content|coverage|links?|news|posts?|reading|stor(?:y|ies)|topics?))?"
    r"|(?:read|see) (?:also|more|next)|also (?:read|see)|more (?:on|about|from)\b.{0,60}|more (?:stories|news|articles)"
    r"|recommended(?: (?:articles?|reading|stories|for you))?|you (?:may|might) also (?:like|be interested in)"
    r"|don['’]t miss|lesen sie auch|mehr zum thema|l(?:e|é)a también|le(?:e|é) también|te puede interesar"
    r"|relacionad[oa]s?|(?:à )?lire aussi|leia (?:também|mais)|veja também|leggi anche|lees ook",
    re.IGNORECASE,
)


def is_foreign(element: Any) -> bool:
    """Whether it stands in another story, the site's frame or the readers' comments."""
    return any(each.tag == "aside" or _is_elsewhere(each) for each in (element, *element.iterancestors()))


def announces(text: str) -> bool:
    """Whether it is the label of links to other stories: "Related", "Read also"."""
    return bool(_ANNOUNCES.fullmatch(text.strip(" \u00a0:.…-–—>»›→|•*")))


def prune(root: Any) -> None:
    """Remove from below `root` all that is no part of the article's text."""
    for element in list(root.iterdescendants()):
        noise = (
            element.tag in _MACHINERY
            or element.get("hidden") is not None
            or _HIDDEN.search(element.get("style") or "")
            or (element.get("aria-hidden") == "true" and element.tag not in _NEVER)
            or (element.tag in _BOXES and announces(element.get("aria-label") or ""))
            or (element.tag == "aside" and not any(True for _ in element.iter("blockquote", "figure")))
            or _is_elsewhere(element)
            or _is_named(element, _FURNITURE)
        )
        if noise and element.getparent() is not None:
            element.drop_tree()


def _is_elsewhere(element: Any) -> bool:
    if element.tag == "footer":
        return not any(each.tag == "article" for each in element.iterancestors())
    return element.tag == "nav" or _is_named(element, _ELSEWHERE)


def _is_named(element: Any, names: re.Pattern[str]) -> bool:
    if element.tag in _NEVER:
        return False
    given = f"{element.get('class') or ''} {element.get('id') or ''}"
    return any(_matches(names, name) for name in given.split())


@lru_cache(maxsize=8192)
def _matches(names: re.Pattern[str], name: str) -> bool:
    """Also where the words of a name are told apart by capitals alone: relatedArticles."""
    return bool(names.fullmatch(name) or names.fullmatch(_HUMP.sub("-", name)))
