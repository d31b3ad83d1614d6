"""``skypact token`` makes no token that every node would refuse."""

from __future__ import annotations

import pytest

from skypact.cli import token
from skypact.errors import UsageError


@pytest.mark.parametrize(
    ("sub", "scope", "text"),
    [
        ("a\nb", "x", "--sub"),
        ("", "x", "--sub"),
        ("a" * 256, "x", "--sub"),
        ("\udcff", "x", "--sub"),
        ("a\x00", "x", "--sub"),
        ("uss1", "a\nb", "--scope"),
        ("uss1", "a\u00a0b", "--scope"),
    ],
)
def test_a_name_or_scope_that_no_node_takes_is_refused(sub: str, scope: str, text: str) -> None:
    """Before any key is read, with the option and what stands there."""
    options = token.parser().parse_args(["--sub", sub, "--scope", scope, "--data", "/nonexistent"])
    with pytest.raises(UsageError, match=text):
        token.run(options)
