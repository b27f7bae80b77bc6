"""The helper program: a small server that turns specs into containers, one clone(2) each.

It is started once per builder as ``python -I -S -c …`` and imports nothing but ``ctypes``, ``os``
and built-in modules, so that it starts in about 10 ms, stays small, has one thread, and may
therefore clone and unshare at will. ``jettison.linux`` holds the system calls it uses.

    builder ── SOCK_SEQPACKET: Start; stdin, stdout, stderr, control, what to run (memfd) ──▶ server
    server  ── clone(NEWPID, NEWNS, …) ──▶ process 1: mounts, limits, exec
    builder ◀─ control: Ready (mount points), Failed (step, errno, text), Exited (code) ── both
    builder ── control: Signal; end of file kills ──▶ server

All of these are messages of ``sandbox.wire``.

The server is the first process of a process namespace (but for chroots), so that killing it kills
all containers, whatever their programs are.

Security: everything in the root file system is hostile. Mount points are resolved below the root
only, no descriptor but 0, 1, 2 is open when the working directory is entered, and the
interpreter's file is read-only behind ``/proc/self/exe``.
"""
