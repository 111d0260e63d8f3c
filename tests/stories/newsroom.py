"""A newsroom on disk for stories, driven as an editor drives it: by the `publisher` command, as a process."""

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]

CONFIG = """\
[publication]
name = "The Test Journal"
url = "http://127.0.0.1:{port}"
timezone = "Asia/Karachi"
kinds = ["Analysis"]
secret_key = "a secret for tests, longer than thirty-two characters"

[[section]]
path = "world"
title = "World"

[[section]]
path = "world/asia"
title = "Asia"

[[section]]
path = "economy"
title = "Economy"

[[source]]
name = "desk"
type = "folder"
path = "articles"

[[newsletter]]
name = "briefing"
title = "The Briefing"
from = "The Test Journal <briefing@journal.example>"
schedule = {{ daily = "{cron}" }}
max_age = "36500d"
max_articles = 500

[store]
url = "{store}"

[site]
port = {port}

[preflight]
accept = ["https"]
{extra}
"""

FOLDER = '[transport]\ntype = "folder"\npath = "mail"\n'


@dataclass
class NewsroomOnDisk:
    path: Path

    def write(
        self,
        transport: str = FOLDER,
        *,
        port: int = 8999,
        store: str = "sqlite:///var/publisher.db",
        cron: str = "0 7 * * *",
        extra: str = "",
    ) -> "NewsroomOnDisk":
        text = CONFIG.format(port=port, store=store, cron=cron, extra=extra + transport)
        (self.path / "config.toml").write_text(text, "utf-8")
        return self

    def article(self, name: str, title: str = "", body: str = "Some words.", **front: str) -> "NewsroomOnDisk":
        file = self.path / "articles" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        values = {"title": title or f"Story {Path(name).stem}", "date": "2026-11-19T08:00:00+05:00", **front}
        lines = "".join(f"{key}: {json.dumps(value, ensure_ascii=False)}\n" for key, value in values.items())
        file.write_text(f"---\n{lines}---\n\n{body}\n", "utf-8")
        return self

    def readers(self, *rows: str) -> "NewsroomOnDisk":
        (self.path / "readers.csv").write_text("\n".join(["address,name,sections", *rows]) + "\n", "utf-8")
        self.run("subscribers", "import", str(self.path / "readers.csv"))
        return self

    def run(self, *arguments: str, code: int = 0) -> subprocess.CompletedProcess[str]:
        """Run a command to its end; the exit code is part of the promise."""
        command = self.command(*arguments)
        done = subprocess.run(command, **self._place(), capture_output=True, timeout=120, check=False)
        assert done.returncode == code, f"{arguments} ended with {done.returncode}\n{done.stdout}\n{done.stderr}"
        return done

    def json(self, *arguments: str, code: int = 0) -> Any:
        return json.loads(self.run("--json", *arguments, code=code).stdout)

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        command = self.command(*arguments)
        return subprocess.Popen(command, **self._place(), stdout=subprocess.PIPE, stderr=subprocess.STDOUT)

    def command(self, *arguments: str) -> list[str]:
        return [sys.executable, "-m", "publisher", "--config", str(self.path / "config.toml"), *arguments]

    def _place(self) -> dict[str, Any]:
        own = {key: value for key, value in os.environ.items() if not key.startswith("PUBLISHER_")}
        return {"cwd": ROOT, "env": own, "text": True}

    def mail(self) -> list[Path]:
        return sorted((self.path / "mail").glob("*.eml"))


def without_our_script(page: str) -> str:
    """The list of feeds has a script that copies an address; what the template holds, to the letter, and no other."""
    template = (ROOT / "templates/web/feeds.html.j2").read_text("utf-8")
    return page.replace(template[template.index("<script>") : template.index("</script>") + len("</script>")], "")
