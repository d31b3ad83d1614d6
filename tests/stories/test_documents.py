"""The documents run.

Every Python block and every command that the README shows, and every link leads somewhere.
"""

from __future__ import annotations

import contextlib
import io
import re
import shlex
from pathlib import Path

import pytest

import shell

ROOT = Path(__file__).resolve().parent.parent.parent
DOCUMENTS = [
    ROOT / "README.md",
    ROOT / "CONTRIBUTING.md",
    ROOT / "CHANGELOG.md",
    *sorted((ROOT / "docs").rglob("*.md")),
]


def blocks(path: Path, language: str) -> list[str]:
    """The fenced blocks of a language in a document."""
    return re.findall(rf"```{language}\n(.*?)```", path.read_text(encoding="utf-8"), re.DOTALL)


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
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    lines = [
        line.split("#")[0].strip() for line in text.splitlines() if line.startswith(".venv/bin/skypact ")
    ]
    ours = [line for line in lines if "examples/" in line]
    assert len(ours) >= 3
    for line in ours:
        words = shlex.split(line)[1:]
        words = [str(tmp_path / word) if word.endswith(".html") else word for word in words]
        done = shell.skypact(*words, cwd=ROOT)
        assert done.status in {0, 1}, done.err
        assert "Traceback" not in done.err


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
