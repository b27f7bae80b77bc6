"""Facts of Node programs: what they load, and whether it is there.

``manifest`` reads a ``package.json``, ``exports`` and ``modules`` resolve as Node does, ``scan``
finds what a file loads, ``command`` what a command line starts, ``closure`` puts them together.
``addons`` are the ``.node`` files, ``locks`` and ``unneeded`` the dependencies of development.
"""
