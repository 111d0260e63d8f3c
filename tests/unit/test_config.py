"""config.toml: every mistake at once, each with its place; the environment wins; secrets stay secret."""

import json
import re
import shutil
import tomllib
import traceback
from dataclasses import replace
from pathlib import Path
from typing import Annotated, get_args, get_origin

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from pydantic import BaseModel

from publisher import app
from publisher.config import Config, SmtpTransportConfig, load
from publisher.errors import ConfigError
from publisher.model.newsletter import Design
from publisher.model.theme import DAY, NIGHT, PLAIN

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


class TestTheme:
    def test_a_newsroom_without_one_has_the_plain_theme(self, newsroom):
        assert app.publication(read(newsroom, PUBLICATION)).theme == PLAIN

    def test_a_few_keys_leave_the_others(self, newsroom):
        text = '[theme]\nwidth = 600\n[theme.light]\naccent = "#036"\nrule = "#DDDDDD"\n'

        theme = app.publication(read(newsroom, PUBLICATION + text)).theme

        assert theme == replace(PLAIN, width=600, light=replace(DAY, accent="#003366", rule="#dddddd"))

    @pytest.mark.parametrize(
        ("line", "says"),
        [
            ("width = 479", "width: 479 does not fit: input should be greater than or equal to 480."),
            ("width = 801", "width: 801 does not fit: input should be less than or equal to 800."),
            ("with = 600", 'with: unknown key "with". Did you mean "width"?'),
            ('light = "pale"', 'light: "pale" does not fit. Write a table.'),
            (
                'text_font = "Georgia"',
                "text_font: 'Georgia' ends in a font that a reader may not have. End it with one of:",
            ),
            ("label_font = '\"serif\"'", "label_font: '\"serif\"' ends in a font that a reader may not have."),
            ('text_font = ""', "text_font: '' is not a list of fonts: '' is none. Write names of letters,"),
            ('text_font = "Georgia,, serif"', "text_font: 'Georgia,, serif' is not a list of fonts:"),
            (
                'text_font = "Source Sans 3, serif"',
                (
                    "text_font: 'Source Sans 3, serif' is not a list of fonts: 'Source Sans 3' is none. Write names of "
                    "letters, digits, spaces and hyphens with commas between them, and quote a name such as "
                    '"Source Sans 3".'
                ),
            ),
            ('text_font = "x; color: red, serif"', "text_font: 'x; color: red, serif' is not a list of fonts:"),
            ('text_font = "url(x), serif"', "text_font: 'url(x), serif' is not a list of fonts:"),
            ('text_font = "\'Half, serif"', 'text_font: "\'Half, serif" is not a list of fonts:'),
            ("text_font = '\"</style>\", serif'", "text_font: '\"</style>\", serif' is not a list of fonts:"),
        ],
    )
    def test_a_mistake_says_what_to_write(self, newsroom, line, says):
        (found,) = mistakes(newsroom, f"{PUBLICATION}[theme]\n{line}\n")

        assert found.startswith(f"config.toml:6:1  [theme] {says}")

    @pytest.mark.parametrize(
        ("written", "kept"),
        [
            ("'Segoe UI' ,Arial,sans-serif", '"Segoe UI", Arial, sans-serif'),
            ('"Source Sans 3", Times New Roman, Serif', '"Source Sans 3", Times New Roman, Serif'),
        ],
    )
    def test_fonts_have_one_form(self, newsroom, written, kept):
        config = read(newsroom, f"{PUBLICATION}[theme]\ntext_font = {json.dumps(written)}\n")

        assert config.theme.text_font == kept

    @pytest.mark.parametrize(
        ("line", "place", "says"),
        [
            (
                'accent = "#FF8888"',
                "7:1",
                'accent: "#ff8888" on paper "#f3f0e9" has contrast 2.0:1; text needs 4.5:1. Write "#a45757" or darker.',
            ),
            (
                'soft = "#777"\npaper = "#fff"\nsheet = "#fff"',
                "7:1",
                'soft: "#777777" on sheet "#ffffff" has contrast 4.4:1; text needs 4.5:1. Write "#767676" or darker.',
            ),
            ('accent = "red"', "7:1", 'accent: "red" is not a colour. Write "#8a2b1d": red, green and blue,'),
            ('accent = "#12345"', "7:1", 'accent: "#12345" is not a colour.'),
            ("rule = 3", "7:1", "rule: 3 does not fit. Write text in quotes."),
            ('acent = "#000"', "7:1", 'acent: unknown key "acent". Did you mean "accent"?'),
            (
                'ink = "#000"\nsheet = "#000"',
                "8:1",
                'sheet: no text can be read both on "#000000" and on paper "#f3f0e9". Write "#f3f0e9" or one close to',
            ),
        ],
    )
    def test_a_colour_that_cannot_be_used_is_a_mistake(self, newsroom, line, place, says):
        found = mistakes(newsroom, f"{PUBLICATION}\n[theme.light]\n{line}\n")

        assert [one for one in found if one.startswith(f"config.toml:{place}  [theme.light] {says}")]
        assert len(found) == 1

    def test_a_ground_that_our_own_colours_cannot_stand_on_asks_for_each_of_them(self, newsroom):
        found = mistakes(newsroom, PUBLICATION + '[theme.dark]\nsheet = "#777"\npaper = "#777777"\n')

        assert [one.split(" has ")[0] for one in found] == [
            'config.toml:5:2  [theme.dark] ink: "#ece7db" on sheet "#777777"',
            'config.toml:5:2  [theme.dark] soft: "#b9b09c" on sheet "#777777"',
            'config.toml:5:2  [theme.dark] accent: "#f0a08f" on sheet "#777777"',
        ]

    def test_what_a_mistake_suggests_is_no_mistake(self, newsroom):
        table = '[theme.light]\nsheet = "#3a1f5c"\npaper = "#2b2b40"\n'
        said = mistakes(newsroom, PUBLICATION + table)
        found = [re.search(r'\] (\w+): .* Write ("#.{6}") or lighter', one) for one in said]

        config = read(newsroom, PUBLICATION + table + "".join(f"{one[1]} = {one[2]}\n" for one in found))

        assert [one[1] for one in found] == ["ink", "soft", "accent"]
        assert [f'"{getattr(config.theme.light, one[1])}"' for one in found] == [one[2] for one in found]

    def test_the_environment_sets_a_colour(self, newsroom, monkeypatch):
        monkeypatch.setenv("PUBLISHER_THEME__LIGHT__ACCENT", "#036")

        theme = read(newsroom, PUBLICATION + '[theme.light]\naccent = "#000"\nink = "#111"\n').theme

        assert (theme.light.accent, theme.light.ink, theme.dark.accent) == ("#003366", "#111111", NIGHT.accent)

    def test_a_pale_colour_in_the_environment_names_the_variable(self, newsroom, monkeypatch):
        monkeypatch.setenv("PUBLISHER_THEME__LIGHT__ACCENT", "#f88")

        (found,) = mistakes(newsroom, PUBLICATION)

        assert found.startswith('environment PUBLISHER_THEME__LIGHT__ACCENT  "#ff8888" on paper "#f3f0e9" has contrast')


