"""ELF files: what their headers, dynamic sections and notes say.

In:  descriptors of files that anybody may have made.
Out: ``Elf`` values, small enough to be kept for each program and library of an image.

Security: offsets, sizes and counts are the file's; reads of a file are few and bounded, and what
cannot be followed makes ``Elf.fault``.
"""
