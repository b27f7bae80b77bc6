"""The parts of a Dockerfile: what stands before the first FROM, and each FROM with what follows it.

In:  a parsed file.
Out: ARGs; instructions by stage, in file order.
"""

from __future__ import annotations

from jettison.frontend.dockerfile.syntax import Arg, Dockerfile, From, Instruction

Block = tuple[From, list[Instruction]]


def split(file: Dockerfile) -> tuple[list[Arg], list[Block]]:
    """Return the ARGs before the first FROM, and each FROM with its instructions."""
    header: list[Arg] = []
    blocks: list[Block] = []
    for instruction in file.instructions:
        if isinstance(instruction, From):
            blocks.append((instruction, []))
        elif blocks:
            blocks[-1][1].append(instruction)
        elif isinstance(instruction, Arg):
            header.append(instruction)
    return header, blocks
