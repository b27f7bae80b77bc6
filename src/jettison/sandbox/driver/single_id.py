"""What containers with one user need besides a filter of system calls.

In:  a ``SandboxSpec``. Out: the same, with what package managers must know.
"""

from __future__ import annotations

import msgspec

from jettison.sandbox.spec import FileMount, SandboxSpec

_APT_CONFIG = "/dev/single-id.apt"


def adapt_to_one_user(spec: SandboxSpec) -> SandboxSpec:
    """Return a spec with what package managers must know where there is one user.

    apt(8) becomes another user for downloads, and would notice that it did not.
    """
    config = FileMount(_APT_CONFIG, b'APT::Sandbox::User "root";\n', 0o444)
    if any(entry.startswith("APT_CONFIG=") for entry in spec.env):
        return spec
    env = (*spec.env, f"APT_CONFIG={_APT_CONFIG}")
    return msgspec.structs.replace(spec, env=env, mounts=(config, *spec.mounts))
