"""What a page shows of its article, where themes put it: tagDiv's first, then the names that many share."""

from collections.abc import Iterable, Iterator
from typing import Any

from publisher.clean import urls
from publisher.model.article import Author, Image, Related
from publisher.sources.page.facts import Facts, Page, fold, select, source, words
from publisher.sources.page.story import Story

_TAGDIV_CRUMBS = ".tdb-entry-crumb, .entry-crumbs a"
_CRUMBS = ".breadcrumb a, .breadcrumbs a, [class*=breadcrumb] a, [aria-label=breadcrumb] a"
_TAGDIV_AUTHOR = ".tdb-author-name, .td-post-author-name a"
_AUTHOR = "[rel~=author], [itemprop~=author] [itemprop~=name], .byline .fn, .byline .author, .author.vcard .fn"
_BOXES = ".tdb-author-box, .tdb_single_author_box, .author-box-wrap, .author-box, .about-author, .author-info"
_BOX_NAME = ".tdb-author-name, .td-author-name, .author-name, .fn, [rel~=author], [itemprop~=name]"
_BOX_TEXT = ".tdb-author-descr, .td-author-description, .author-description, .author-bio, [itemprop~=description]"
_STANDFIRST = (
    ".td-post-sub-title, .tdb_single_subtitle p, .entry-subtitle, .post-subtitle, .article-subtitle,"
    " .article__subtitle, .standfirst, .article__standfirst, .dek"
)
_TAGDIV_RELATED = ".tdb_single_related, .td_block_related_posts, .td-post-content"
_TAGDIV_TITLE = ".td-module-title a[href]"
_RELATED = (
    ".related, .related-posts, .relatedposts, .related-articles, .related-stories, .jp-relatedposts, .yarpp-related,"
    " #related, #related-posts"
)
_TITLE = "h2 a[href], h3 a[href], h4 a[href], h5 a[href], li > a[href]"
_EXCERPT = ".td-excerpt, .excerpt, .entry-summary"
_MOST_RELATED = 20
_WIDEST_MODULE = 6  # levels between the title of a related story and the block that also holds its teaser


def tagdiv(page: Page, story: Story) -> Facts:
    """The Newspaper and Newsmag themes, with and without their cloud templates."""
    titles = [words(each) for each in select(page.tree, ".tdb-title-text, h1.entry-title") if story.owns(each)]
    standfirsts = [words(each) for each in select(page.tree, _STANDFIRST) if story.owns(each) and not story.holds(each)]
    sections = select(page.tree, ".td-post-category, .tdb-entry-category, .td-category a, .tdb-category a")
    tags = select(page.tree, ".td-tags a, .tdb-tags a")
    return Facts(
        "theme",
        title=next(filter(None, titles), ""),
        standfirst=next(filter(None, standfirsts), ""),
        authors=tuple(_authors(page, story, _TAGDIV_AUTHOR)),
        crumbs=_crumbs(page, _TAGDIV_CRUMBS),
        sections=_names(filter(story.owns, sections)),
        tags=_names(filter(story.owns, tags)),
        image=_featured(page),
        related=tuple(_related(page, _TAGDIV_RELATED, _TAGDIV_TITLE)),
    )


def generic(page: Page, story: Story) -> Facts:
    """What HTML itself and microformats name: `h1`, `rel=author`, `rel=category`, `rel=tag`, the comment form."""
    return Facts(
        "html",
        title=words(story.heading) if story.heading is not None else "",
        authors=tuple(_authors(page, story, _AUTHOR)),
        crumbs=_crumbs(page, _CRUMBS),
        sections=_names(filter(story.owns, select(page.tree, "a[rel~=category]"))),
        tags=_names(filter(story.owns, select(page.tree, "a[rel~=tag]:not([rel~=category])"))),
        related=tuple(_related(page, _RELATED, _TITLE)),
        comments=_comments(page),
    )


def _names(elements: Iterable[Any]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(name for name in map(words, elements) if name))


def _crumbs(page: Page, css: str) -> tuple[tuple[str, str], ...]:
    links = select(page.tree, css)
    return tuple((words(link), urls.absolute(link.get("href") or "", page.base) or "") for link in links)


def _authors(page: Page, story: Story, css: str) -> Iterator[Author]:
    """The byline's names, then what the author's box adds; who has both is put together elsewhere."""
    boxes = select(page.tree, _BOXES)
    inside = {each for box in boxes for each in box.iter()}
    for link in select(page.tree, css):
        if link not in inside and story.owns(link) and words(link):
            yield Author(words(link), url=link.get("href") or "")
    for box in boxes:
        name = next((each for each in select(box, _BOX_NAME) if words(each)), None)
        if name is not None:
            text = next((words(each) for each in select(box, _BOX_TEXT)), "")
            picture = next((url for image in box.iter("img") if (url := source(image))), "")
            yield Author(words(name), text, picture, _link(name, box))


def _link(name: Any, box: Any) -> str:
    own = [each for each in (name, *name.iterdescendants(), *box.iter()) if each.tag == "a" and each.get("href")]
    return str(own[0].get("href")) if own else ""


def _featured(page: Page) -> Image | None:
    """The lead image, which tagDiv sets above the text; its caption may have a credit of its own."""
    for block in select(page.tree, ".td-post-featured-image, .tdb_single_featured_image"):
        for image in block.iter("img"):
            if url := source(image):
                captions = select(block, "figcaption")
                credit = " ".join(words(each) for each in select(block, "figcaption .copyright, figcaption .credit"))
                caption = words(captions[0]).removesuffix(credit).strip() if captions else ""
                return Image(url, (image.get("alt") or "").strip(), caption, credit)
    return None


def _related(page: Page, blocks: str, titles: str) -> Iterator[Related]:
    seen = set()
    for block in select(page.tree, blocks):
        for link in select(block, titles)[:_MOST_RELATED]:
            url = urls.absolute(link.get("href"), page.base) or ""
            if words(link) and not link.get("href").startswith("#") and fold(words(link)) not in seen:
                seen.add(fold(words(link)))
                yield Related(words(link), url, _teaser(link, block))


def _teaser(link: Any, block: Any) -> str:
    """The excerpt in the largest element that holds no other story."""
    for level, around in enumerate(link.iterancestors()):
        if around is block or level > _WIDEST_MODULE:
            break
        if excerpts := select(around, _EXCERPT):
            return words(excerpts[0]) if len(excerpts) == 1 else ""
    return ""


def _comments(page: Page) -> str:
    if select(page.tree, "#respond"):
        return "#respond"
    return "#comments" if select(page.tree, "#comments form") else ""
