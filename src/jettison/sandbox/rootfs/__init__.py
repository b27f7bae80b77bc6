"""Root file systems of containers where the kernel's overlayfs is not to be had."""
