"""Bills of materials: what packages an image, or a stage of its build, has.

In:  what databases say of packages (``analysis.packages``), facts of the image.
Out: ``Bom``; SPDX 2.3, CycloneDX 1.6, a table.
"""
