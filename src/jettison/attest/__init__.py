"""Attestations: how an image was made, what is in it, and signatures of both.

``request`` says what is wanted, ``slsa`` and ``materials`` make provenance of a build, ``masking``
keeps secrets out of it; ``envelope``, ``keys`` and ``payload`` sign and check.
"""
