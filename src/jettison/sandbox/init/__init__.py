"""The helper program: a small server that turns specs into containers, one clone(2) each.

It is started once per builder as ``python -I -S -c …`` and imports nothing but ``ctypes``, ``os``
and built-in modules, so that it starts in about 10 ms, stays small, has one thread, and may
therefore clone and unshare at will. ``jettison.linux`` holds the system calls it uses.

    builder ── SOCK_SEQPACKET: stdin, stdout, stderr, control, spec (memfd) ──▶ server
    server  ── clone(NEWPID, NEWNS, …) ──▶ process 1: mounts, limits, exec
    builder ◀─ control: ready (mount points), error (step, errno, text), exit (status) ── both
    builder ── control: signal numbers; end of file kills ──▶ server

The server is the first process of a process namespace (but for chroots), so that killing it kills
all containers, whatever their programs are.

Security: everything in the root file system is hostile. Mount points are resolved below the root
only, no descriptor but 0, 1, 2 is open when the working directory is entered, and the
interpreter's file is read-only behind ``/proc/self/exe``.
"""
