"""Refused flags of commands about images, registries, disk and the program itself."""

from __future__ import annotations

from jettison.cli.compat.refused import Reasons
from jettison.cli.compat.refused.registries import ACCESS, DECRYPTION, LOGIN, PLATFORM, SIGNING

_NO_DAEMON = ("there is no daemon to be reached", "leave it out")
_ONE_DIRECTORY = ("all state is in one directory", "use --root DIR")
_NETWORKS = ("networks of containers need no files", "see docs/guides/rootless.md")
_ARCHIVES = ("archives are OCI layouts that docker loads, too", "leave it out")
_PRUNED = {
    "--build-cache --build": (
        "the build cache has a command of its own",
        "use `jettison builder prune`",
    ),
    "--external": ("there are no containers but those of the store", "leave it out"),
}

GLOBAL: Reasons = {
    "-c --context --connection -H --host -r --remote --url --identity --ssh": _NO_DAEMON,
    "--tls --tlscacert --tlscert --tlskey --tlsverify --tls-ca --tls-cert --tls-key": _NO_DAEMON,
    "-l --log-level --syslog --out --events-backend": (
        "there is no log: messages go to standard error",
        "use --debug for tracebacks of errors",
    ),
    "--imagestore --runroot --tmpdir --transient-store --volumepath": _ONE_DIRECTORY,
    "--storage-driver --storage-opt": (
        "root file systems are made by a snapshotter",
        "use `build --snapshotter` or `run --snapshotter`",
    ),
    "--runtime --runtime-flag --cgroup-manager --conmon --hooks-dir": (
        "how containers are run is chosen by name",
        "use `build --isolation` or `run --isolation`; `jettison doctor` lists what works",
    ),
    "--cdi-spec-dir": ("it is a setting", "set JETTISON_CDI_DIRS"),
    "--network-cmd-path --network-config-dir": _NETWORKS,
    "--module": ("there is one file of settings", "set JETTISON_CONFIG to its path"),
}
IMAGES: Reasons = {
    "--tree": ("each name is a row", "use `jettison inspect` for what belongs to an image"),
    "--history": ("former names are not kept", "leave it out"),
    "-n --noheading": (
        "the table has a heading",
        "use --format '{{.Repository}}:{{.Tag}} {{.ID}}'",
    ),
    "--sort": ("the newest image is the first", "use --format and `sort`"),
}
INSPECT: Reasons = {"-l --latest": ("things are shown by name", "write the name")}
PULL: Reasons = {
    **ACCESS,
    **PLATFORM,
    **DECRYPTION,
    "--policy": ("`pull` asks the registry", "use `run --pull missing` for images that are run"),
}
PUSH: Reasons = {
    **ACCESS,
    **DECRYPTION,
    **SIGNING,
    "--compress": ("it is for directories, which are not written here", "leave it out"),
    "--compression-format": ("it has another name", "use --compression gzip|zstd|uncompressed"),
    "--compression-level --force-compression": (
        "layers that are packed already are pushed as they are",
        "use `build --output type=registry,compression-level=N,force-compression=true`",
    ),
    "--digestfile": ("the digest is printed", "use `jettison push -q NAME > FILE`"),
    "-f --format": (
        "manifests are pushed as they are, and those of new images are OCI's",
        "use `build --output type=registry,oci-mediatypes=false` for docker's",
    ),
}
SAVE: Reasons = {
    "--compress --uncompressed": ("layers are written as they are packed", "leave it out"),
    "--format": _ARCHIVES,
    "-m --multi-image-archive": ("an archive may hold several images", "leave it out"),
    "-q --quiet": ("nothing is said", "leave it out"),
}
RMI: Reasons = {
    "-a --all": ("it has a command of its own", "use `jettison image prune --all`"),
    "-i --ignore": ("it has another name", "use --force"),
}
PRUNE: Reasons = _PRUNED
ACCOUNT: Reasons = LOGIN
MANIFEST: Reasons = {
    each: why for each, why in ACCESS.items() if each.split()[0] in {"--authfile", "--tls-verify"}
}
