"""``import jettison`` as root and as an unprivileged user: results, progress, errors, interrupts."""

from __future__ import annotations

import ast
import contextlib
import json
import os
import re
import signal
import subprocess
import time
from pathlib import Path

from e2e.command import Cli

TEXT = "FROM box\nRUN echo {mark} > /mark\nCMD cat /mark\n"


def say(cli: Cli, program: str, *args: str | Path) -> subprocess.CompletedProcess[str]:
    done = cli.program(f"import sys, jettison\n{program}", *args)
    assert done.returncode == 0, done.stdout + done.stderr
    return done


def test_a_dockerfile_given_as_text_is_built_and_run(cli: Cli) -> None:
    text = TEXT.format(mark="as-text")
    build = "r = jettison.build(dockerfile_text=sys.argv[1], tags=['astext'])\nprint(repr(r))\n"
    done = say(
        cli,
        f"{build}{build}print(repr(jettison.run('astext', capture=True)))\nprint(r.size_bytes)",
        text,
    )
    first, second, ran, size = done.stdout.splitlines()
    assert first.startswith("BuildResult(image_id='sha256:")
    assert first.endswith(", executed=1, cached=0)")
    assert second.endswith(", executed=0, cached=1)")
    assert ran == "RunResult(exit_code=0, stdout=b'as-text\\n', stderr=b'', warnings=())"
    assert int(size) == json.loads(cli("inspect", "astext").stdout)[0]["Size"] > 0
    assert done.stderr == ""


def test_a_directory_with_a_context_is_built_in_whatever_thread(cli: Cli) -> None:
    place = cli.context({"Dockerfile": "FROM box\nCOPY a /b\n", "a": "by a thread"})
    done = say(
        cli,
        "from concurrent.futures import ThreadPoolExecutor\n"
        "with ThreadPoolExecutor(2) as pool:\n"
        "    pool.submit(jettison.build, sys.argv[1], tags=['threaded']).result()\n"
        "    job = lambda: jettison.run('threaded', ['cat', '/b'], capture=True)\n"
        "    print([each.result().stdout for each in [pool.submit(job) for _ in range(3)]])",
        place,
    )
    assert ast.literal_eval(done.stdout) == [b"by a thread"] * 3


def test_output_that_is_not_captured_goes_where_the_program_s_goes(cli: Cli) -> None:
    done = say(
        cli,
        "print('before')\n"
        "r = jettison.run('box', ['sh', '-c', 'cat; echo err >&2; exit 5'], stdin=b'in;')\n"
        "print(r.exit_code, r.stdout)",
    )
    assert done.stdout == "before\nin;5 None\n"
    assert done.stderr == "err\n"


def test_a_container_that_writes_without_end_is_ended(cli: Cli) -> None:
    done = say(
        cli,
        "from jettison.python import capture\n"
        "capture.LIMIT_BYTES = 1 << 20\n"
        "try: jettison.run('box', ['yes'], capture=True)\n"
        "except jettison.errors.HostError as error: print(error)",
    )
    assert "wrote more than 1 MiB" in done.stdout


def test_a_container_gets_no_descriptor_of_the_process_that_asks(cli: Cli) -> None:
    """Neither the socket to the worker nor the files that keep its output."""
    listed = "['sh', '-c', 'ls -l /proc/$$/fd']"
    done = say(
        cli,
        f"r = jettison.run('box', {listed}, stdin=b'', capture=True)\n"
        "sys.stdout.buffer.write(r.stdout)",
    )
    links = [line.partition(" -> ")[2] for line in done.stdout.splitlines() if " -> " in line]
    assert len(links) >= 3
    assert not any("socket:" in link or "memfd" in link for link in links), links


ERRORS = {
    "syntax": ({"Dockerfile": "FROM box\nRUM true\n"}, ()),
    "step": ({"Dockerfile": "FROM box\nRUN echo the reason; exit 7\n"}, ()),
    "context": ({"Dockerfile": "FROM box\nCOPY none /\n"}, ()),
    "no dockerfile": ({"x": ""}, ()),
    "target": ({"Dockerfile": "FROM box AS one\n"}, ("--target", "two")),
}


def test_an_exception_says_what_the_command_line_prints(cli: Cli) -> None:
    printed, calls = [], []
    for files, flags in ERRORS.values():
        place = cli.context(files)
        printed.append(cli.attempt("build", "--progress", "quiet", *flags, place).stderr)
        options = dict(
            zip((each.removeprefix("--") for each in flags[::2]), flags[1::2], strict=True)
        )
        calls.append((str(place), options))
    done = say(
        cli,
        "for place, options in eval(sys.argv[1]):\n"
        "    try: jettison.build(place, **options)\n"
        "    except jettison.JettisonError as error: print(error)\n"
        "    print('<end>')",
        repr(calls),
    )
    assert all("ERROR: " in each for each in printed)
    assert done.stdout.split("<end>\n")[:-1] == printed
    assert done.stderr == ""


def test_an_error_has_its_class_and_its_facts(cli: Cli) -> None:
    done = say(
        cli,
        "try: jettison.build(dockerfile_text='FROM box\\nRUN echo why; exit 7\\n')\n"
        "except jettison.errors.ExecError as e: print([e.exit_code, e.log_tail, e.span.line, e.code])\n"
        "try: jettison.run('box', ['true'], user='nobody-here')\n"
        "except jettison.JettisonError as e: print([type(e).__name__, type(e.__context__).__name__])",
    )
    first, second = map(ast.literal_eval, done.stdout.splitlines())
    assert first == [7, "why\n", 2, "JE0501"]
    # As the traceback shows it: not as something that came of asking for a namespace.
    assert second[0] == "SolveError"
    assert second[1] != "NamespaceRequired"


