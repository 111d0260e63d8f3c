"""config.toml: every mistake at once, each with its place; the environment wins; secrets stay secret."""

import shutil
import tomllib
import traceback
from pathlib import Path
from typing import Annotated, get_args, get_origin

import pytest
from pydantic import BaseModel

from publisher.config import Config, SmtpTransportConfig, load
from publisher.errors import ConfigError

EXAMPLE = Path(__file__).parents[2] / "config.example.toml"
SECRET = "correct horse battery staple, and forty more"
PUBLICATION = """\
[publication]
name = "The Test Journal"
url = "https://journal.example"
secret_key_file = "secret.key"
"""


@pytest.fixture(autouse=True)
def newsroom(tmp_path, monkeypatch) -> Path:
    """A folder with a secret, and no environment but the test's own."""
    import os

    for name in list(os.environ):
        if name.upper().startswith("PUBLISHER_"):
            monkeypatch.delenv(name)
    (tmp_path / "secret.key").write_text(SECRET)
    return tmp_path


def read(root: Path, text: str) -> Config:
    path = root / "config.toml"
    path.write_text(text, "utf-8")
    return load(path)


def mistakes(root: Path, text: str) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        read(root, text)
    return [str(problem) for problem in caught.value.problems]


def places(root: Path, text: str) -> list[str]:
    return [mistake.split("  ")[0] for mistake in mistakes(root, text)]


def test_the_smallest_newsroom_is_its_publication(newsroom):
    config = read(newsroom, PUBLICATION)

    assert config.publication.name == "The Test Journal"
    assert config.publication.secret_key.get_secret_value() == SECRET
    assert config.store.url == "sqlite:///var/publisher.db"


def test_every_mistake_is_listed_at_once_in_the_order_of_the_file(newsroom):
    text = """\
[publication]
name = ""
url = "journal.example"
timezone = "Mars/Olympus"
secret_key_file = "secret.key"

[[section]]
path = "World News"
title = "World"

[[newsletter]]
name = "briefing"
title = "The Briefing"
from = "nobody"
sections = ["*", "sport"]
schedule = { daily = "7am", Weekly = "0 9 * * sat" }
late = "soon"

[site]
port = 99999
prot = 1
"""

    assert places(newsroom, text) == [
        "config.toml:2:1",
        "config.toml:3:1",
        "config.toml:4:1",
        "config.toml:8:1",
        "config.toml:14:1",
        "config.toml:15:18",
        "config.toml:16:14",
        "config.toml:16:29",
        "config.toml:17:1",
        "config.toml:20:1",
        "config.toml:21:1",
    ]


@pytest.mark.parametrize(
    ("lines", "mistake"),
    [
        ("[site]\nprot = 1\n", 'config.toml:6:1  [site] prot: unknown key "prot". Did you mean "port"?'),
        ("[sitte]\nport = 1\n", 'config.toml:5:2  [sitte] unknown key "sitte". Did you mean "site"?'),
        ("[store]\nurk = 1\n", 'config.toml:6:1  [store] urk: unknown key "urk". Did you mean "url"?'),
        ("[store]\nzzzzzz = 1\n", 'config.toml:6:1  [store] zzzzzz: unknown key "zzzzzz". Known here: url.'),
        (
            '[transport]\ntype = "smtp"\nhost = "h"\nhots = "h"\n',
            'config.toml:8:1  [transport] hots: unknown key "hots". Did you mean "host"?',
        ),
        (
            '[[source]]\nname = "desk"\ntype = "folder"\npath = "a"\nevry = "1m"\n',
            'config.toml:9:1  [source.desk] evry: unknown key "evry". Did you mean "every"?',
        ),
        (
            '[[newsletter]]\nname = "n"\ntitle = "N"\nform = "a@b.c"\nfrom = "a@b.c"\nschedule.d = "0 7 * * *"\n',
            'config.toml:8:1  [newsletter.n] form: unknown key "form". Did you mean "from"?',
        ),
    ],
)
def test_a_typo_suggests_the_key(newsroom, lines, mistake):
    assert mistakes(newsroom, PUBLICATION + lines) == [mistake]


