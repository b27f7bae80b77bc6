"""Refused flags of ``build``: nearly all are podman's."""

from __future__ import annotations

from jettison.cli.compat.refused import Reasons
from jettison.cli.compat.refused.registries import ACCESS, DECRYPTION, PLATFORM, SIGNING

_IN_DOCKERFILE = "what an image has is in its Dockerfile"
_NAMESPACES = (
    "steps have namespaces of their own, as far as the sandbox has them",
    "use --network and --isolation",
)
_ATTESTATIONS = ("images have no attestations", "`jettison sbom` writes one")

BUILD: Reasons = {
    **ACCESS,
    **PLATFORM,
    **DECRYPTION,
    **SIGNING,
    "--all-platforms": ("platforms are named", "list them: --platform linux/amd64,linux/arm64"),
    "--build-arg-file": ("build arguments are given one by one", "use --build-arg NAME=VALUE"),
    "--cache-ttl": (
        "records of the cache do not expire by age",
        "use `jettison builder prune --filter until=24h`",
    ),
    "--cap-add --cap-drop": (
        "steps have the capabilities that docker gives them",
        "write `RUN --security=insecure` and use --allow security.insecure",
    ),
    "--cgroupns --ipc --pid --userns --uts --userns-gid-map --userns-gid-map-group "
    "--userns-uid-map --userns-uid-map-user": _NAMESPACES,
    "--compat-volumes": ("steps may change directories of VOLUMEs, as in docker", "leave it out"),
    "--cpp-flag": ("Dockerfiles are not preprocessed", "use build arguments"),
    "--created-annotation --identity-label --layer-label --omit-history": (
        "images have what docker's have",
        "use --label or --annotation",
    ),
    "--cw": ("images of confidential workloads are not made", "use buildah"),
    "--device": (
        "devices are asked for by steps",
        "write `RUN --device=NAME` and use --allow device=NAME",
    ),
    "--disable-compression": (
        "it is an attribute of outputs",
        "use --output type=…,compression=uncompressed",
    ),
    "--dns --dns-option --dns-search --no-hosts --no-hostname": (
        "steps resolve names as the host does",
        "use --add-host HOST:IP for single names",
    ),
    "--env --unsetenv --unsetlabel --unsetannotation": (_IN_DOCKERFILE, "write ENV or LABEL"),
    "--format": (
        "it is an attribute of outputs",
        "use --output type=…,oci-mediatypes=true|false",
    ),
    "--from": (
        "base images are replaced by name",
        "use --build-context NAME=docker-image://OTHER",
    ),
    "--group-add": (_IN_DOCKERFILE, "write USER, or `RUN su`"),
    "--hooks-dir --runtime-flag": ("there are no hooks and no flags of runtimes", "leave it out"),
    "--http-proxy": (
        "variables of proxies reach steps",
        "unset HTTP_PROXY and its like for the call",
    ),
    "--ignorefile": ("an ignore file has the name of its Dockerfile", "name it FILE.dockerignore"),
    "--inherit-annotations --inherit-labels": (
        "labels of base images are inherited, annotations are not",
        "leave it out",
    ),
    "--layers": ("each step is cached", "use --no-cache to run all of them"),
    "--logfile --logsplit": ("messages go to standard error", "use `2> FILE`"),
    "--manifest": ("a build makes one image", "use --output type=oci"),
    "--os-feature --os-version": ("images are Linux images", "leave it out"),
    "--rewrite-timestamp --timestamp": (
        "times follow one variable",
        "use --source-date-epoch SECONDS, with --reproducible for earlier times, too",
    ),
    "--sbom-image-output --sbom-image-purl-output --sbom-merge-strategy --sbom-output "
    "--sbom-purl-output --sbom-scanner-command --sbom-scanner-image": _ATTESTATIONS,
    "--skip-unused-stages": ("stages that the target does not need are not built", "leave it out"),
    "--squash-all": (
        "layers of a base image are kept",
        "use --squash, or write a last stage `FROM scratch` with `COPY --from=STAGE / /`",
    ),
    "--stdin": ("steps read nothing", "write a here-document: `RUN <<EOF`"),
    "-v --volume": (
        "builds mount nothing of the host",
        "write `RUN --mount=type=bind,from=NAME` and use --build-context NAME=DIR",
    ),
}
