"""Writers of a built image: layout, archive, directory, registry."""
