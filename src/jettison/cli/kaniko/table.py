"""Every flag of kaniko's executor, and what it does here.

In:  nothing.
Out: ``FLAGS``: the command's options and the page about them are made of it.

Source: the executor of kaniko 1.24, the last of its first home, and of the fork that goes on.
"""

from __future__ import annotations

from typing import Literal

import msgspec

Status = Literal["works", "accepted", "refused"]
Kind = Literal["text", "list", "switch"]


class Flag(msgspec.Struct, frozen=True):
    """A flag.

    Args:
        name: Without dashes.
        status: ``works``; ``accepted``: it changes nothing, and a line says so; ``refused``: an
            error that says the reason.
        about: What it does here, or why it does nothing.
        kind: What values it takes.
        short: A letter.
        instead: Of a refused one: what to do.
        default: A value that changes nothing, so that nothing is said.
    """

    name: str
    status: Status
    about: str
    kind: Kind = "text"
    short: str = ""
    instead: str = ""
    default: str = ""

    @property
    def parameter(self) -> str:
        """Its name among the parameters of a function."""
        return self.name.replace("-", "_")


_STORE = "all that was built is in the store, and found there"
_RETRIES = "requests that fail for a while are tried again in any case"
_OWN_ROOT = "files of this container are never files of an image"
_CERTS = "mount the files at `/etc/docker/certs.d/HOST/`: `ca.crt`, `client.cert` and `client.key`"
_BY_PLACE = "certificates are found by place"


