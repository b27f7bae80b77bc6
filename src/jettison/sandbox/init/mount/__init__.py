"""The mounts of a container: its root, the kernel's file systems, devices, those of the spec."""