class TestLogo:
    SIZE = "logo_width = 200\nlogo_height = 40\n"
    PNG = b"\x89PNG\r\n\x1a\n and more"

    def test_a_file_of_the_static_folder_becomes_an_address_on_the_site(self, newsroom):
        (newsroom / "public/our logos").mkdir(parents=True)
        (newsroom / "public/our logos/day.png").write_bytes(self.PNG)
        (newsroom / "public/night.GIF").write_bytes(b"GIF89a and more")
        lines = f'[site]\nstatic = "public"\n[theme]\nlogo = "our logos/day.png"\nlogo_dark = "night.GIF"\n{self.SIZE}'

        theme = app.publication(read(newsroom, PUBLICATION + lines)).theme

        assert theme.logo == "https://journal.example/our%20logos/day.png"
        assert theme.logo_dark == "https://journal.example/night.GIF"
        assert (theme.logo_width, theme.logo_height) == (200, 40)

    def test_an_address_stays_as_it_is(self, newsroom):
        lines = f'[theme]\nlogo = "https://cdn.example/logo?v=3"\n{self.SIZE}'

        assert app.publication(read(newsroom, PUBLICATION + lines)).theme.logo == "https://cdn.example/logo?v=3"

    @pytest.mark.parametrize(
        ("name", "says"),
        [
            ("logo.svg", '"logo.svg" is no picture that every mail program shows. '),
            ("https://journal.example/logo.WebP?v=3", "is no picture that every mail program shows. "),
            ("../logo.png", "is neither a web address nor the path of a file in the static folder. Write "),
            ("/logo.png", "is neither a web address nor the path of a file in the static folder. Write "),
            ("data:image/png;base64,AAAA.png", "is neither a web address nor the path of a file"),
            ("https://", "is neither a web address nor the path of a file"),
            ("https://[x/logo.png", "is neither a web address nor the path of a file"),
            ("https://journal.example/a b.png", "is neither a web address nor the path of a file"),
        ],
    )
    def test_what_mail_programs_do_not_show_is_a_mistake(self, newsroom, name, says):
        (found,) = mistakes(newsroom, f'{PUBLICATION}[theme]\nlogo = "{name}"\n{self.SIZE}')

        assert found.startswith("config.toml:6:1  [theme] logo: ")
        assert says in found

    @pytest.mark.parametrize(
        ("lines", "missing"),
        [
            ("", "logo_width = … and logo_height = …"),
            ("logo_width = 200\n", "logo_height = …"),
            ("logo_height = 40\nlogo_width = 0\n", "logo_width = …"),
        ],
    )
    def test_it_needs_its_size(self, newsroom, lines, missing):
        (found,) = mistakes(newsroom, f'{PUBLICATION}[theme]\nlogo = "https://journal.example/logo.png"\n{lines}')

        assert found == (
            "config.toml:6:1  [theme] logo: has no size, and Outlook would show it as large as the file is. "
            f"Write {missing}, in pixels."
        )

    def test_it_is_no_wider_than_the_mail(self, newsroom):
        lines = f'[theme]\nlogo = "https://journal.example/logo.png"\n{self.SIZE.replace("200", "641")}'

        (found,) = mistakes(newsroom, PUBLICATION + lines)

        assert found == "config.toml:7:1  [theme] logo_width: 641 is wider than the mail. Write 640 or less."

    def test_one_for_dark_screens_alone_is_a_mistake(self, newsroom):
        (found,) = mistakes(newsroom, PUBLICATION + '[theme]\nlogo_dark = "https://journal.example/logo.png"\n')

        assert found.startswith("config.toml:6:1  [theme] logo_dark: takes the place of a logo, and there is none. ")

    def test_files_that_are_missing_or_no_pictures_are_listed_with_their_places(self, newsroom):
        (newsroom / "static").mkdir()
        (newsroom / "static/night.png").write_text("<svg/>")
        lines = f'[theme]\nlogo = "day.png"\nlogo_dark = "night.png"\n{self.SIZE}'

        day, night = mistakes(newsroom, PUBLICATION + lines)

        assert day.startswith(
            f'config.toml:6:1  [theme] logo: "{newsroom}/static/day.png" cannot be read: No such file'
        )
        assert day.endswith("Put the picture there, or write its web address.")
        assert night == (
            f'config.toml:7:1  [theme] logo_dark: "{newsroom}/static/night.png" is no PNG, JPEG or GIF, '
            "whatever its name. Save it as PNG."
        )


