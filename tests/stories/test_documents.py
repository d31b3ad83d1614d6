"""The documents run.

Every Python block and every command that the README shows, and every link leads somewhere.
"""

from __future__ import annotations

import contextlib
import io
import re
import shlex
import socket
from pathlib import Path

import pytest

import shell
from server.running import node

ROOT = Path(__file__).resolve().parent.parent.parent
DOCUMENTS = [
    ROOT / "README.md",
    ROOT / "CONTRIBUTING.md",
    ROOT / "CHANGELOG.md",
    *sorted((ROOT / "docs").rglob("*.md")),
]


README = (ROOT / "README.md").read_text(encoding="utf-8")


def blocks(path: Path, language: str) -> list[str]:
    """The fenced blocks of a language in a document."""
    return re.findall(rf"```{language}\n(.*?)```", path.read_text(encoding="utf-8"), re.DOTALL)


NODE = [
    line
    for line in README.split("**Run a node.**", 1)[1].split("\n**", 1)[0].splitlines()
    if line.startswith(".venv/bin/skypact ")
]
"""The commands of its tour of a node, in their order."""
PYTHON = [(path, k) for path in DOCUMENTS for k in range(len(blocks(path, "python")))]


@pytest.mark.parametrize(("path", "k"), PYTHON, ids=[f"{p.name}-{k}" for p, k in PYTHON])
def test_python_in_the_documents_says_what_it_prints(
    path: Path, k: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A Python block runs where the examples are, and what it prints is what its comments say it prints."""
    code = blocks(path, "python")[k]
    said = [line[2:].strip() for line in code.splitlines() if line.startswith("# ")]
    (tmp_path / "examples").symlink_to(ROOT / "examples")
    monkeypatch.chdir(tmp_path)
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        exec(compile(code, str(path), "exec"), {})  # noqa: S102 -- our own documents
    printed = out.getvalue().strip().splitlines()
    for line in printed:
        assert line.strip() in said


def test_commands_in_the_readme_run(tmp_path: Path) -> None:
    """Each ``skypact`` line of the README that names files of ours runs.

    Ends as the README says it may.
    """
    lines = [
        line.split("#")[0].strip() for line in README.splitlines() if line.startswith(".venv/bin/skypact ")
    ]
    ours = [line for line in lines if "examples/" in line and line not in NODE]
    assert len(ours) >= 3
    for line in ours:
        words = shlex.split(line)[1:]
        words = [str(tmp_path / word) if word.endswith(".html") else word for word in words]
        done = shell.skypact(*words, cwd=ROOT)
        assert done.status in {0, 1}, done.err
        assert "Traceback" not in done.err


def test_the_readme_s_node_is_run_as_it_says(tmp_path: Path) -> None:
    """Its commands, one after the other, on a port that is free: two nodes, the refusal as shown, the end."""
    (tmp_path / "examples").symlink_to(ROOT / "examples")
    assert shell.skypact("init", "skypact-data", cwd=tmp_path).status == 0
    config = tmp_path / "skypact-data" / "skypact.toml"
    with socket.create_server(("127.0.0.1", 0)) as door:
        listen = f"127.0.0.1:{door.getsockname()[1]}"
    text = config.read_text(encoding="utf-8")
    assert "127.0.0.1:8650" in text  # where the README's listens, which another may have taken
    config.write_text(text.replace("127.0.0.1:8650", listen), encoding="utf-8")
    shown = re.sub(r"\s+", " ", blocks(ROOT / "README.md", "text")[0]).strip()
    ended = []
    with contextlib.ExitStack() as stack:
        for line in NODE:
            words = shlex.split(line)[1:]
            if words[0] == "up":
                made = stack.enter_context(node(*words[1:], cwd=tmp_path))
                made.await_listening()
                made.await_ready()
                continue
            ended.append((words[0], shell.skypact(*words, cwd=tmp_path)))
    assert [(verb, done.status) for verb, done in ended] == [
        ("file", 0),
        ("file", 1),
        ("flights", 0),
        ("end", 0),
        ("file", 0),
    ], ended
    assert masked(re.sub(r"\s+", " ", ended[1][1].out).strip()) == masked(shown)
    assert "mapping" in ended[2][1].out


def masked(text: str) -> str:
    """Without what is another every time: ids, instants, places."""
    text = re.sub(r"[0-9a-f]{8}-[0-9a-f-]{27}", "ID", text)
    return re.sub(r"-?\d+\.\d+", "N", re.sub(r"\d{4}-\d\d-\d\dT[\d:.]+Z", "T", text))


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda p: p.name)
def test_links_lead_somewhere(path: Path) -> None:
    """Every relative link and picture of a document is a file of the repository."""
    text = re.sub(r"```.*?```", "", path.read_text(encoding="utf-8"), flags=re.DOTALL)
    broken = [
        target
        for target in re.findall(r"\]\(([^)#\s]+)", text)
        if "://" not in target and not (path.parent / target).exists()
    ]
    assert broken == []
