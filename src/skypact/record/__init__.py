"""The record: a ledger of salted leaves, its proofs, its checkpoints and their witnesses; pure rules.

``ledger`` says what a leaf commits to, ``tree`` makes and checks proofs, ``tiles`` names the files of a tree,
``note`` and ``checkpoint`` say what a log and its witnesses sign and when a log contradicts itself, and
``receipt`` is the one file that proves a leaf to a third party.
"""