class TestNewsletter:
    LINES = '[[newsletter]]\nname = "n"\ntitle = "N"\nfrom = "J <a@journal.example>"\nschedule.d = "0 7 * * *"\n'

    def test_it_has_the_publications_language_and_the_digest_where_it_says_nothing(self, newsroom):
        (entry,) = read(newsroom, PUBLICATION + self.LINES).newsletters

        made = app.newsletter(entry)

        assert (made.language, made.layout) == ("", Design.DIGEST)

    @pytest.mark.parametrize("layout", Design)
    def test_it_has_the_layout_it_asks_for(self, newsroom, layout):
        (entry,) = read(newsroom, f'{PUBLICATION}{self.LINES}layout = "{layout}"\n').newsletters

        assert app.newsletter(entry).layout is layout

    def test_an_unknown_layout_is_told_the_known_ones(self, newsroom):
        (found,) = mistakes(newsroom, PUBLICATION + self.LINES + 'layout = "digset"\n')

        said = "[newsletter.n] layout: \"digset\" is not known here. Write 'digest', 'brief' or 'full'."
        assert found == f"config.toml:10:1  {said}"

    @pytest.mark.parametrize(
        ("tag", "kept"),
        [
            ("ur", "ur"),
            ("en_GB", "en-GB"),
            ("zh-Hant", "zh-Hant"),
            ("ur-AE", "ur-AE"),
            ("khw", "khw"),
            ("es-419", "es-419"),
        ],
    )
    def test_a_language_is_a_tag_whose_parts_exist(self, newsroom, tag, kept):
        text = PUBLICATION + f'language = "{tag}"\n' + self.LINES + f'language = "{tag}"\n'

        config = read(newsroom, text)

        assert app.publication(config).language == kept
        assert app.newsletter(config.newsletters[0]).language == kept

    @pytest.mark.parametrize("tag", ["xx-bad!", "xx", "", "english", "en-QX", "en--GB", "en GB", "en-GB@euro", "root"])
    def test_another_is_a_mistake_wherever_it_stands(self, newsroom, tag):
        text = PUBLICATION + f'language = "{tag}"\n' + self.LINES + f'language = "{tag}"\n'

        found = mistakes(newsroom, text)

        said = f'language: "{tag}" is not a language. Write a tag such as "en", "en-GB", "ur" or "zh-Hant".'
        assert found == [f"config.toml:5:1  [publication] {said}", f"config.toml:11:1  [newsletter.n] {said}"]


