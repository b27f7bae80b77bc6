"""A header or library to compile with is not in the stage; the package that has it is named."""

from __future__ import annotations

from jettison.errors import Cause
from jettison.failure.base import Failure, quoted
from jettison.failure.distribution import package_for
from jettison.failure.headers import package_of

_N = r"(?P<name>[\w.+/-]+)"
_HEADER = (
    ("fatal error", rf"fatal error: '?{_N}'?(?:: No such file| file not found)"),
    ("no such file or directory", rf"error: {_N}\.h(?:pp)?: No such file or directory"),
    ("no such file or directory", r"[:\s](?P<name>[\w/+-]+\.h(?:pp)?): No such file or directory"),
)
_MODULE = (
    ("was not found in the pkg-config", rf"Package '?{_N}'?,? was not found in the pkg-config"),
    ("no package '", rf"No package '{_N}' found"),
    ("found:", rf"Package '{_N}', required by '[^']+', not found"),
    ("requested by", rf"Package requirements \({_N}.*were not met"),
    ("required packages were not", r"The following required packages were not found"),
    ("pg_config executable", r"(?P<name>pg_config) executable not found"),
    ("pg_config is required", r"(?P<name>pg_config) is required to build"),
    ("mysql_config", r"(?P<name>mysql_config)(?:'?:? not found| --)"),
    ("xml2-config not found", r"(?P<name>xml2)-config not found"),
    ("libxml2 and libxslt", r"(?P<name>libxml2) and libxslt development packages are installed"),
    ("could not find function xmlcheckversion", r"(?P<name>)Could not find function xmlCheckVersion"),
    ("could not find module ffi", r"Could not find module (?P<name>[Ff][Ff][Ii])"),
    ("headers or library files could not", rf"headers or library files could not be found for {_N}"),
    ("could not run curl-config", r"Could not run (?P<name>curl)-config"),
    ("could not find a package configuration", rf"package configuration file provided by \"{_N}\""),
    ("library is required", rf"(?i)(?:error|fatal).*?{_N} (?:library|headers?|development files?) (?:is|are|was|not) (?:required|needed|missing|found|not found)"),
    ("is missing", rf"(?i){_N} is missing\. please (?:install|check)"),
    ("not found", rf"configure: error: .*?(?:[Cc]ould not find|[Cc]annot find|[Mm]issing|[Uu]nable to find) (?:the )?{_N}"),
    ("configure: error", r"configure: error: (?:.*\b)?(?P<name>lib[\w+-]+|[\w+-]+)\.? (?:library |headers? |development )?(?:is |was |were |are )?(?:not found|required|missing|not available|not installed|too old)"),
    ("configure: error", rf"configure: error: (?:.*?)(?:[Pp]lease (?:re)?install|[Yy]ou (?:need|must)|requires?|[Nn]eed|not find|[Cc]annot find|[Mm]issing) (?:the )?{_N}"),
    ("configure: error: not found", r"configure: error: (?P<name>)not found"),
    ("openssl", r"(?i)could not find (?:directory of )?(?P<name>openssl)"),
    ("cannot find -l", rf"cannot find -l{_N}"),
    ("is missing and required", r"(?P<name>[\w+-]+) is (?:missing|required)(?:, | and )"),
    ("error: could not find", rf"[Cc]ould not find (?:system )?library '{_N}'"),
    ("unable to find", r"(?i)unable to find (?:the )?(?P<name>lib[\w+-]+)"),
    ("can't find the ", rf"can't find the {_N} (?:library|header)"),
    ("could not determine", r"[Cc]ould not (?:determine|find) (?:the )?(?P<name>gdal|geos|hdf5|mysql|libevent)"),
    ("a gdal api version must be", r"A (?P<name>GDAL) API version must be specified"),
    ("you need", r"(?i)you need to (?:install|have) (?:the )?(?P<name>lib[\w+-]+|[\w+-]+-dev(?:el)?)"),
    ("not found: lib", rf"(?i)library not found: {_N}"),
    ("no such file", r"mkmf\.rb can't find (?P<name>header) files for ruby"),
    ("header files for ruby", r"mkmf\.rb can't find header files for (?P<name>ruby)"),
    ("is missing; please", r"(?P<name>lib\w+) is missing"),
)  # fmt: skip


_NO_NAMES = frozenset(
    (
        "are",
        "is",
        "was",
        "the",
        "a",
        "an",
        "not",
        "library",
        "headers",
        "header",
        "and",
        "or",
        "required",
    )
)


def explain(failure: Failure) -> Cause | None:
    """Return the cause if it is this one."""
    found = failure.log.find(*_HEADER, last=120)
    if found is not None:
        name = found["name"]
        if (
            ".h" in found.string
            and not name.endswith((".h", ".hpp"))
            and f"{name}.h" in found.string
        ):
            name += ".h"
        return _cause(
            failure, name, f"the header {quoted(name)} is not in the stage", is_header=True
        )
    found = failure.log.find(*_MODULE, last=80)
    if found is None and "findpackagehandlestandardargs" in failure.log:
        found = failure.log.find(("could not find", rf"Could NOT find {_N}"), last=40)
    if found is None:
        return None
    name = (found.groupdict().get("name") or "").rstrip(".,")
    name = "" if name.lower() in _NO_NAMES else name
    what = f"what is compiled needs {quoted(name)}" if name else "what is compiled needs a library"
    return _cause(failure, name, f"{what}, which is not in the stage", is_header=False)


def _cause(failure: Failure, name: str, what: str, *, is_header: bool) -> Cause:
    package = package_for(package_of(name), failure.distribution) if name else ""
    if package:
        why = f"to compile with it needs the package `{package}`, which {failure.stage} lacks"
        return Cause("missing-header", what, why, failure.distribution.install(package))
    ends = {"apk": "-dev", "dnf": "-devel", "zypper": "-devel"}.get(
        failure.distribution.family, "-dev"
    )
    fix = f"install the package that has it: its name ends in `{ends}` most often"
    if is_header:
        fix += "; a header of the project's own must be copied before"
    return Cause("missing-header", what, "files to compile with are in packages of their own", fix)
