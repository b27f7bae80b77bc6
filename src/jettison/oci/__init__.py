"""The OCI data model as values: digests, references, platforms, descriptors, manifests, configs."""
