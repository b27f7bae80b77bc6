"""A download failed: its address answers `404`, `403` or an error of the server."""

from __future__ import annotations

from jettison.errors import Cause
from jettison.failure.base import Failure, quoted

_SIGNS = (
    ("error 4", r"ERROR (?P<code>4\d\d): "),
    ("error 5", r"ERROR (?P<code>5\d\d): "),
    ("requested url returned error", r"requested URL returned error: (?P<code>\d{3})"),
    ("server returned error", r"server returned error: HTTP/\S+ (?P<code>\d{3})"),
    ("http error", r"(?i)HTTP ?Error:? (?P<code>[45]\d\d)"),
    ("could not be downloaded", r"could not be downloaded.*?(?P<code>[45]\d\d)?"),
    ("openuri::httperror", r"(?P<code>[45]\d\d) .*OpenURI::HTTPError|OpenURI::HTTPError.*(?P<other>\d{3})"),
    ("client error", r"(?P<code>4\d\d) Client Error"),
    ("server error", r"(?P<code>5\d\d) Server Error"),
    ("http response code said error", r"HTTP response code said error"),
    ("response code", r"(?i)(?:response|status)(?: code)?:? (?P<code>[45]\d\d)\b"),
    ("status code", r"(?i)(?:response|status)(?: code)?:? (?P<code>[45]\d\d)\b"),
    ("awaiting response", r"awaiting response\.\.\. (?P<code>[45]\d\d) "),
    ("returned http code", r"(?i)returned HTTP code (?P<code>[45]\d\d)"),
    ("received http code", r"(?i)Received HTTP code (?P<code>[45]\d\d)"),
    ("failed to download", r"(?i)failed to download (?:from |file |the )?(?P<url>\S*)"),
    ("download failed", r"(?i)download(?:ing)? failed"),
    ("unable to download", r"(?i)unable to download (?P<url>\S*)"),
    ("could not download", r"(?i)could not (?:download|fetch) (?P<url>\S*)"),
    ("cannot download", r"(?i)cannot download (?P<url>\S*)"),
    ("error downloading", r"(?i)error (?:while )?downloading (?P<url>\S*)"),
    ("failed to fetch", r"^(?!W:).*(?i:failed to fetch) (?P<url>\S*)"),
    ("cannot install", r"Tried to download\((?P<code>\d{3})\)"),
    ("tried to download", r"Tried to download\((?P<code>\d{3})\)"),
    ("no such file", r"(?:No such (?:file|directory)) ['`][^']+[']\.$"),
    ("returned a 4", r"returned a (?P<code>[45]\d\d)"),
    ("404 not found", r"(?P<code>404) Not Found"),
    ("403 forbidden", r"(?P<code>403) Forbidden"),
    ("no urls matched", r"curl: \((?:3|22)\)"),
    ("curl: (22)", r"curl: \(22\)"),
    ("curl: (78)", r"curl: \((?:9|78)\)"),
)  # fmt: skip
_CONTENT = (
    ("not in gzip format", r"not in gzip format"),
    ("invalid magic", r"(?:gzip|xz|bunzip2|unzip|tar): invalid magic"),
    ("does not look like a tar", r"does not look like a tar archive"),
    ("unexpected eof in archive", r"(?i)unexpected (?:eof|end of file) in archive|unexpected end of file"),
    ("file format not recognized", r"xz: .*File format not recognized"),
    ("end-of-central-directory", r"End-of-central-directory signature not found"),
    ("not a bzip2 file", r"(?i)not a bzip2 file"),
    ("badzipfile", r"BadZip[Ff]ile"),
    ("zip end of central", r"(?i)invalid zip|zip end of central|not a zip (?:file|archive)"),
    ("is not a debian format", r"is not a [Dd]ebian format archive"),
    ("not an rpm package", r"(?i)not an rpm package"),
    ("file is not a zip", r"File is not a zip file"),
    ("parse error: invalid numeric", r"parse error: Invalid numeric literal"),
    ("unexpected token <", r"Unexpected token '?<"),
    ("cannot iterate over null", r"jq: error"),
    ("command not found", r"(?:Not|<html>|<!DOCTYPE|404:?): (?:command )?not found"),
    ("not: not found", r"(?:Not|<html>|<!DOCTYPE|404:?): not found"),
    ("io error", r"ERROR: \S+\.apk: IO ERROR"),
    ("short read", r"(?:tar|gzip): short read"),
    ("invalid tar", r"(?i)tar: invalid tar (?:magic|header)"),
    ("compressed data", r"(?i)invalid compressed data"),
    ("zip: not", r"unzip: .*(?:short read|corrupted)"),
)  # fmt: skip
_QUIET = {"wget": {8, 1}, "curl": {22}}
"""Exit codes of programs that print nothing with `-q` or `-s`."""


def explain(failure: Failure) -> Cause | None:
    """Return the cause if it is this one."""
    content = failure.log.find(*_CONTENT, last=25)
    if content is not None:
        return Cause(
            "download-content",
            f"a file is not what its name says: {quoted(content.string)}",
            "its address answers with a page for people, or the download was cut off",
            "use `curl -fL`, which fails at error pages, and look at what the address answers",
        )
    found = failure.log.find(*_SIGNS, last=30)
    if found is None:
        return _cause("", "") if _is_quiet(failure) else None
    groups = found.groupdict()
    return _cause(groups.get("code") or groups.get("other") or "", groups.get("url") or "")


def _cause(code: str, url: str) -> Cause:
    what = f"a download failed: the server answers {code}" if code else "a download failed"
    if url and "/" in url:
        what += f" ({quoted(url.strip('.,:'))})"
    if code in {"401", "403"}:
        why, fix = "the server does not give it to everybody", "log in, or take another address"
    elif code.startswith("5"):
        why, fix = "the server has a fault, or is busy", "build again, or take another address"
    else:
        why = "what the address names has moved or was removed: old versions often are"
        fix = "correct the address or the version in it; ADD with a checksum keeps a copy in the cache"
    return Cause("download", what, why, fix)


def _is_quiet(failure: Failure) -> bool:
    text, lines = failure.instruction, len(failure.log.lines)
    return lines < 3 and any(
        f"{program} " in text and failure.exit_code in codes for program, codes in _QUIET.items()
    )
