"""System calls that a seccomp filter leaves to a process of ours (seccomp_unotify(2))."""