@pytest.mark.parametrize(
    ("lines", "mistake"),
    [
        ("[site]\nport = 'x'\n", 'config.toml:6:1  [site] port: "x" does not fit. Write a whole number.'),
        ('kinds = ["é", 3]\n', "config.toml:5:15  [publication] kinds.1: 3 does not fit. Write text in quotes."),
        ("store = 3\n", 'config.toml:5:1  [publication] store: unknown key "store".'),
        ("[fetch]\ntimeout = 3\n", 'config.toml:6:1  [fetch] timeout: "3" is not a length of time. Write "30s"'),
        ('[transport]\ntype = "smpt"\n', 'config.toml:6:1  [transport] type: type "smpt" is not known.'),
        ('[transport]\nhost = "h"\n', 'config.toml:5:2  [transport] "type" is missing.'),
        ('[[feed]]\nformats = ["rdf"]\n', 'config.toml:6:12  [feed.1] formats.0: "rdf" is not known here. Write'),
        ('[[section]]\npath = "a"\n', 'config.toml:5:3  [section.a] "title" is missing. Write title = ….'),
        ("[[store]]\n", "config.toml:5:3  [store] a list does not fit. Write a table."),
    ],
)
def test_a_mistake_says_what_is_wrong_where_and_what_to_write(newsroom, lines, mistake):
    (found,) = mistakes(newsroom, PUBLICATION + lines)

    assert found.startswith(mistake)


def test_an_empty_file_asks_for_a_publication(newsroom):
    assert mistakes(newsroom, "") == ['config.toml:1:1  "publication" is missing. Write [publication].']


@pytest.mark.parametrize(
    ("line", "place"),
    [
        ("a = = 3", "config.toml:5:5"),
        ("a = 1\na = 2", "config.toml:6:1"),
        ('a = "x', "config.toml:5:1"),
        ('a = """x\n', "config.toml:6:1"),
        ("[publication]", "config.toml:5:13"),
    ],
)
def test_a_file_that_is_not_toml_says_where(newsroom, line, place):
    (found,) = mistakes(newsroom, PUBLICATION + line)

    assert found.startswith(f"{place}  not TOML: ")


def test_a_column_counts_characters_not_bytes(newsroom):
    text = PUBLICATION + '[[feed]]\nsections = ["ünï", "ж"]\n'

    assert places(newsroom, text) == ["config.toml:6:13", "config.toml:6:20"]


def test_a_missing_file_says_how_to_begin(newsroom):
    with pytest.raises(ConfigError, match="publisher init"):
        load(newsroom / "nowhere.toml")


def test_a_file_that_is_not_utf_8_says_so(newsroom):
    (newsroom / "config.toml").write_bytes('name = "Köln"'.encode("latin-1"))

    with pytest.raises(ConfigError, match="UTF-8"):
        load(newsroom / "config.toml")


def test_a_byte_order_mark_is_no_mistake(newsroom):
    (newsroom / "config.toml").write_bytes(b"\xef\xbb\xbf" + PUBLICATION.encode())

    assert load(newsroom / "config.toml").publication.name == "The Test Journal"


