"""Which cause a failed step has: the first that recognises it.

In:  a ``Failure``.
Out: a ``Cause``, or None: what is not known stays unsaid.

The order is from what explains everything else (a full disk, a host that was not found) to what
often follows from something else (a source file that does not compile).
"""

from __future__ import annotations

from jettison.errors import Cause
from jettison.failure.base import Explain, Failure
from jettison.failure.causes import (
    already_exists,
    checksum,
    command_not_found,
    compile_error,
    crashed,
    dependency_conflict,
    disk_full,
    download,
    end_of_life,
    externally_managed,
    file_not_found,
    git_access,
    hosts_file,
    interactive,
    interpreter_version,
    line_ends,
    locale,
    lock_file,
    mirror,
    missing_compiler,
    missing_header,
    missing_library,
    missing_module,
    missing_variable,
    name_resolution,
    network,
    no_init_system,
    not_executable,
    out_of_memory,
    package_not_found,
    package_script,
    permission,
    proxy,
    rate_limit,
    refuses_root,
    shell_syntax,
    signature,
    tests_failed,
    tls_certificate,
    too_many_processes,
    tool_failed,
    unknown_option,
    user_or_group,
    wrong_platform,
)

CAUSES: tuple[Explain, ...] = (
    too_many_processes.explain,
    hosts_file.explain,
    disk_full.explain,
    line_ends.explain,
    wrong_platform.explain,
    externally_managed.explain,
    end_of_life.explain,
    proxy.explain,
    rate_limit.explain,
    name_resolution.explain,
    git_access.explain,
    tls_certificate.explain,
    signature.explain,
    lock_file.explain,
    package_not_found.explain,
    mirror.explain,
    interactive.explain,
    refuses_root.explain,
    interpreter_version.explain,
    dependency_conflict.explain,
    out_of_memory.explain,
    network.explain,
    missing_compiler.explain,
    missing_header.explain,
    missing_library.explain,
    not_executable.explain,
    no_init_system.explain,
    shell_syntax.explain,
    command_not_found.explain,
    tests_failed.explain,
    file_not_found.explain,
    user_or_group.explain,
    already_exists.explain,
    permission.explain,
    checksum.explain,
    download.explain,
    package_script.explain,
    missing_module.explain,
    missing_variable.explain,
    locale.explain,
    unknown_option.explain,
    compile_error.explain,
    tool_failed.explain,
    crashed.explain,
)
"""What is asked, in this order."""


def explain(failure: Failure) -> Cause | None:
    """Return what happened, if one of the causes recognises it."""
    return next(filter(None, (cause(failure) for cause in CAUSES)), None)
