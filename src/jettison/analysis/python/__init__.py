"""What a root file system has of Python, and what a program in it would import. Nothing runs.

Read ``interpreters`` first, then ``search_path`` and ``closure``.

Security: metadata, sources and links are whatever somebody wrote into an image. Every file, list
and depth has a limit, and what cannot be understood is left out.
"""