class TestReferences:
    SECTIONS = '[[section]]\npath = "world"\ntitle = "World"\n'

    @pytest.mark.parametrize(
        ("lines", "place", "says"),
        [
            ('[[feed]]\nsections = ["sport"]\n', "9:13", 'there is no section "sport". Write one of: world.'),
            ('[[section]]\npath = "sport/golf"\ntitle = "G"\n', "9:1", 'its parent "sport" is not a section.'),
            ('[[section]]\npath = "world"\ntitle = "W"\n', "9:1", '"world" stands twice.'),
            (
                '[[source]]\nname = "a"\ntype = "folder"\npath = "a"\nsection = "sport"\n',
                "12:1",
                'there is no section "sport".',
            ),
            (
                '[[source]]\nname = "a"\ntype = "folder"\npath = "a"\nsections = { "The Games" = "sport" }\n',
                "12:14",
                'there is no section "sport".',
            ),
        ],
    )
    def test_a_name_that_leads_nowhere_is_a_mistake(self, newsroom, lines, place, says):
        (found,) = mistakes(newsroom, PUBLICATION + self.SECTIONS + lines)

        assert found.startswith(f"config.toml:{place}  ")
        assert says in found

    @pytest.mark.parametrize("table", ["source", "newsletter"])
    def test_a_name_stands_once(self, newsroom, table):
        entry = {
            "source": '[[source]]\nname = "a"\ntype = "folder"\npath = "a"\n',
            "newsletter": '[[newsletter]]\nname = "a"\ntitle = "A"\nfrom = "a@b.c"\nschedule.daily = "0 7 * * *"\n',
        }[table]

        (found,) = mistakes(newsroom, PUBLICATION + entry + entry)

        assert f'[{table}.a] name: "a" stands twice. Give each {table} a name of its own.' in found

    def test_two_entries_without_a_name_do_not_share_one(self, newsroom):
        found = mistakes(newsroom, PUBLICATION + '[[section]]\ntitle = "A"\n[[section]]\ntitle = "B"\n')

        assert found == [
            'config.toml:5:3  [section.1] "path" is missing. Write path = ….',
            'config.toml:7:3  [section.2] "path" is missing. Write path = ….',
        ]

    def test_a_mapping_of_the_wrong_shape_is_a_mistake_too(self, newsroom):
        source = '[[source]]\nname = "a"\ntype = "folder"\npath = "a"\nsections = { a = ["world"] }\n'

        assert places(newsroom, PUBLICATION + source) == ["config.toml:9:14"]


class TestEnvironment:
    def test_it_wins_over_the_file_and_leaves_the_rest_of_a_table(self, newsroom, monkeypatch):
        monkeypatch.setenv("PUBLISHER_SITE__PORT", "9000")
        monkeypatch.setenv("PUBLISHER_PUBLICATION__KINDS", '["Opinion"]')

        config = read(newsroom, PUBLICATION + '[site]\nport = 8000\npath = "public"\n')

        assert (config.site.port, config.site.path) == (9000, Path("public"))
        assert config.publication.kinds == ("Opinion",)

    def test_a_list_of_tables_is_json(self, newsroom, monkeypatch):
        monkeypatch.setenv("PUBLISHER_FEED", '[{"entries": 3}]')

        assert [feed.entries for feed in read(newsroom, PUBLICATION).feeds] == [3]

    @pytest.mark.parametrize("name", ["FEED", "SOURCE", "SECTION", "NEWSLETTER", "STORE"])
    def test_a_variable_of_another_program_is_not_ours(self, newsroom, monkeypatch, name):
        monkeypatch.setenv(name, "something else")

        assert read(newsroom, PUBLICATION).feeds[0].entries == 50

    @pytest.mark.parametrize(
        ("name", "value", "says"),
        [
            ("PUBLISHER_SITE__PORT", "x", '"x" does not fit. Write a whole number.'),
            ("PUBLISHER_STORE__URLL", "x", 'unknown key "urll". Did you mean "url"?'),
            ("PUBLISHER_PUBLICATION__TIMEZONE", "Mars", '"Mars" is not a time zone.'),
            ("PUBLISHER_PUBLICATION__KINDS", "Opinion", '"Opinion" does not fit. Write a list.'),
            ("PUBLISHER_STORE", "sqlite", '"sqlite" does not fit. Write a table.'),
        ],
    )
    def test_a_mistake_in_it_names_the_variable(self, newsroom, monkeypatch, name, value, says):
        monkeypatch.setenv(name, value)

        (found,) = mistakes(newsroom, PUBLICATION)

        assert found.startswith(f"environment {name}  {says}")

    def test_its_mistakes_are_listed_with_those_of_the_file(self, newsroom, monkeypatch):
        monkeypatch.setenv("PUBLISHER_TRANSPORT__TYPE", "smtp")
        monkeypatch.setenv("PUBLISHER_TRANSPORT__HOST", "mail.example")
        monkeypatch.setenv("PUBLISHER_TRANSPORT__PORT", "x")
        monkeypatch.setenv("PUBLISHER_PUBLICATION__KINDS", "{")

        found = places(newsroom, PUBLICATION + "[site]\nport = 'x'\n")

        assert sorted(found) == [
            "config.toml:6:1",
            "environment PUBLISHER_PUBLICATION__KINDS",
            "environment PUBLISHER_TRANSPORT__PORT",
        ]

    def test_a_section_it_names_must_exist(self, newsroom, monkeypatch):
        monkeypatch.setenv("PUBLISHER_FEED", '[{"sections": ["sport"]}]')

        assert places(newsroom, PUBLICATION) == ["environment PUBLISHER_FEED"]


