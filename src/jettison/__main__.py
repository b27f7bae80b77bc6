"""``python -m jettison`` and the ``jettison`` script."""

from __future__ import annotations

import sys


def main() -> None:
    """Run the command line; the version needs nothing but itself."""
    if sys.argv[1:] in (["--version"], ["-v"]):
        from jettison import __version__  # noqa: PLC0415 - the fast way

        sys.stdout.write(f"jettison {__version__}\n")
        return
    from jettison.cli.main import run  # noqa: PLC0415

    sys.exit(run(sys.argv[1:]))


if __name__ == "__main__":
    main()
