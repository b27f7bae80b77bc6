"""The sandbox drivers: embedded, chroot, OCI runtimes."""