class TestSecrets:
    SMTP = '[transport]\ntype = "smtp"\nhost = "mail.example"\n'

    def test_a_file_is_read_without_its_line_end(self, newsroom):
        (newsroom / "smtp.password").write_text("sesame\n")

        config = read(newsroom, PUBLICATION + self.SMTP + 'password_file = "smtp.password"\n')

        assert isinstance(config.transport, SmtpTransportConfig)
        assert config.transport.password.get_secret_value() == "sesame"

    def test_the_environment_wins_over_a_file_that_config_names(self, newsroom, monkeypatch):
        monkeypatch.setenv("PUBLISHER_TRANSPORT__PASSWORD", "open")

        config = read(newsroom, PUBLICATION + self.SMTP + 'password_file = "not.there"\n')

        assert config.transport.password.get_secret_value() == "open"

    def test_a_file_that_the_environment_names_wins_over_the_secret_in_config(self, newsroom, monkeypatch):
        (newsroom / "smtp.password").write_text("open")
        monkeypatch.setenv("PUBLISHER_TRANSPORT__PASSWORD_FILE", "smtp.password")

        config = read(newsroom, PUBLICATION + self.SMTP + 'password = "shut"\n')

        assert config.transport.password.get_secret_value() == "open"

    GHOST = '[[source]]\nname = "magazine"\ntype = "ghost"\nurl = "https://magazine.example"\n'

    def test_a_source_reads_its_key_from_a_file(self, newsroom):
        (newsroom / "ghost.key").write_text("a1b2c3\n")

        config = read(newsroom, PUBLICATION + self.GHOST + 'key_file = "ghost.key"\n')

        assert config.sources[0].key.get_secret_value() == "a1b2c3"
        assert "a1b2c3" not in repr(config)

    def test_a_source_without_the_key_that_it_needs_is_a_mistake(self, newsroom):
        (found,) = mistakes(newsroom, PUBLICATION + self.GHOST)

        assert found.startswith("config.toml:5:3  [source.magazine] needs a Content API key. Write key_file = ")

    def test_all_missing_files_are_listed(self, newsroom):
        (newsroom / "secret.key").unlink()

        found = mistakes(newsroom, PUBLICATION + self.SMTP + 'password_file = "smtp.password"\n')

        assert [mistake.split("  ")[0] for mistake in found] == ["config.toml:4:1", "config.toml:8:1"]
        assert all("cannot be read: No such file" in mistake for mistake in found)

    @pytest.mark.parametrize(
        ("content", "says"),
        [(b"too short", "holds fewer than 32 characters"), (b" \n", "is empty"), (b"\xff" * 40, "it is not text")],
    )
    def test_a_key_file_that_holds_no_key_is_a_mistake_at_its_line(self, newsroom, content, says):
        (newsroom / "secret.key").write_bytes(content)

        (found,) = mistakes(newsroom, PUBLICATION)

        assert found.startswith("config.toml:4:1  [publication] secret_key_file: ")
        assert says in found

    def test_a_newsroom_without_a_key_is_told_how_to_give_one(self, newsroom):
        text = PUBLICATION.replace('secret_key_file = "secret.key"\n', "")

        (found,) = mistakes(newsroom, text)

        assert found.startswith("config.toml:1:2  [publication] secret_key: needs a secret of 32 characters or more.")
        assert 'Write secret_key_file = "var/secret.key".' in found

    def test_no_secret_shows_in_the_configuration(self, newsroom):
        config = read(newsroom, PUBLICATION + self.SMTP + 'password = "sesame open"\n')

        for shown in (repr(config), str(config), config.model_dump_json(), repr(config.transport)):
            assert "sesame" not in shown
            assert SECRET not in shown

    @pytest.mark.parametrize(
        "lines",
        [
            "password = 741852963\n",
            'password = "741852963"\nport = "x"\n',
            "password = [741852963]\n",
            "password = { a = 741852963 }\n",
            'password = "741852963"\n[[transport]]\ntype = "smtp"\npassword = "741852963"\n',
        ],
    )
    def test_no_secret_shows_in_a_mistake(self, newsroom, lines):
        with pytest.raises(ConfigError) as caught:
            read(newsroom, PUBLICATION + self.SMTP + lines)

        assert "741852963" not in "".join(traceback.format_exception(caught.value))

    @pytest.mark.parametrize("table", ["publication", "transport"])
    def test_no_secret_shows_where_its_table_has_the_wrong_shape(self, newsroom, table):
        text = f'[[{table}]]\ntype = "smtp"\nname = "J"\nsecret_key = "741852963"\npassword = "741852963"\n'

        assert "741852963" not in "\n".join(mistakes(newsroom, text))


