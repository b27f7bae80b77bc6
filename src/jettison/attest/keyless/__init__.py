"""Signatures without a key: a certificate for an identity, and the entry of a log that proves when.

All of it is sigstore's library, which is an extra, and loaded where something is signed or verified
in this way only.
"""
