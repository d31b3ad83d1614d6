"""A party's own people: who of them sees and changes which flight, notice and constraint.

Law: :func:`visible` is the one answer to "may this person see what concerns that operator", and every read
of the party's own interface goes through it. The party itself (a token whose ``sub`` is the party) sees
everything of its own; anybody else sees what is filed under their own name, and nothing more. What a person
may not see is to them as if it were not there.
"""

from __future__ import annotations

from dataclasses import dataclass

from skypact.errors import Reason, Refused

READ = "skypact.read"
FLIGHTS = "skypact.flights"
CONSTRAINTS = "skypact.constraints"
LOGS = "skypact.logs"
ARBITRATE = "skypact.arbitrate"


@dataclass(frozen=True, slots=True)
class Person:
    """Who asks: ``sub`` of the token, and the party whose node this is."""

    name: str
    party: str

    @property
    def all(self) -> bool:
        """Whether it is the party itself."""
        return self.name == self.party


def visible(person: Person, operator: str) -> bool:
    """Whether a person may see, and with the scope for it change, what an operator has filed."""
    return person.all or (operator != "" and operator == person.name)


def filed_by(person: Person, operator: str, *, where: str) -> str:
    """The operator that something is filed for: who files it, unless the party itself names another.

    Raises
    ------
    Refused
        FORBIDDEN: it would be filed in another's name.
    """
    if person.all:
        return operator or person.name
    if operator not in {"", person.name}:
        raise Refused(
            Reason.FORBIDDEN,
            "only the party itself files for another",
            where=where,
            found=operator,
            expected=person.name,
        )
    return person.name
