"""Refuses layers into which a RUN has written a secret.

In:  the directory of a layer that is not committed yet, values of secrets by id.
Out: an error that names the first place which holds one.

Looked for is in all places and forms that ``analysis.secrets.search`` knows. Values shorter than
six bytes are not looked for, since they would be found by chance, nor are lines of a value: files
with settings that hold a secret have lines that do not.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from jettison.analysis.secrets.search import Searcher, Sighting
from jettison.errors import SecretInLayerError

_SHORTEST = 6


def find_leak(layer: Path, secrets: Mapping[str, bytes]) -> Sighting | None:
    """Return the first secret in a layer's directory, or None.

    Args:
        layer: Its directory.
        secrets: Values by id.

    Raises:
        OSError: a file cannot be read.
    """
    sought = {name: each for name, each in secrets.items() if len(each.strip()) >= _SHORTEST}
    return next(Searcher(sought).in_layer(layer), None)


def refuse_leaks(layer: Path, secrets: Mapping[str, bytes]) -> None:
    """Make sure that a layer holds no secret.

    Raises:
        SecretInLayerError: it does; the message names the secret's id and the path.
        OSError: a file cannot be read.
    """
    leak = find_leak(layer, secrets)
    if leak is not None:
        path = leak.path.encode(errors="replace").decode(errors="replace")
        raise SecretInLayerError(
            f"the step wrote the secret `{leak.secret}` into the image: `{path}` holds it"
            f" ({leak.form})",
            hint="remove it in the same RUN, or mount a tmpfs there; `--allow-secret-in-layer` lets"
            " it pass",
        )
