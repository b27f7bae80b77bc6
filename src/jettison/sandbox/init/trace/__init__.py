"""What steps do in their root file systems, noted for the builder."""
