"""Ends of outputs as programs print them, written for these tests, and what is to be recognised.

A case has the cause's id, a part of what is said, the exit code, the end of the output, and facts of
the sandbox where they matter.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

from jettison.failure.distribution import Distribution

DEBIAN = Distribution("apt", "Debian GNU/Linux 12 (bookworm)", "12", "bookworm")
ALPINE = Distribution("apk", "Alpine Linux v3.20", "3.20.1", "")
FEDORA = Distribution("dnf", "Fedora Linux 40", "40", "")


class Case(NamedTuple):
    id: str
    says: str
    exit_code: int
    output: str
    facts: Mapping[str, Any] = MappingProxyType({})


CASES = [
    Case("disk-full", "disk is full", 1, "tar: usr/lib/big.so: Cannot write: No space left on device\n"),
    Case("disk-full", "disk is full", 100, "E: You don't have enough free space in /var/cache/apt/archives/.\n"),
    Case("out-of-memory", "512 MiB", 137, "Killed\n", {"memory_bytes": 512 << 20, "out_of_memory": True}),
    Case("out-of-memory", "Node.js used all", 134, "<--- Last few GCs --->\nFATAL ERROR: Reached heap limit Allocation failed - JavaScript heap out of memory\n"),
    Case("out-of-memory", "PHP used all", 255, "PHP Fatal error:  Allowed memory size of 134217728 bytes exhausted (tried to allocate 20480 bytes) in phar:///app/x.php on line 9\n"),
    Case("out-of-memory", "most likely", 1, "c++: fatal error: Killed signal terminated program cc1plus\ncompilation terminated.\n"),
    Case("too-many-processes", "as many processes", 2, "sh: can't fork: Resource temporarily unavailable\n"),
    Case("too-many-processes", "as many processes", 1, "", {"lacked_pids": True}),
    Case("hosts-file", "names of hosts", 1, "/bin/sh: can't create /etc/hosts: Read-only file system\n"),
    Case("wrong-platform", "`linux/arm64`", 126, "/bin/sh: /usr/local/bin/tool: cannot execute binary file: Exec format error\n", {"platform": "linux/arm64"}),
    Case("externally-managed", "distribution's Python", 1, "error: externally-managed-environment\n\nThis environment is externally managed\nhint: See PEP 668 for the detailed specification.\n"),
    Case("end-of-life", "`buster`", 100, "Err:4 http://mirror.invalid/debian buster Release\n  404  Not Found\nE: The repository 'http://mirror.invalid/debian buster Release' does not have a Release file.\n", {"base": "app:old"}),
    Case("end-of-life", "mirrors", 1, "Could not retrieve mirrorlist\nCannot find a valid baseurl for repo: base/7/x86_64\n"),
    Case("proxy", "proxy", 56, "curl: (56) Received HTTP code 403 from proxy after CONNECT\n"),
    Case("rate-limit", "rate limit", 1, "error: toomanyrequests: you have reached your limit of pulls\n"),
    Case("rate-limit", "rate limit", 1, "urllib.error.HTTPError: HTTP Error 429: Too Many Requests\n"),
    Case("name-resolution", "`files.example.invalid`", 6, "curl: (6) Could not resolve host: files.example.invalid\n"),
    Case("name-resolution", "`repo.example.invalid`", 1, "WARNING: retrying\nnpm error errno EAI_AGAIN\nnpm error request to https://repo.example.invalid/x failed, reason: getaddrinfo EAI_AGAIN repo.example.invalid\n"),
    Case("name-resolution", "name of a host", 6, "", {"instruction": "RUN curl -s https://x.invalid/a -o /a"}),
    Case("git-access", "may not read `https://git.example.invalid`", 128, "Cloning into 'lib'...\nfatal: could not read Username for 'https://git.example.invalid': No such device or address\n"),
    Case("git-access", "by ssh", 128, "Host key verification failed.\nfatal: Could not read from remote repository.\n"),
    Case("git-access", "no `release-9`", 128, "fatal: Remote branch release-9 not found in upstream origin\n"),
    Case("git-access", "another user", 128, "fatal: detected dubious ownership in repository at '/src'\n"),
    Case("git-access", "no repository", 128, "fatal: not a git repository (or any of the parent directories): .git\n"),
    Case("tls-certificate", "not trusted", 60, "curl: (60) SSL certificate problem: unable to get local issuer certificate\n"),
    Case("tls-certificate", "out of its time", 1, "error: server certificate verification failed: certificate has expired\n"),
    Case("tls-certificate", "no version of TLS", 1, "OpenSSL: error:1409442E:SSL routines:ssl3_read_bytes:tlsv1 alert protocol version\n"),
    Case("signature", "no GnuPG", 255, "E: gnupg, gnupg2 and gnupg1 do not seem to be installed, but one of them is required for this operation\n"),
    Case("signature", "`0123ABCD`", 100, "W: GPG error: http://repo.invalid stable InRelease: The following signatures couldn't be verified because the public key is not available: NO_PUBKEY 0123ABCD\nE: The repository 'http://repo.invalid stable InRelease' is not signed.\n"),
    Case("signature", "has expired", 100, "W: An error occurred: EXPKEYSIG 99AA Example Archive Key\n"),
    Case("lock-file", "package-lock.json", 1, "npm error `npm ci` can only install packages when your package.json and package-lock.json are in sync.\n"),
    Case("lock-file", "poetry.lock", 1, "pyproject.toml changed significantly since poetry.lock was last generated. Run `poetry lock`.\n"),
    Case("lock-file", "hash", 1, "ERROR: THESE PACKAGES DO NOT MATCH THE HASHES FROM THE REQUIREMENTS FILE.\n"),
    Case("lock-file", "go.sum", 1, "main.go:4:2: missing go.sum entry for module providing package example.invalid/x\n"),
    Case("lock-file", "lock file", 101, "error: the lock file /src/Cargo.lock needs to be updated but --locked was passed to prevent this\n"),
    Case("package-not-found", "apt finds no package `libfoo9`", 100, "Reading package lists...\nE: Unable to locate package libfoo9\n", {"instruction": "RUN apt-get update && apt-get install libfoo9"}),
    Case("package-not-found", "apk finds no package `py2-pip`", 1, "ERROR: unable to select packages:\n  py2-pip (no such package):\n    required by: world[py2-pip]\n"),
    Case("package-not-found", "dnf finds no package `htop9`", 1, "No match for argument: htop9\nError: Unable to find a match: htop9\n", {"distribution": FEDORA}),
    Case("package-not-found", "version `2.0-1`", 100, "E: Version '2.0-1' for 'tool' was not found\n"),
    Case("package-not-found", "`reqests==9`", 1, "ERROR: Could not find a version that satisfies the requirement reqests==9 (from versions: none)\nERROR: No matching distribution found for reqests==9\n"),
    Case("package-not-found", "npm registry", 1, "npm error code E404\nnpm error 404 Not Found - GET https://npm.invalid/left-padd - Not found\nnpm error 404  'left-padd@*' is not in this registry.\n"),
    Case("package-not-found", "npm registry", 1, "error Couldn't find any versions for \"left-pad\" that matches \"^99\"\n"),
    Case("package-not-found", "npm registry", 1, " ERR_PNPM_NO_MATCHING_VERSION  No matching version found for left-pad@99\n"),
    Case("package-not-found", "RubyGems", 2, "ERROR:  Could not find a valid gem 'nokogirl' (>= 0) in any repository\n"),
    Case("package-not-found", "`example.invalid/mod@v9", 1, "go: example.invalid/mod@v9.0.0: reading https://proxy.invalid/mod/@v/v9.0.0.info: 404 Not Found\n\tserver response: not found: example.invalid/mod@v9.0.0: invalid version: unknown revision v9.0.0\n"),
    Case("package-not-found", "`serdee`", 101, "error: no matching package named `serdee` found\nlocation searched: registry `crates-io`\n"),
    Case("package-not-found", "`org.example:lib:jar:9`", 1, "[ERROR] Failed to execute goal: Could not find artifact org.example:lib:jar:9 in central\n"),
    Case("package-not-found", "`org.example:lib:9`", 1, "* What went wrong:\n   > Could not find org.example:lib:9.\n"),
    Case("stale-package-lists", "`tool_1.2_amd64.deb`", 100, "E: Failed to fetch http://mirror.invalid/pool/main/t/tool_1.2_amd64.deb  404  Not Found [IP: 192.0.2.1 80]\nE: Unable to fetch some archives, maybe run apt-get update or try with --fix-missing?\n"),
    Case("mirror", "http://extra.invalid/apt", 100, "E: The repository 'http://extra.invalid/apt noble Release' does not have a Release file.\n"),
    Case("mirror", "failed", 1, "ERROR: http://mirror.invalid/alpine/v3.20/main: temporary error (try again later)\n"),
    Case("interactive", "where it is installed", 1, "Configuring tzdata\n------------------\nPlease select the geographic area in which you live.\nGeographic area:\n"),
    Case("interactive", "nobody can answer", 1, "After this operation, 20 MB of additional disk space will be used.\nDo you want to continue? [Y/n] Abort.\n"),
    Case("refuses-root", "refuses to run as root", 1, "bower ESUDO         Cannot be run with sudo\n"),
    Case("interpreter-version", "Python", 1, "ERROR: Package 'tool' requires a different Python: 3.8.18 not in '>=3.9'\n"),
    Case("interpreter-version", "Node.js", 1, "error tool@9.0.0: The engine \"node\" is incompatible with this module. Expected version \">=18\". Got \"16.20.2\"\n"),
    Case("interpreter-version", "Go", 1, "go: errors parsing go.mod:\ngo: module example requires go >= 1.23 (running go 1.20)\n"),
    Case("interpreter-version", "Rust", 101, "error: package `tool v1.0` cannot be built because it requires rustc 1.74 or newer, while the currently active rustc version is 1.63.0\n"),
    Case("interpreter-version", "Ruby", 18, "Your Ruby version is 3.0.6, but your Gemfile specified 3.2.2\n"),
    Case("dependency-conflict", "ERESOLVE", 1, "npm error code ERESOLVE\nnpm error ERESOLVE unable to resolve dependency tree\n"),
    Case("dependency-conflict", "go together", 100, "The following packages have unmet dependencies:\n b : Depends: a (= 2) but 1 is to be installed\nE: Unable to correct problems, you have held broken packages.\n"),
    Case("network", "`db.example.invalid`", 7, "curl: (7) Failed to connect to db.example.invalid port 443: Connection refused\n"),
    Case("service-not-running", "own machine", 1, "could not connect to server: Connection refused\n\tIs the server running on host \"localhost\" (127.0.0.1) and accepting\n"),
    Case("missing-compiler", "no `gcc`", 1, "building 'fast' extension\nerror: command 'gcc' failed: No such file or directory\n", {"distribution": ALPINE}),
    Case("missing-compiler", "`Python`", 1, "gyp ERR! find Python\ngyp ERR! find Python Python is not set from command line\n"),
    Case("missing-header", "`openssl/ssl.h`", 1, "src/tls.c:3:10: fatal error: openssl/ssl.h: No such file or directory\ncompilation terminated.\n", {"distribution": DEBIAN}),
    Case("missing-header", "`libzip`", 1, "No package 'libzip' found\n", {"distribution": DEBIAN}),
    Case("missing-header", "`pg_config`", 1, "Error: pg_config executable not found.\n", {"distribution": ALPINE}),
    Case("missing-library", "`libxml2.so.2`", 127, "./tool: error while loading shared libraries: libxml2.so.2: cannot open shared object file: No such file or directory\n"),
    Case("libc-mismatch", "`GLIBC_2.38`", 1, "./tool: /lib/x86_64-linux-gnu/libc.so.6: version `GLIBC_2.38' not found (required by ./tool)\n"),
    Case("libc-mismatch", "another C library", 127, "Error loading shared library ld-linux-x86-64.so.2: No such file or directory (needed by ./tool)\n", {"distribution": ALPINE}),
    Case("not-executable", "`./build.sh`", 126, "/bin/sh: 1: ./build.sh: Permission denied\n"),
    Case("no-init-system", "init system", 1, "System has not been booted with systemd as init system (PID 1). Can't operate.\n"),
    Case("shell-syntax", "bash's syntax", 127, "/bin/sh: 1: source: not found\n"),
    Case("shell-syntax", "does not understand", 2, "/bin/sh: 3: Syntax error: end of file unexpected (expecting \"fi\")\n"),
    Case("command-not-found", "`git`", 127, "/bin/sh: git: not found\n", {"distribution": ALPINE}),
    Case("command-not-found", "`make`", 127, "/bin/sh: line 1: make: command not found\n", {"distribution": FEDORA}),
    Case("command-not-found", "`apt-get`", 127, "/bin/sh: apt-get: not found\n", {"distribution": ALPINE}),
    Case("command-not-found", "`webpack`", 1, "> app@1.0.0 build\n> webpack\n\nsh: 1: webpack: not found\n"),
    Case("missing-shell", "no shell", 127, "cannot execute `/bin/sh`: no such file or directory\n"),
    Case("line-ends", "CRLF", 126, "/bin/sh: ./run.sh: /bin/bash^M: bad interpreter: No such file or directory\n"),
    Case("line-ends", "CRLF", 127, "/usr/bin/env: 'bash\\r': No such file or directory\n"),
    Case("line-ends", "CRLF", 127, "/bin/sh: ./run.sh: not found\n", {"instruction": "RUN ./run.sh", "head": lambda _: b"#!/bin/sh\r\necho\r\n"}),
    Case("tests-failed", "tests failed", 1, "FAILED tests/test_a.py::test_sum - assert 3 == 4\n==== 1 failed, 41 passed in 2.31s ====\n"),
    Case("tests-failed", "`TestSum`", 1, "--- FAIL: TestSum (0.00s)\n    sum_test.go:9: got 3\nFAIL\nexit status 1\n"),
    Case("tests-failed", "checker", 1, "✖ 7 problems (7 errors, 0 warnings)\n"),
    Case("file-not-found", "`requirements.txt`", 1, "ERROR: Could not open requirements file: [Errno 2] No such file or directory: 'requirements.txt'\n"),
    Case("file-not-found", "`Makefile`", 2, "make: *** No targets specified and no makefile found.  Stop.\n"),
    Case("file-not-found", "`/src/conf`", 1, "cp: cannot stat '/src/conf': No such file or directory\n"),
    Case("hidden-by-ignore-file", "`requirements.txt`", 1, "ERROR: Could not open requirements file: [Errno 2] No such file or directory: 'requirements.txt'\n", {"hidden_by": {"requirements.txt": "*.txt"}.get}),
    Case("permission", "the user `app`", 1, "mkdir: cannot create directory '/opt/data': Permission denied\n", {"user": "app"}),
    Case("permission", "the user `app`", 100, "E: Could not open lock file /var/lib/dpkg/lock - open (13: Permission denied)\nE: Unable to lock, are you root?\n", {"user": "app"}),
    Case("user-or-group", "`node`", 1, "addgroup: group 'node' in use\n"),
    Case("user-or-group", "no user or group `app`", 1, "chown: invalid user: 'app:app'\n"),
    Case("already-exists", "`/usr/bin/python`", 1, "ln: failed to create symbolic link '/usr/bin/python': File exists\n"),
    Case("checksum", "checksum", 1, "sha256sum: WARNING: 1 computed checksum did NOT match\n"),
    Case("download", "404", 8, "--2026-01-01 10:00:00--  https://files.invalid/a.tgz\n2026-01-01 10:00:01 ERROR 404: Not Found.\n"),
    Case("download-content", "not what its name says", 2, "gzip: stdin: not in gzip format\ntar: Child returned status 1\n"),
    Case("package-script", "`tool`", 100, "dpkg: error processing package tool (--configure):\n installed tool package post-installation script subprocess returned error exit status 1\nE: Sub-process /usr/bin/dpkg returned an error code (1)\n"),
    Case("missing-module", "`yaml`", 1, "Traceback (most recent call last):\n  File \"setup.py\", line 1, in <module>\n    import yaml\nModuleNotFoundError: No module named 'yaml'\n"),
    Case("missing-module", "no `biuld`", 1, "npm error Missing script: \"biuld\"\n"),
    Case("missing-variable", "`API_URL`", 1, "  File \"settings.py\", line 3\nKeyError: 'API_URL'\n"),
    Case("missing-variable", "`VERSION`", 1, "/bin/sh: line 1: VERSION: unbound variable\n"),
    Case("locale", "UTF-8", 1, "UnicodeDecodeError: 'ascii' codec can't decode byte 0xc3 in position 9: ordinal not in range(128)\n"),
    Case("unknown-option", "command line", 1, "grep: unrecognized option: P\nBusyBox v1.36.1 multi-call binary.\n"),
    Case("compile-error", "does not compile", 2, "main.c:7:5: error: unknown type name 'strng'\nmake: *** [Makefile:3: main.o] Error 1\n"),
    Case("compile-error", "does not compile", 1, "# example\n./main.go:9:2: undefined: strng\n"),
    Case("tool-failed", "npm itself", 1, "npm ERR! cb() never called!\n"),
    Case("crashed", "SIGSEGV", 139, "Segmentation fault (core dumped)\n"),
]  # fmt: skip

SILENT = [
    ("", 1),
    ("done\n", 3),
    ("Something went wrong.\n", 1),
    ("checking for gcc... gcc\nchecking for git... no\nfinished, with problems of our own\n", 1),
    ("W: Failed to fetch an icon, going on\nall 12 tests passed\nstopped: quota of nothing\n", 2),
    ("404 files were copied\n", 1),
    ("0 failed, 12 passed\nthe release is not allowed today\n", 9),
]
"""Outputs that nobody can tell anything from, with exit codes."""
