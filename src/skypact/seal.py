"""Signed bytes, key ids, fingerprints.

Law: what is signed is bytes as they are stored, never a value that is written anew for the purpose. No I/O here.
"""