class TestDelivery:
    @pytest.mark.parametrize("key", ["bounces", "unsubscribe"])
    def test_an_address_is_kept_and_anything_else_a_mistake(self, newsroom, key):
        kept = read(newsroom, f'{PUBLICATION}[delivery]\n{key} = "leave@journal.example"\n').delivery
        (found,) = mistakes(newsroom, f'{PUBLICATION}[delivery]\n{key} = "Leave <leave@journal.example>"\n')

        assert getattr(kept, key) == "leave@journal.example"
        assert found.startswith(
            f'config.toml:6:1  [delivery] {key}: "Leave <leave@journal.example>" is not an address.'
        )


class TestPreflight:
    def test_nothing_is_accepted_where_nothing_is_said(self, newsroom):
        assert app.accepted(read(newsroom, PUBLICATION)) == frozenset()

    def test_a_known_check_is_accepted(self, newsroom):
        assert app.accepted(read(newsroom, PUBLICATION + '[preflight]\naccept = ["https"]\n')) == {"https"}

    def test_an_unknown_check_is_a_mistake_at_its_place(self, newsroom):
        (newsroom / "config.toml").write_text(PUBLICATION + '[preflight]\naccept = ["https", "htps", "sesame"]\n')

        with pytest.raises(ConfigError) as caught:
            app.read(newsroom / "config.toml")

        close, far = map(str, caught.value.problems)
        start = "config.toml:6:20  [preflight] accept.1: "
        assert close == f'{start}there is no check "htps". Did you mean "https"?'
        assert far.startswith('config.toml:6:28  [preflight] accept.2: there is no check "sesame". Known here: ')


