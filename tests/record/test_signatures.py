"""Signatures of many notes by several processes: the same faults as by one, and no silence."""

from __future__ import annotations

import pytest

from skypact import seal
from skypact.desk import signatures
from skypact.desk.signatures import BATCH, FEW, faults
from skypact.errors import InputError
from skypact.record import note

KEY = seal.generate()
LOG = note.key_of("log.example/1", note.LOG, KEY.public)


def signed(n: int) -> bytes:
    """A note with a number in it."""
    text = f"note {n}\n"
    return note.Note(text, (note.sign(text, LOG.name, KEY),)).encode()


GOOD = [signed(n) for n in range(40)]


def batches(many: int, wrong: dict[int, bytes]) -> list[list[tuple[int, bytes]]]:
    """So many notes, a few of them wrong, in batches."""
    rows = [(n, wrong.get(n, GOOD[n % len(GOOD)])) for n in range(many)]
    return [rows[low : low + BATCH] for low in range(0, many, BATCH)]


@pytest.mark.parametrize("many", [0, 1, FEW, FEW + 2 * BATCH + 7])
def test_every_note_that_is_not_signed_is_named(many: int) -> None:
    """Whether one process looks at them or several: forged, by a stranger, or no note at all."""
    stranger = note.Note("x\n", (note.sign("x\n", LOG.name, seal.generate()),)).encode()
    wrong = {0: GOOD[0].replace(b"note 0", b"note 1"), many // 2: stranger, many - 1: b"no note"}
    found = sorted(faults(batches(many, wrong), [LOG]))
    assert [number for number, _ in found] == sorted({n for n in wrong if 0 <= n < many})
    words = ("not the signature", "not signed by a key that is known here", "not a signed note")
    assert all(any(word in text for word in words) for _, text in found)


def test_a_process_that_dies_is_an_error_and_no_silence(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where one is killed in the middle of its work, the one who waits is told so."""
    begun: list[signatures._Hand] = []
    first = signatures._Hand.give

    def give(hand: signatures._Hand, batch: list[tuple[int, bytes]]) -> list[tuple[int, str]]:
        if batch and not begun:
            begun.append(hand)
            hand._process.kill()
            hand._process.join()
        return first(hand, batch)

    monkeypatch.setattr(signatures._Hand, "give", give)
    with pytest.raises(InputError, match="a process that checked signatures has died"):
        list(faults(batches(FEW + 5 * BATCH, {}), [LOG]))
    assert begun


def test_no_process_outlives_the_work() -> None:
    """Whether it ends or is left in the middle."""
    import multiprocessing

    list(faults(batches(FEW + BATCH, {}), [LOG]))
    some = faults(batches(FEW + 2 * BATCH, {FEW: b"no note"}), [LOG])
    assert next(some)[0] == FEW
    some.close()  # type: ignore[attr-defined]
    assert multiprocessing.active_children() == []
