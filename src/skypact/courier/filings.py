"""The bytes of another party's filing, fetched by the digest that its notice names.

Law: what came is given back as it came; whether it has the digest is for who asked to see. Nothing is tried
again here, and no party is asked for more than one version in one call.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from skypact.courier.client import CallFailed
from skypact.courier.hotline import SCOPE
from skypact.desk.outside import NoAnswer
from skypact.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from skypact.courier.peers import Sender

CALL_S: Final = 10.0
"""Seconds that one call may last."""
_SAID_MAX: Final = 200


class FilingFetcher:
    """Fetches from the other parties' nodes; a :class:`~skypact.desk.filings.Fetch`.

    Parameters
    ----------
    urls
        The base URLs of the other parties' nodes, by party.
    """

    def __init__(self, client: Sender, urls: Mapping[str, str]) -> None:
        self._client = client
        self._urls = urls

    async def filing(self, party: str, sha256: str) -> bytes:
        """What a party's node has under a digest (hexadecimal).

        Raises
        ------
        NoAnswer
            It is not known where that node is, it does not answer, or it has nothing for us.
        """
        url = self._urls.get(party)
        if url is None:
            raise NoAnswer("it is not known where this party's node is (pact.peers)", arrived=False)
        try:
            answer = await self._client.send(
                "GET", f"{url}/hotline/v1/filings/{sha256}", scope=SCOPE, body=None, timeout_s=CALL_S
            )
        except CallFailed as error:
            raise NoAnswer(str(error), arrived=error.arrived) from None
        except InputError as error:
            raise NoAnswer(str(error), arrived=False) from None
        if answer.status != 200:
            said = answer.body[:_SAID_MAX].decode("utf-8", "replace")
            raise NoAnswer(f"status {answer.status}: {said}", arrived=True)
        return answer.body
