"""What the rules about Python share: what the image starts, what that misses, where it is."""
