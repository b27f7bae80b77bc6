"""Refused flags about registries, which several commands of podman have."""

from __future__ import annotations

from jettison.cli.compat.refused import Reasons

ACCESS: Reasons = {
    "--authfile --compat-auth-file": (
        "credentials are those of docker's directory",
        "set DOCKER_CONFIG to the directory of a `config.json`",
    ),
    "--creds": ("a password on a command line can be seen by others", "use `jettison login`"),
    "--cert-dir": (
        "certificates are those of the host, or of the variable SSL_CERT_FILE",
        "set SSL_CERT_FILE to a file with the registry's authority",
    ),
    "--tls-verify": (
        "whether TLS is checked is a setting of a registry, not of a command",
        "list it in `insecure_registries`: JETTISON_INSECURE_REGISTRIES=HOST:PORT",
    ),
    "--retry --retry-delay": (
        "requests that may be repeated are, three times",
        "call the command again",
    ),
}
LOGIN: Reasons = {
    each: why for each, why in ACCESS.items() if each not in {"--creds", "--retry --retry-delay"}
} | {
    "--get-login": ("names of users are in docker's `config.json`", "look into that file"),
    "--secret": ("there are no secrets but those of builds", "use --password-stdin"),
    "-v --verbose": ("where credentials are kept is always said", "leave it out"),
    "-a --all": (
        "credentials are removed by registry",
        "call `jettison logout REGISTRY` for each",
    ),
}
DECRYPTION: Reasons = {
    "--decryption-key --encrypt-layer --encryption-key": (
        "layers are neither encrypted nor decrypted",
        "use skopeo",
    ),
}
SIGNING: Reasons = {
    "--sign-by --sign-by-sigstore --sign-by-sigstore-private-key --sign-by-sq-fingerprint "
    "--sign-passphrase-file --remove-signatures": (
        "images are not signed here",
        "sign the digest that `jettison push` prints with cosign",
    ),
}
PLATFORM: Reasons = {
    "--arch --os --variant": ("platforms are written in one", "use --platform OS/ARCH[/VARIANT]"),
}
