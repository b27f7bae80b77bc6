"""Measures checks of images: what they find, miss and say wrongly. `scripts/check_tables.py`."""
