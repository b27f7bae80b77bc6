"""The first instructions of the helper.

In:  ``argv``: package directory, descriptor of the socket to the builder.
Out: a server behind that socket.
"""

from __future__ import annotations

import os

from jettison.sandbox.init.guard import protect_interpreter


def boot() -> None:
    """Protect the interpreter, then serve.

    The server is imported by the second start only, so that the first one is short. The builder
    waits for the end: the interpreter is not taken apart for it.
    """
    protect_interpreter()
    from jettison.sandbox.init.server import main  # noqa: PLC0415

    main()
    os._exit(0)