def documented() -> set[tuple[str, str]]:
    """(table, key) of every line of the example, those in comments too."""
    found, table = set(), ""
    for line in EXAMPLE.read_text("utf-8").splitlines():
        bare = line.removeprefix("# ").strip()
        if bare.startswith("["):
            table = bare.strip("[]")
        elif " = " in bare:
            found.add((table, bare.split(" = ")[0]))
    return found


def tables(annotation: object) -> list[type[BaseModel]]:
    """The models inside `Annotated[A | B, …]`, `tuple[A, …]` or A."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    inner = get_args(annotation)[:1] if get_origin(annotation) is Annotated else get_args(annotation)
    return [model for part in inner for model in tables(part)]


KEYS = [
    (field.alias or name, key.alias or inner)
    for name, field in Config.model_fields.items()
    for model in tables(field.annotation)
    for inner, key in model.model_fields.items()
]


class TestExample:
    def test_it_loads(self, newsroom):
        (newsroom / "var").mkdir()
        (newsroom / "var/secret.key").write_text(SECRET)
        (newsroom / "var/smtp.password").write_text("sesame")
        (newsroom / "var/ghost.key").write_text("a1b2c3")
        shutil.copy(EXAMPLE, newsroom / "config.toml")

        config = load(newsroom / "config.toml")

        kinds = ["folder", "wordpress", "feed", "ghost", "ninjs", "wxr", "page"]
        assert [source.type for source in config.sources] == kinds

    def test_every_table_has_keys_to_document(self):
        assert {table for table, _ in KEYS} == {field.alias or name for name, field in Config.model_fields.items()}

    @pytest.mark.parametrize(("table", "key"), KEYS)
    def test_it_documents_every_key(self, table, key):
        assert (table, key) in documented()

    def test_what_it_comments_out_exists(self):
        assert documented() <= set(KEYS)

    def test_defaults_that_it_shows_are_the_defaults(self):
        shown = tomllib.loads(EXAMPLE.read_text("utf-8"))

        config = Config.model_validate({"publication": shown["publication"], "transport": shown["transport"]})

        for table in ("store", "delivery", "site", "fetch"):
            own = type(getattr(config, table))
            assert own.model_validate(shown[table]) == own()
