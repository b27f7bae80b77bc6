"""The project's source, or that of a package, does not compile."""

from __future__ import annotations

from jettison.errors import Cause
from jettison.failure.base import Failure, quoted

_SIGNS = (
    ("error:", r"^\s*(?P<name>[^\s:]+\.\w+):\d+(?::\d+)?:? (?:fatal )?error: "),
    ("error[e", r"^(?P<name>error\[E\d+\]: .*)"),
    ("could not compile", r"error: [Cc]ould not compile `(?P<name>[^`]+)`"),
    (".go:", r"^(?P<name>[\w./@]\S*\.go:\d+(?::\d+)?: .*)"),
    ("error ts", r"(?P<name>error TS\d+: .*)"),
    ("error cs", r"(?P<name>error CS\d+: .*)"),
    ("error fs", r"(?P<name>error FS\d+: .*)"),
    ("error msb", r"(?P<name>error MSB\d+: .*)"),
    ("cannot find symbol", r"(?P<name>error: cannot find symbol)"),
    ("compilation error", r"\[ERROR\] (?P<name>COMPILATION ERROR)"),
    ("compilation failure", r"(?P<name>Compilation failure)"),
    ("compilation failed", r"(?P<name>Compilation failed)"),
    ("failed to compile", r"(?P<name>Failed to compile\.?)"),
    ("module build failed", r"(?P<name>Module build failed.*)"),
    ("module parse failed", r"(?P<name>Module parse failed.*)"),
    ("undefined reference", r"(?P<name>undefined reference to .*)"),
    ("ld returned", r"(?P<name>(?:collect2: error: )?ld returned \d exit status)"),
    ("multiple definition", r"(?P<name>multiple definition of .*)"),
    ("syntaxerror", r"^(?P<name>SyntaxError: .*)"),
    ("parse error", r"(?P<name>(?:PHP )?Parse error: .*)"),
    ("nameerror", r"^(?P<name>NameError: name '.*)"),
    ("scala", r"\[error\] (?P<name>\S+\.scala:\d+:.*)"),
    ("(compile) compilation failed", r"(?P<name>\(\S*compile\S*\) Compilation failed)"),
    ("compilecpp", r"(?P<name>Execution failed for task ':\S*compile\w+')"),
    ("compile", r"Execution failed for task '(?P<name>:\S*[cC]ompile\w*)'"),
    ("** (compileerror)", r"\*\* \((?P<name>CompileError\).*)"),
    ("error in ", r"^(?P<name>ERROR in \.?/?\S+.*)"),
    ("is not in scope", r"(?P<name>(?:Variable|Data constructor) not in scope.*)"),
    ("exit status 1", r"^error: command '(?P<name>[^']*(?:gcc|g\+\+|cc|clang))' failed with exit"),
    ("failed with exit code", r"^error: command '(?P<name>[^']*(?:gcc|g\+\+|cc|clang))' failed with exit"),
    ("error 1", r"make(?:\[\d+\])?: \*\*\* \[(?P<name>[^\]]+\.(?:o|lo|obj))\] Error"),
    ("error 1", r"make(?:\[\d+\])?: \*\*\* \[[^\]]*: (?P<name>[^\]]+\.(?:o|lo|obj))\] Error"),
)  # fmt: skip


def explain(failure: Failure) -> Cause | None:
    """Return the cause if it is this one."""
    found = failure.log.first(*_SIGNS) if failure.exit_code else None
    if found is None or not failure.log.find(*_SIGNS, last=60):
        return None
    return Cause(
        "compile-error",
        f"source code does not compile: {quoted(found.string)}",
        "compiler, libraries and source do not fit each other, or the source has a fault",
        "read the first error above; pin the compiler and the libraries to versions that fitted",
    )
