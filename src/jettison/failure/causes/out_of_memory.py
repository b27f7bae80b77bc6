"""Memory ran out: the kernel killed a process, or a program reached a limit of its own."""

from __future__ import annotations

from jettison.errors import Cause
from jettison.failure.base import Failure

_OWN = (
    (
        ("heap out of memory", r"JavaScript heap out of memory"),
        "Node.js",
        "ENV NODE_OPTIONS=--max-old-space-size=4096",
    ),
    (
        ("java.lang.outofmemoryerror", r"java\.lang\.OutOfMemoryError"),
        "Java",
        "ENV JAVA_TOOL_OPTIONS=-Xmx2g",
    ),
    (
        ("allowed memory size of", r"Allowed memory size of \d+ bytes exhausted"),
        "PHP",
        "php -d memory_limit=-1 …",
    ),
)
_KILLED = (
    ("killed signal terminated program", r"Killed signal terminated program (?P<name>\w+)"),
    ("killed (program", r"internal compiler error: Killed \(program (?P<name>\w+)\)"),
    ("virtual memory exhausted", r"virtual memory exhausted: Cannot allocate memory"),
    ("cannot allocate memory", r"(?i)(?:cannot allocate memory|errno 12)"),
    ("memoryerror", r"^MemoryError\b"),
    ("signal: killed", r"signal: killed\b"),
    ("signal: 9", r"signal: 9, SIGKILL"),
    ("killed", r"^(?:\S+: (?:line )?\d+: +\d+ )?Killed\b"),
    ("std::bad_alloc", r"std::bad_alloc"),
)


def explain(failure: Failure) -> Cause | None:
    """Return the cause if it is this one."""
    for sign, name, setting in _OWN:
        if failure.log.find(sign, last=80):
            why = f"{name} has a limit of its own, which does not follow the machine's memory"
            fix = f"raise it, as with `{setting}`, if the machine has more"
            return Cause("out-of-memory", f"{name} used all the memory that it may have", why, fix)
    was_killed = failure.out_of_memory or failure.exit_code == 137
    if not was_killed and not failure.log.find(*_KILLED, last=40):
        return None
    if failure.memory_bytes:
        what = f"memory ran out: the step may use {failure.memory_bytes >> 20} MiB (`--memory`)"
        fix = "allow it more with `--memory`, or let it do less at once (`make -j2`)"
    else:
        what = "a process was killed, most likely since the machine's memory ran out"
        fix = "let the step do less at once (`make -j2`), run fewer with `--jobs`, or add memory"
    return Cause("out-of-memory", what, "the kernel ends processes when memory is used up", fix)
