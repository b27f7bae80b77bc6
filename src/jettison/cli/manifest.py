"""``jettison manifest inspect``, in docker's shape."""

from __future__ import annotations

import base64
import json
from typing import Any

import click
import msgspec

from jettison.api.manifest import ShownManifest, find_manifest, manifests_of
from jettison.api.session import Session
from jettison.cli.flags import DockerCommand
from jettison.cli.main import settings_of
from jettison.cli.session import in_session
from jettison.console.terminal import out_json
from jettison.errors import InvalidManifestError
from jettison.oci.mediatype import OCI_MANIFEST
from jettison.oci.reference import parse_reference


@click.command("inspect", cls=DockerCommand)
@click.argument("names", metavar="[INDEX] NAME", nargs=-1, required=True)
@click.option("--insecure", is_flag=True, help="Speak to the registry without TLS checks.")
@click.option("-v", "--verbose", is_flag=True, help="Also descriptors, and each platform.")
@click.pass_context
def manifest_inspect(
    ctx: click.Context, names: tuple[str, ...], *, insecure: bool, verbose: bool
) -> int:
    """Show the manifest of an image: the store's, else that of its registry."""
    if len(names) > 2:
        raise click.UsageError("it takes one name, or the name of an index and one of its images")
    name = names[-1]

    def work(session: Session) -> int:
        shown = find_manifest(session, name)
        document = _document(shown)
        if verbose:
            rows = [_verbose(each) for each in manifests_of(session, shown)]
            document = rows if "manifests" in document else rows[0]
        out_json(json.dumps(document, indent="\t", ensure_ascii=False) + "\n")
        return 0

    known = settings_of(ctx).insecure_registries
    registries = (*known, parse_reference(name).registry) if insecure else ()
    return in_session(ctx, work, insecure_registries=registries)


def _document(shown: ShownManifest) -> Any:  # noqa: ANN401 - JSON
    try:
        return json.loads(shown.data)
    except (ValueError, RecursionError):
        raise InvalidManifestError(f"the manifest of `{shown.name}` cannot be decoded") from None


def _verbose(shown: ShownManifest) -> dict[str, object]:
    """Return a manifest with what is known of it, under docker's names."""
    kind = "OCIManifest" if shown.descriptor.media_type == OCI_MANIFEST else "SchemaV2Manifest"
    return {
        "Ref": str(parse_reference(shown.name)),
        "Descriptor": msgspec.to_builtins(shown.descriptor),
        "Raw": base64.b64encode(shown.data).decode(),
        kind: _document(shown),
    }