FLAGS = (
    Flag(
        "dockerfile",
        "works",
        "below the working directory, else below the context; or a URL",
        short="f",
    ),
    Flag(
        "context",
        "works",
        "a directory (`dir://` or plain; `/workspace` if none is given), `git://…#REF`, `tar://FILE`,"
        " `tar://stdin`, an `https://` URL of a repository or a tar; not `gs://` and `s3://`",
        short="c",
    ),
    Flag("context-sub-path", "works", "a directory of the context; not of a tar"),
    Flag("git", "works", "`branch=NAME` is fetched; the other fields change nothing", "list"),
    Flag("destination", "works", "names of the image; it is pushed to all of them", "list", "d"),
    Flag("no-push", "works", "the image stays in the store", "switch"),
    Flag("tar-path", "works", "an archive that docker loads, instead of a push"),
    Flag("oci-layout-path", "works", "an OCI layout, in a directory, besides"),
    Flag("digest-file", "works", "gets the digest of the manifest"),
    Flag("image-name-with-digest-file", "works", "gets `NAME@DIGEST` of each destination"),
    Flag("image-name-tag-with-digest-file", "works", "gets `NAME:TAG@DIGEST` of each destination"),
    Flag("build-arg", "works", "`NAME=VALUE`; a bare name is looked up in the environment", "list"),
    Flag("label", "works", "`NAME=VALUE`", "list"),
    Flag("annotation", "works", "`NAME=VALUE`, on the manifest", "list"),
    Flag("secret", "works", "`id=ID,src=FILE` or `id=ID,env=NAME`", "list"),
    Flag("target", "works", "the stage to build"),
    Flag("custom-platform", "works", "`OS/ARCH`, where this machine can run its programs"),
    Flag("customPlatform", "works", "the old name of `--custom-platform`"),
    Flag(
        "reproducible",
        "works",
        "times are those of `SOURCE_DATE_EPOCH`, 0 if none is given",
        "switch",
    ),
    Flag("compression", "works", "`gzip` or `zstd`"),
    Flag("compression-level", "works", "of the compression; -1 is its own default"),
    Flag("cache", "works", f"{_STORE}; `--cache=false` runs every step", "switch"),
    Flag("insecure", "works", "the destinations' registries may speak plain http", "switch"),
    Flag(
        "skip-tls-verify",
        "works",
        "certificates of the destinations' registries are not checked",
        "switch",
    ),
    Flag(
        "insecure-pull",
        "works",
        "as `--insecure`; base images of other registries need `--insecure-registry`",
        "switch",
    ),
    Flag(
        "skip-tls-verify-pull",
        "works",
        "as `--skip-tls-verify`; base images of other registries need `--skip-tls-verify-registry`",
        "switch",
    ),
    Flag("insecure-registry", "works", "a registry that may speak plain http", "list"),
    Flag(
        "skip-tls-verify-registry", "works", "a registry whose certificate is not checked", "list"
    ),
    Flag(
        "registry-mirror", "works", "asked before docker.io; also `KANIKO_REGISTRY_MIRROR`", "list"
    ),
    Flag(
        "registry-map",
        "works",
        "mirrors by registry, as `index.docker.io=MIRROR;ghcr.io=OTHER`;"
        " also `KANIKO_REGISTRY_MAP`",
        "list",
    ),
    Flag("kaniko-dir", "works", "`DIR/.docker/config.json` has the credentials; also `KANIKO_DIR`"),
    Flag("verbosity", "works", "`error`, `fatal` and `panic` show errors only", short="v"),
    Flag("log-format", "works", "`json`: one object a line, as of `--progress=rawjson`"),
    Flag("tarPath", "works", "the old name of `--tar-path`"),
    Flag("log-timestamp", "accepted", "steps show how long they took", "switch"),
    Flag("force", "accepted", "it may run outside of a container", "switch"),
    Flag(
        "snapshot-mode",
        "accepted",
        "layers are what steps changed, found without a mode",
        default="full",
    ),
    Flag("snapshotMode", "accepted", "as `--snapshot-mode`"),
    Flag("single-snapshot", "accepted", "each step that changes files makes a layer", "switch"),
    Flag(
        "use-new-run",
        "accepted",
        "layers are what steps changed, found without a snapshot",
        "switch",
    ),
    Flag("ignore-path", "accepted", _OWN_ROOT, "list"),
    Flag("ignore-var-run", "accepted", _OWN_ROOT, "switch", default="true"),
    Flag("whitelist-var-run", "accepted", _OWN_ROOT, "switch", default="true"),
    Flag("cleanup", "accepted", _OWN_ROOT, "switch"),
    Flag("pre-cleanup", "accepted", _OWN_ROOT, "switch"),
    Flag("preserve-context", "accepted", _OWN_ROOT, "switch"),
    Flag("materialize", "accepted", _OWN_ROOT, "switch"),
    Flag("skip-unused-stages", "accepted", "they are never built", "switch", default="true"),
    Flag(
        "force-build-metadata",
        "accepted",
        "instructions that change no file make no layer",
        "switch",
    ),
    Flag("cache-repo", "accepted", f"{_STORE}; keep `JETTISON_ROOT` on a volume"),
    Flag("cache-dir", "accepted", f"{_STORE}; keep `JETTISON_ROOT` on a volume", default="/cache"),
    Flag(
        "cache-ttl", "accepted", "the store forgets what was not used for longest when it is full"
    ),
    Flag("cache-copy-layers", "accepted", _STORE, "switch", default="true"),
    Flag("cache-run-layers", "accepted", _STORE, "switch", default="true"),
    Flag(
        "compressed-caching",
        "accepted",
        "the store keeps files, and what was pushed",
        "switch",
        default="true",
    ),
    Flag("no-push-cache", "accepted", "no cache is pushed", "switch", default="true"),
    Flag("push-retry", "accepted", _RETRIES, default="0"),
    Flag("image-fs-extract-retry", "accepted", _RETRIES, default="0"),
    Flag("image-download-retry", "accepted", _RETRIES, default="0"),
    Flag("skip-push-permission-check", "accepted", "rights are seen when it pushes", "switch"),
    Flag(
        "credential-helpers",
        "accepted",
        "those that `config.json` names are used, if their programs are in the image",
        "list",
    ),
    Flag(
        "bucket",
        "refused",
        "contexts are not fetched from buckets",
        short="b",
        instead="fetch it in a step before, and give `--context=tar://FILE`",
    ),
    Flag("registry-certificate", "refused", _BY_PLACE, "list", instead=_CERTS),
    Flag("registry-client-cert", "refused", _BY_PLACE, "list", instead=_CERTS),
    Flag(
        "skip-default-registry-fallback",
        "refused",
        "docker.io is asked last",
        "switch",
        instead="write a `registries.conf` and name it in `CONTAINERS_REGISTRIES_CONF`",
    ),
    Flag(
        "push-ignore-immutable-tag-errors",
        "refused",
        "a tag that did not get the image is an error",
        "switch",
        instead="push a tag that is new",
    ),
    Flag(
        "azure-container-registry-config",
        "refused",
        "there is no helper for it in the image",
        instead="`az acr login --expose-token` gives a password for `config.json`",
    ),
)
"""Those that work first; in the order of the page."""


def wanted(flag: Flag, value: object) -> bool:
    """Tell whether a value of a flag asks for something else than what happens anyway."""
    if value is None or value in ((), "", False):
        return flag.kind == "switch" and value is False and flag.default == "true"
    text = "true" if value is True else value
    return text != flag.default