def test_progress_is_shown_where_it_is_asked_for(cli: Cli) -> None:
    call = "jettison.build(dockerfile_text=sys.argv[1], progress=eval(sys.argv[2]))"
    text = TEXT.format(mark="progress")
    plain = say(cli, call, text, "'plain'").stderr
    assert plain.count("RUN echo progress") == 1
    assert "DONE" in plain
    events = say(cli, call, text, "lambda event: print(type(event).__name__)").stdout.split()
    assert "PlanReady" in events
    assert "VertexEnded" in events
    assert say(cli, call, text, "'auto'").stderr == ""


def test_progress_is_live_on_a_terminal(cli: Cli) -> None:
    text = TEXT.format(mark="live")
    program = f"import jettison; jettison.build(dockerfile_text={text!r})"
    code, drawn = cli.on_terminal(argv=[*cli.prefix, cli.python, "-c", program])
    assert code == 0, drawn
    assert "[+] Building" in drawn
    assert "RUN echo live" in drawn


def test_an_interrupt_ends_what_runs(cli: Cli) -> None:
    program = (
        "import jettison\n"
        "def watch(event):\n"
        "    if b'begun' in getattr(event, 'data', b''): print('begun', flush=True)\n"
        "try: jettison.build(dockerfile_text='FROM box\\nRUN echo begun; sleep 600\\n', progress=watch)\n"
        "except KeyboardInterrupt: print('interrupted')\n"
        "print(jettison.build(dockerfile_text='FROM box\\n').executed)"
    )
    process = subprocess.Popen(
        [*cli.prefix, cli.python, "-c", program],
        env=cli.env,
        cwd=cli.work,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "begun\n"
    begin = time.monotonic()
    process.send_signal(signal.SIGINT)
    rest, _ = process.communicate(timeout=60)
    assert rest == "interrupted\n0\n"
    assert time.monotonic() - begin < 20


def test_a_program_that_is_killed_takes_its_worker_and_what_that_runs_with_it(cli: Cli) -> None:
    seconds = f"600.{os.getpid()}"
    text = f"FROM box\nRUN echo begun; exec sleep {seconds}\n"
    program = (
        "import jettison\n"
        "def watch(event):\n"
        "    if b'begun' in getattr(event, 'data', b''): print('begun', flush=True)\n"
        f"jettison.build(dockerfile_text={text!r}, progress=watch)\n"
    )
    argv = [*cli.prefix, cli.python, "-c", program]
    process = subprocess.Popen(argv, env=cli.env, cwd=cli.work, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "begun\n"
    process.kill()
    process.communicate(timeout=60)
    deadline = time.monotonic() + 30
    while (left := _running(seconds)) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert left == []


def _running(word: str) -> list[str]:
    """Return the command lines of all processes in which a word is."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):
            line = path.read_bytes().replace(b"\0", b" ").decode(errors="replace")
            if word in line:
                found.append(line)
    return found


def test_another_session_has_another_store(cli: Cli) -> None:
    done = say(
        cli,
        "with jettison.open_session(root=sys.argv[1]) as session:\n"
        "    try: jettison.inspect('box', session=session)\n"
        "    except jettison.errors.ImageNotFoundError as error: print(error.code)\n"
        "    print(session.store.root)",
        cli.work / "store-of-its-own",
    )
    assert done.stdout.split() == ["JE0303", str(cli.work / "store-of-its-own")]


def test_a_base_that_a_session_builds_anew_is_the_base_of_what_follows(cli: Cli) -> None:
    done = say(
        cli,
        "with jettison.open_session() as session:\n"
        "    for mark in 'first', 'second':\n"
        "        text = f'FROM box\\nRUN echo {mark} > /mark\\n'\n"
        "        jettison.build(dockerfile_text=text, tags=['anew:base'], session=session)\n"
        "        text = 'FROM anew:base\\nCMD cat /mark\\n'\n"
        "        jettison.build(dockerfile_text=text, tags=['anew:app'], session=session)\n"
        "        print(jettison.run('anew:app', capture=True, session=session).stdout)",
    )
    assert done.stdout.splitlines() == ["b'first\\n'", "b'second\\n'"]


def test_every_example_of_the_page_does_what_it_shows(cli: Cli, project_root: Path, need) -> None:
    page = (project_root / "docs/reference/python.md").read_text()
    _, _, rest = page.partition("```dockerfile\n")
    dockerfile = rest.partition("```")[0]
    examples = "\n".join(re.findall(r"```pycon\n(.*?)```", page, re.DOTALL))
    busybox = Path(need("busybox")).read_bytes()
    place = cli.context({"page": examples, "app/Dockerfile": dockerfile, "app/busybox": busybox})
    (place / "app/busybox").chmod(0o755)
    other = cli.with_store("store-page")
    done = other.program(
        "import doctest\n"
        "done = doctest.testfile('page', module_relative=False, optionflags=doctest.ELLIPSIS)\n"
        "print(done.failed, done.attempted)",
        cwd=place,
    )
    failed, attempted = done.stdout.split()[-2:]
    assert failed == "0", done.stdout + done.stderr
    assert int(attempted) > 15
