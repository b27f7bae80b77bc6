"""Measures builds: Jettison beside the builders that are installed, and the machine's limits.

``python -m bench --help`` says how; ``bench/README.md`` says what is measured.
"""