@pytest.fixture(scope="module")
def pems() -> dict[str, str]:
    """A private key of each kind that signs."""
    both = {"rsa": rsa.generate_private_key(65537, 2048), "ed25519": Ed25519PrivateKey.generate()}
    form = (Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return {name: key.private_bytes(*form).decode() for name, key in both.items()}


def dkim(selector: str, line: str, domain: str = "journal.example") -> str:
    return f'[[dkim]]\ndomain = "{domain}"\nselector = "{selector}"\n{line}\n'


class TestDkim:
    def test_keys_are_read_from_their_files_and_sign_rsa_first(self, newsroom, pems):
        for name, pem in pems.items():
            (newsroom / f"{name}.pem").write_text(pem)
        text = dkim("E2026", 'key_file = "ed25519.pem"') + dkim("r2026", 'key_file = "rsa.pem"', "Journal.Example.")

        config = read(newsroom, PUBLICATION + text)
        found = app.signers(config)

        assert [(one.domain, one.selector, one.algorithm) for one in found] == [
            ("journal.example", "r2026", "rsa-sha256"),
            ("journal.example", "e2026", "ed25519-sha256"),
        ]
        assert "PRIVATE KEY" not in repr(config) + config.model_dump_json()

    def test_a_key_may_come_by_the_environment(self, newsroom, monkeypatch, pems):
        entry = {"domain": "zeitung-münchen.example", "selector": "p", "key": pems["rsa"]}
        monkeypatch.setenv("PUBLISHER_DKIM", json.dumps([entry]))

        (found,) = app.signers(read(newsroom, PUBLICATION))

        assert found.domain == "xn--zeitung-mnchen-osb.example"

    def test_an_ed25519_key_never_signs_alone(self, newsroom, pems):
        """To a verifier that does not know it the mail would be unsigned (RFC 8463 §5)."""
        for name, pem in pems.items():
            (newsroom / f"{name}.pem").write_text(pem)
        text = dkim("e", 'key_file = "ed25519.pem"') + dkim("r", 'key_file = "rsa.pem"', "other.example")

        with pytest.raises(ConfigError, match="Add a \\[\\[dkim\\]\\] with an RSA key for the same domain") as caught:
            app.signers(read(newsroom, PUBLICATION + text))

        assert [problem.where for problem in caught.value.problems] == ["config.toml:5:3"]

    def test_nobody_signs_where_no_key_is_given(self, newsroom):
        assert app.signers(read(newsroom, PUBLICATION)) == ()

    @pytest.mark.parametrize(
        ("text", "said"),
        [
            (dkim("p", ""), '5:3  [dkim.p] needs a private key. Write key_file = "var/dkim.pem".'),
            (dkim("p_", 'key = "k"'), '7:1  [dkim.p_] selector: "p_" is not a selector. Write letters, digits and'),
            (
                dkim("p", 'key = "k"', "a b.c"),
                '6:1  [dkim.p] domain: "a b.c" is not a domain. Write "journal.example".',
            ),
            (dkim("p", 'key = "k"', "localhost"), '6:1  [dkim.p] domain: "localhost" is not a domain.'),
            (dkim("p", 'keyfile = "k"'), '8:1  [dkim.p] keyfile: unknown key "keyfile". Did you mean "key_file"?'),
            (dkim("p", "key = 741"), "8:1  [dkim.p] key: the secret does not fit. Write text in quotes."),
            (
                dkim("p", 'key = "k"') + dkim("P", 'key = "k"', "JOURNAL.example"),
                '11:1  [dkim.P] selector: "P" stands twice for journal.example. Give each key of a domain a selector',
            ),
        ],
    )
    def test_a_mistake_says_what_to_write(self, newsroom, text, said):
        (found,) = mistakes(newsroom, PUBLICATION + text)

        assert found.startswith(f"config.toml:{said}")

    def test_a_file_that_cannot_be_read_is_a_mistake_at_its_line(self, newsroom):
        (found,) = mistakes(newsroom, PUBLICATION + dkim("p", 'key_file = "none.pem"'))

        assert found.startswith(
            f'config.toml:8:1  [dkim.p] key_file: "{newsroom}/none.pem" cannot be read: No such file'
        )

    def test_the_check_finds_every_file_that_holds_no_key(self, newsroom):
        (newsroom / "bad.pem").write_text("sesame")
        text = dkim("p", 'key_file = "bad.pem"') + dkim("q", 'key = "sesame"')
        (newsroom / "config.toml").write_text(PUBLICATION + text)

        with pytest.raises(ConfigError) as caught:
            app.read(newsroom / "config.toml")

        first, second = map(str, caught.value.problems)
        assert first.startswith("config.toml:8:1  [dkim.p] key_file: This is not a private key in PEM form.")
        assert second.startswith("config.toml:12:1  [dkim.q] key: This is not a private key in PEM form.")
        assert "sesame" not in first + second

    @pytest.mark.parametrize(
        ("sender", "signed"),
        [
            ("A <a@journal.example>", True),
            ("A <a@News.Journal.Example>", True),
            ("A <a@other.example>", False),
            ("A <a@notjournal.example>", False),
            ("A <a@example>", False),
        ],
    )
    def test_a_newsletter_that_no_key_speaks_for_is_a_mistake(self, newsroom, sender, signed):
        letter = TestNewsletter.LINES.replace("J <a@journal.example>", sender)
        text = PUBLICATION + letter + dkim("p", 'key = "k"')

        if signed:
            assert read(newsroom, text).newsletters[0].sender == sender
        else:
            (found,) = mistakes(newsroom, text)
            assert found.startswith(
                f'config.toml:8:1  [newsletter.n] from: "{sender}" would go out unsigned: no [[dkim]] '
            )

    def test_a_sender_is_not_asked_for_a_key_where_nobody_signs(self, newsroom):
        assert read(newsroom, PUBLICATION + TestNewsletter.LINES).dkim == ()


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


def keys(model: type[BaseModel], table: str) -> list[tuple[str, str]]:
    """(table, key) of every key in a table and in the tables below it: `theme.light`, `accent`."""
    found = []
    for name, field in model.model_fields.items():
        key = field.alias or name
        below = tables(field.annotation)
        found += [pair for inner in below for pair in keys(inner, f"{table}.{key}".lstrip("."))] or [(table, key)]
    return found


KEYS = keys(Config, "")


class TestExample:
    def test_it_loads(self, newsroom):
        (newsroom / "var").mkdir()
        (newsroom / "var/secret.key").write_text(SECRET)
        (newsroom / "var/smtp.password").write_text("sesame")
        (newsroom / "var/ghost.key").write_text("a1b2c3")
        (newsroom / "var/dkim.pem").write_text("a private key")
        shutil.copy(EXAMPLE, newsroom / "config.toml")

        config = load(newsroom / "config.toml")

        kinds = ["folder", "wordpress", "feed", "ghost", "ninjs", "wxr", "page"]
        assert [source.type for source in config.sources] == kinds

    def test_every_table_has_keys_to_document(self):
        named = {field.alias or name for name, field in Config.model_fields.items()}

        assert {table for table, _ in KEYS} == named | {"theme.light", "theme.dark"}

    @pytest.mark.parametrize(("table", "key"), KEYS)
    def test_it_documents_every_key(self, table, key):
        assert (table, key) in documented()

    def test_what_it_comments_out_exists(self):
        assert documented() <= set(KEYS)

    def test_defaults_that_it_shows_are_the_defaults(self):
        shown = tomllib.loads(EXAMPLE.read_text("utf-8"))

        config = Config.model_validate({"publication": shown["publication"], "transport": shown["transport"]})

        for table in ("store", "delivery", "site", "fetch", "theme", "preflight"):
            own = type(getattr(config, table))
            assert own.model_validate(shown[table]) == own()


class TestMovedFeeds:
    @staticmethod
    def table(moved: str = "", closed: str = "") -> str:
        return f"{PUBLICATION}\n[syndication]\nmoved = {{ {moved} }}\nclosed = [{closed}]\n"

    def test_paths_of_every_kind_of_feed_are_taken(self, newsroom):
        moved = '"old-section" = "world/asia", "by/ada-writer" = "by/zoë", "kind/op.ed" = "kind/opinion"'

        config = read(newsroom, self.table(moved, '"podcasts", "newsletter/weekend"'))

        assert config.syndication.moved["by/ada-writer"] == "by/zoë"

    @pytest.mark.parametrize(
        "path", ["/economy", "economy/", "feeds/economy", "a//b", "../x", "a b", "", ".well-known", "a;b"]
    )
    def test_a_path_that_is_none_is_a_mistake_wherever_it_stands(self, newsroom, path):
        for text in (self.table(f'"{path}" = "world"'), self.table(f'old = "{path}"'), self.table(closed=f'"{path}"')):
            (found,) = mistakes(newsroom, text)

            assert f'"{path}" is not a path below feeds/. Write a section\'s' in found
            assert "[syndication" in found

    @pytest.mark.parametrize(
        ("moved", "wrong"),
        [
            ('a = "a"', ["a"]),
            ('a = "b", b = "a"', ["a", "b"]),
            ('a = "a/b"', ["a"]),
            ('a = "b/c", b = "a", c = "d"', ["a", "b"]),
        ],
    )
    def test_moves_that_never_end_are_mistakes(self, newsroom, moved, wrong):
        found = mistakes(newsroom, self.table(moved))

        assert [one for old in wrong for one in found if f'"{old}" leads to' in one and "for ever" in one] == found

    def test_a_chain_that_ends_is_none(self, newsroom):
        assert read(newsroom, self.table('a = "b", b = "c", "c/d" = "e"'))

    def test_a_feed_is_moved_or_closed(self, newsroom):
        (found,) = mistakes(newsroom, self.table('a = "b"', '"a"'))

        assert '"a" is closed too. Keep it under moved, or under closed.' in found


class TestSyndication:
    def table(self, line: str) -> str:
        return f"{PUBLICATION}\n[syndication]\n{line}\n"

    @pytest.mark.parametrize("age", ["30s", "90s", "2d"])
    def test_how_long_a_feed_is_fresh_is_counted_in_minutes(self, newsroom, age):
        (found,) = mistakes(newsroom, self.table(f'max_age = "{age}"'))

        assert "whole minutes" in found

    def test_the_address_of_a_hub_is_kept_to_the_letter(self, newsroom):
        assert read(newsroom, self.table('hubs = ["https://hub.example/a/"]')).syndication.hubs == (
            "https://hub.example/a/",
        )

    @pytest.mark.parametrize("name", ["by", "kind", "newsletter"])
    def test_a_section_where_other_feeds_lie_is_a_mistake(self, newsroom, name):
        (found,) = mistakes(newsroom, f'{PUBLICATION}\n[[section]]\npath = "{name}"\ntitle = "X"\n')

        assert f'"{name}" is where other feeds lie' in found
