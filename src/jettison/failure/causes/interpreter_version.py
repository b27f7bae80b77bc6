"""A language's version does not fit: Python, Node.js, Ruby, Go, Rust, PHP or Java is too old or new."""

from __future__ import annotations

from jettison.errors import Cause
from jettison.failure.base import Failure, quoted
from jettison.failure.log import Sign

_PYTHON: tuple[Sign, ...] = (
    ("require a different python", r"that require a different python version"),
    ("requires a different python", r"requires a different Python"),
    ("requires python", r"(?i)requires python ['\"]?[<>=~!\d]"),
    ("or later is required", r"Python \d\.\d+ or later is required"),
    (
        "python 3.",
        r"(?i)python (?:version )?[23]\.\d+\+? (?:or (?:later|newer|greater|above) )?is required",
    ),
    ("python", r"(?i)requires? (?:at least )?python (?:version )?>?=? ?[23]\.\d"),
    ("unsupported python version", r"(?i)unsupported python version"),
    ("python 2", r"(?i)python 2(?:\.\d)? is no(?:t| longer) supported"),
    ("does not support python", r"(?i)(?:does not|no longer) supports? python"),
    ("minimum supported python", r"(?i)minimum (?:supported )?python version"),
    ("print", r"SyntaxError: Missing parentheses in call to 'print'"),
    ("except", r"SyntaxError: multiple exception types must be parenthesized"),
    ("future feature annotations", r"future feature annotations is not defined"),
    ("use_2to3", r"use_2to3 is invalid"),
    ("distutils", r"No module named '?distutils"),
    ("imp'", r"No module named 'imp'"),
    ("has no attribute", r"module 'collections' has no attribute|has no attribute 'ImpImporter'"),
    ("cannot import name", r"cannot import name '\w+' from 'collections'"),
    ("feature", r"cannot import name '?Feature'?"),
    ("safeconfigparser", r"has no attribute 'SafeConfigParser'"),
    ("cython_sources", r"AttributeError: cython_sources"),
    ("setuptools-py2-sunset", r"setuptools-py2-sunset"),
    (
        "this script does not work on python",
        r"This script does not work on Python (?P<name>[\d.]+)",
    ),
    ("the minimum supported", r"The minimum supported Python version is"),
    ("support for your python", r"Your Python version .*(?:not|no longer) supported"),
    ("is not supported by the project", r"Python version \S+ is not supported by the project"),
)
_NODE: tuple[Sign, ...] = (
    ("the engine", r"The engine \"?node\"? is incompatible"),
    ("ebadengine", r"npm (?:ERR!|error) (?:code )?EBADENGINE"),
    ("notsup", r"npm (?:ERR!|error) (?:notsup|code ENOTSUP)"),
    ("does not support node", r"(?i)npm (?:v\S+ )?does not support Node\.js"),
    ("is known not to run on", r"npm (?:v\S+ )?is known not to (?:run|work) on Node"),
    ("not yet support your current", r"Node Sass does not yet support your current environment"),
    ("err_ossl_evp_unsupported", r"ERR_OSSL_EVP_UNSUPPORTED"),
    ("digital envelope routines", r"error:0308010C:digital envelope routines"),
    ("primordials is not defined", r"primordials is not defined"),
    ("unsupported url type", r"(?i)unsupported URL type"),
    (
        "requires a minimum node",
        r"(?i)requires? (?:a minimum )?node(?:\.js)? (?:version )?(?:of )?(?:v|>=?)? ?\d",
    ),
    ("requires at least node", r"(?i)requires at least node"),
    (
        "node version",
        r"(?i)your (?:current version of |)node(?:\.js)? version .*(?:not|require|unsupported)",
    ),
    ("you are running node", r"You are (?:running|using) Node(?:\.js)? v?[\d.]+"),
    ("unexpected token", r"SyntaxError: Unexpected (?:token|reserved word|identifier|strict mode)"),
    ("invalid regular expression", r"SyntaxError: Invalid regular expression: .*Invalid group"),
    ("not yet supported outside strict", r"SyntaxError: Block-scoped declarations"),
    ("err_require_esm", r"ERR_REQUIRE_ESM"),
    ("err_unknown_builtin", r"ERR_UNKNOWN_BUILTIN_MODULE"),
    ("node:", r"Cannot find module 'node:"),
    ("no longer supported", r"(?i)node(?:\.js)? \S+ is no longer supported"),
    ("unsupported node", r"(?i)unsupported node(?:\.js)? version"),
    ("this version of pnpm requires", r"This version of pnpm requires at least Node"),
    ("deprecation warning", r"SCRIPT DEPRECATION WARNING"),
)
_RUBY: tuple[Sign, ...] = (
    ("your ruby version is", r"Your Ruby version is \S+, but your Gemfile specified"),
    ("requires ruby version", r"(?i)requires (?:ruby|rubygems) version"),
    ("requires rubygems version", r"requires RubyGems version"),
    ("was specified in your gemfile", r"(?i)ruby version .*required by your Gemfile"),
    ("'bundler'", r"[Cc]ould(?:n't| not) find '?bundler'? \("),
    ("find bundler", r"You must use Bundler \d"),
    ("bundler version", r"Could not find compatible versions? for gem \"bundler\""),
    ("bundler version", r"(?i)the running version of bundler.*(?:error|must)"),
    ("with your version of ruby", r"(?i)is not compatible with your version of ruby"),
    ("depends on ruby", r"depends? on Ruby [<>=~]"),
)
_GO: tuple[Sign, ...] = (
    ("requires go", r"requires go ?(?:version )?>= ?[\d.]+"),
    ("module requires go", r"note: module requires Go [\d.]+"),
    ("does not begin with hostname", r"import path does not begin with hostname"),
    ("cannot find module providing", r"cannot find module providing package [a-z0-9/]+$"),
    ("invalid go version", r"invalid go version '"),
    ("is not in goroot", r"package (?P<name>[\w/.-]+) is not in (?:GOROOT|std)"),
    ("go get", r"'?go get'? is no longer supported outside a module"),
    ("go.mod requires", r"go\.mod requires go"),
    ("requires go 1", r"(?i)requires go ?1\.\d+ or (?:later|newer|greater)"),
    ("build constraints exclude", r"build constraints exclude all Go files"),
    ("unknown directive", r"go\.mod:\d+: unknown directive"),
)
_RUST: tuple[Sign, ...] = (
    ("requires rustc", r"requires rustc \S+ or newer"),
    ("rustc", r"cannot be built because it requires rustc"),
    ("is not supported by the", r"rustc \S+ is not supported by the following"),
    ("is required", r"feature `\w+` is required"),
    ("may not be used on the", r"`#!\[feature\]` may not be used on the stable"),
    ("e0658", r"error\[E0658\]"),
    ("e0554", r"error\[E0554\]"),
    ("lock file version", r"lock file version .* (?:was found|requires)"),
    ("minimum supported rust", r"(?i)minimum supported rust version"),
)
_PHP: tuple[Sign, ...] = (
    ("your php version", r"requires php \S+.*your php version"),
    ("php version", r"(?i)your php version .*does not satisfy"),
    ("this package requires php", r"This package requires php"),
    ("requires php (version", r"requires PHP \(version"),
    ("composer 2", r"(?i)requires composer-(?:plugin|runtime)-api"),
    ("composer detected issues", r"Composer detected issues in your platform"),
    ("is required", r"(?i)php >?=? ?\d\.\d+\S* (?:or (?:later|newer|greater) )?is required"),
)
_JAVA: tuple[Sign, ...] = (
    ("unsupportedclassversionerror", r"UnsupportedClassVersionError"),
    ("unsupported class file major", r"Unsupported class file major version"),
    ("invalid target release", r"invalid (?:target|source) release: (?P<name>\S+)"),
    ("is no longer supported. use", r"(?:Source|Target) option \S+ is no longer supported"),
    ("class file has wrong version", r"class file has wrong version"),
    ("could not determine java version", r"Could not determine java version"),
    ("release version", r"release version (?P<name>\S+) not supported"),
    ("incompatible because this component", r"compatible with Java \d+ and the consumer"),
    ("requires java", r"(?i)requires (?:at least )?java (?:version )?\d+"),
    ("javax/xml/bind", r"NoClassDefFoundError: javax/xml/bind"),
)
_OTHERS: tuple[Sign, ...] = (
    ("or higher is required", r"CMake \S+ or higher is required"),
    ("current .net sdk does not support", r"current \.NET SDK does not support targeting"),
    (
        "compatible .net",
        r"(?i)a compatible (?:installed )?\.NET (?:Core )?SDK .*(?:not found|was not)",
    ),
    (
        "the gcc version",
        r"(?i)(?:gcc|g\+\+|clang) (?:version )?\S+ or (?:later|newer|higher) is required",
    ),
    ("unrecognized command line option", r"unrecognized command[- ]line option '?-std="),
    ("requires swift tools", r"is using Swift tools version \S+ but"),
    ("requires autoconf", r"(?i)(?:autoconf|automake) version \S+ or higher is required"),
)
_LANGUAGES = (
    ("Python", _PYTHON, "python:3.12"),
    ("Node.js", _NODE, "node:20"),
    ("Ruby", _RUBY, "ruby:3.3"),
    ("Go", _GO, "golang:1.23"),
    ("Rust", _RUST, "rust:1.80"),
    ("PHP", _PHP, "php:8.3"),
    ("Java", _JAVA, "eclipse-temurin:21"),
    ("the compiler or build tool", _OTHERS, ""),
)


def explain(failure: Failure) -> Cause | None:
    """Return the cause if it is this one."""
    for language, signs, example in _LANGUAGES:
        found = failure.log.find(*signs, last=60)
        if found is None:
            continue
        fix = f"let FROM name the version that it needs, as `{example}` does"
        return Cause(
            "interpreter-version",
            f"the version of {language} does not fit what is installed or built",
            f"it says: {quoted(found.string)}",
            fix if example else "take a base with a newer one, or install it",
        )
    return None
