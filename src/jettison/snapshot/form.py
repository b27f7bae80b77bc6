"""Which overlay form the layers of this process have; the form itself is ``fs.overlay_form``."""

from __future__ import annotations

from jettison.fs import overlay_form


def overlay_xattr_prefix() -> str:
    """Return ``trusted.overlay.`` where that may be set, else ``user.overlay.``."""
    return overlay_form.overlay_xattr_prefix()
