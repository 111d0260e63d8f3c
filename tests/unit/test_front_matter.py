"""Front matter: plain values, or a mistake with its place and its fix."""

import pytest

from publisher.sources.front_matter import FrontMatterError, split


def mistake(text: str) -> str:
    with pytest.raises(FrontMatterError) as caught:
        split(text, "story.md")
    return str(caught.value.problem)


@pytest.mark.parametrize(
    ("text", "values", "body"),
    [
        ("---\ntitle: A port\n---\nBody\n", {"title": "A port"}, "Body\n"),
        ('+++\ntitle = "A port"\n+++\nBody', {"title": "A port"}, "Body"),
        ("\ufeff---\ntitle: A port\n---\n", {"title": "A port"}, ""),
        ("---  \ntitle: A port\n---\t\nBody", {"title": "A port"}, "Body"),
        ("---\n---\nBody", {}, "Body"),
        ("---\n# nothing yet\n---\nBody", {}, "Body"),
        ("Body\n---\nmore", {}, "Body\n---\nmore"),
        ("", {}, ""),
        ("---\ntags: [a, b]\nimage: {url: x.png}\n---\n", {"tags": ["a", "b"], "image": {"url": "x.png"}}, ""),
        ("---\ntitle: |\n  a: b\n  c\n---\n", {"title": "a: b\nc"}, ""),
    ],
)
def test_a_file_falls_into_values_and_body(text, values, body):
    parts = split(text, "story.md")

    assert (parts.values, parts.body) == (values, body)


@pytest.mark.parametrize("word", ["no", "yes", "on", "true", "2026-11-20", "1e3", "0x10", "12:30:45", "3.10"])
def test_a_yaml_word_stays_the_word_that_was_written(word):
    assert split(f"---\ntitle: {word}\n---\n", "story.md").values == {"title": word}


def test_yaml_makes_nothing_but_text_lists_and_tables():
    values = split("---\ntitle: !!python/object/apply:os.getcwd []\n---\n", "story.md").values

    assert values == {"title": []}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            "---\nslug: a\ntitle: Analysis: The port\n---\n",
            'story.md:3:16  title holds ": ". Put it in quotes: title: "Analysis: The port"',
        ),
        (
            '---\ntitle: Analysis: The "old" port\n---\n',
            'story.md:2:16  title holds ": ". Put it in quotes: title: "Analysis: The \\"old\\" port"',
        ),
        ("---\ntitle: Analysis:\n---\n", 'story.md:2:16  title holds ": ". Put it in quotes: title: "Analysis:"'),
        (
            "---\ntitle: a\nBody\n",
            'story.md:1  front matter opens with "---" and never closes. Write --- on a line of its own behind it.',
        ),
        (
            "+++",
            'story.md:1  front matter opens with "+++" and never closes. Write +++ on a line of its own behind it.',
        ),
        ("---\n- a\n- b\n---\n", "story.md:2  front matter is not a list of keys. Write title: …"),
        ("---\ntitle: [a, b\n---\n", "story.md:2:13  front matter is not YAML: "),
        ("---\na: 1\n\ttitle: x\n---\n", "story.md:3:1  front matter is not YAML: "),
        ("+++\ntitle = A port\n+++\n", "story.md:2:9  front matter is not TOML: Invalid value."),
        ('+++\nslug = "a"\ntitle = "x\n+++\n', "story.md:3  front matter is not TOML: Unterminated string. "),
    ],
)
def test_a_mistake_has_its_place_and_its_fix(text, said):
    assert mistake(text).startswith(said)


def test_the_fix_for_a_colon_is_right():
    fix = mistake('---\ntitle: Analysis: The "old" port\n---\n').partition("Put it in quotes: ")[2]

    assert split(f"---\n{fix}\n---\n", "story.md").values == {"title": 'Analysis: The "old" port'}


def test_the_body_knows_its_first_line():
    assert split("---\ntitle: a\n\n---\nBody", "story.md").first_line == 5


@pytest.mark.parametrize(
    "block",
    [
        "---\na: &a [x]\nb: *a\n---\n",
        "---\na: " + "[" * 3000 + "\n---\n",
        "+++\na = " + "[" * 3000 + "\n+++\n",
        "+++\na = " + "1" * 5000 + "\n+++\n",
    ],
)
def test_what_would_blow_up_is_a_problem_with_its_file(block):
    with pytest.raises(FrontMatterError) as caught:
        split(block, "news/bomb.md")

    assert caught.value.problem.where.startswith("news/bomb.md:")
