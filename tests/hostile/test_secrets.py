"""Secrets reach the process that asks for them and nothing else."""

from __future__ import annotations

import base64
import gzip
import json
import os
import time
from pathlib import Path
from urllib.parse import quote, quote_plus

import pytest

from scratch_rig import Scratch, grep

pytestmark = [pytest.mark.needs_root, pytest.mark.any_user(by_turns=True)]

VALUE = "pa+ss/w%rd hunter2?~"
KEY = (
    "-----BEGIN KEY-----\nb3BlbnNzaC1rZXktdjEAAAAABG5vbmU\nsecond+line/of=key7\n-----END KEY-----\n"
)


def forms(value: str) -> list[bytes]:
    raw = value.strip().encode()
    encoded = [base64.b64encode(bytes(n) + raw)[(0, 2, 3)[n] : -4] for n in range(3)]
    encoded += [each.translate(bytes.maketrans(b"+/", b"-_")) for each in encoded]
    texts = [quote(raw), quote(raw, safe=""), quote_plus(raw)]
    return [raw, raw.hex().encode(), raw.hex().upper().encode(), *encoded, *map(str.encode, texts)]


@pytest.fixture
def secret(scratch: Scratch) -> Path:
    path = scratch.directory / "token"
    path.write_text(VALUE + "\n")
    return path


def test_no_secret_is_in_store_exports_metadata_or_logs(scratch: Scratch, secret: Path) -> None:
    key = scratch.directory / "key"
    key.write_text(KEY)
    out = scratch.directory / "out"
    out.mkdir()
    scratch.give(out)
    dockerfile = """FROM busybox
RUN --mount=type=secret,id=token cat /run/secrets/token; base64 /run/secrets/token; \\
    printf 'user:%s@' "$(cat /run/secrets/token)" | base64 -w 0; \\
    hexdump -v -e '1/1 "%02x"' /run/secrets/token; test -s /run/secrets/token
RUN --mount=type=secret,id=key,target=/root/key,env=KEY cat /root/key; echo "$KEY" | sed 's/^/> /'; \\
    base64 /root/key
RUN --mount=type=secret,id=envy,env=ENVY test ${#ENVY} = 22 && echo "$ENVY" >&2
RUN --mount=type=secret,id=token,required --mount=type=cache,target=/c echo done > /done
"""
    flags = ("--secret", f"id=token,src={secret}", "--secret", f"id=key,src={key}",
             "--secret", "id=envy,env=ENVY", "-t", "app",
             "--metadata-file", out / "meta.json",
             "-o", f"type=oci,dest={out}/oci.tar,compression=none",
             "-o", f"type=docker,dest={out}/docker.tar",
             "-o", f"type=local,dest={out}/rootfs")  # fmt: skip
    for progress in ("plain", "rawjson"):
        scratch.dockerfile(dockerfile)
        done = scratch.run(
            "build", f"--progress={progress}", "--no-cache", *flags, scratch.context,
            env={"ENVY": "from-the-environment-9"},
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        (out / progress).write_text(done.stdout + done.stderr)
        if progress == "rawjson":
            events = [json.loads(line) for line in (done.stdout + done.stderr).splitlines()]
            logs = b"".join(base64.b64decode(e["data"]) for e in events if "data" in e)
            assert b"***" in logs
            (out / "logs").write_bytes(logs)
    inspected = scratch.run("inspect", "app").stdout + scratch.run("history", "app").stdout
    (out / "inspected").write_text(inspected)
    for layer in (scratch.store / "blobs/sha256").iterdir():
        if layer.read_bytes()[:2] == b"\x1f\x8b":
            (out / layer.name).write_bytes(gzip.decompress(layer.read_bytes()))
    needles = [*forms(VALUE), *forms(KEY), *forms("from-the-environment-9")]
    needles += [b"b3BlbnNzaC1rZXktdjEAAAAABG5vbmU", b"second+line/of=key7"]
    assert grep(needles, scratch.store, out) == []
    assert (out / "rootfs/done").read_text() == "done\n"


@pytest.mark.parametrize(
    ("command", "path", "form"),
    [
        ("cat /run/secrets/token > /app.conf", "/app.conf", "as it is"),
        ("base64 /run/secrets/token > /a", "/a", "base64"),
        ("(printf u:; cat /run/secrets/token) | base64 > /a", "/a", "base64"),
        ("hexdump -v -e '1/1 \"%02X\"' /run/secrets/token > /a", "/a", "hexadecimal digits"),
        ("echo 'https://u:pa%2Bss%2Fw%25rd%20hunter2%3F~@h/' > /a", "/a", "URL-encoded"),
        ("ln -s \"$(cat /run/secrets/token)\" /link", "/link", "as it is"),
        ("mkdir -p \"/dir/$(cat /run/secrets/token)\"", "/dir/***", "as it is"),
        ("(dd if=/dev/zero bs=4194300 count=1; cat /run/secrets/token) > /big", "/big", "as it is"),
    ],
)  # fmt: skip
def test_a_step_that_writes_a_secret_into_its_layer_fails(
    scratch: Scratch, secret: Path, command: str, path: str, form: str
) -> None:
    text = f"FROM busybox\nRUN --mount=type=secret,id=token {command}\n"
    flags = ("--secret", f"id=token,src={secret}")
    done = scratch.build(text, *flags)
    assert done.returncode == 1
    assert "wrote the secret `token` into the image" in done.stderr
    assert f"`{path}" in done.stderr
    assert f"({form})" in done.stderr
    assert VALUE not in done.stderr
    assert "--allow-secret-in-layer" in done.stderr
    if path == "/app.conf":
        assert scratch.build(text, "--allow-secret-in-layer", *flags).returncode == 0
        assert scratch.build(text, *flags).returncode == 1  # the cache is no way around


def test_a_secret_that_a_copy_of_the_context_brings_is_told(scratch: Scratch, secret: Path) -> None:
    (scratch.context / "settings.json").write_text(json.dumps({"token": VALUE}))
    text = "FROM busybox\nCOPY settings.json /app/\nRUN rm /app/settings.json\n"
    flags = ("--secret", f"id=token,src={secret}", "-t", "shipped")
    done = scratch.build(text, *flags)
    assert done.returncode == 0, done.stderr
    assert "the secret `token` is in the image: `/app/settings.json` holds it" in done.stderr
    refused = scratch.build(text, "--strict", *flags)
    assert refused.returncode == 26
    assert "nothing was tagged or pushed" in refused.stderr
    assert VALUE not in done.stdout + done.stderr + refused.stdout + refused.stderr


def test_a_secret_that_a_cache_mount_carried_over_is_found(scratch: Scratch, secret: Path) -> None:
    done = scratch.build(
        """FROM busybox
RUN --mount=type=secret,id=token --mount=type=cache,target=/c cp /run/secrets/token /c/t
RUN --mount=type=cache,target=/c cp /c/t /leaked
""",
        "--secret",
        f"id=token,src={secret}",
    )
    assert done.returncode == 1
    assert "`/leaked` holds it" in done.stderr


def test_the_message_of_a_failed_step_is_masked(scratch: Scratch, secret: Path) -> None:
    text = "FROM busybox\nRUN --mount=type=secret,id=token cat /run/secrets/token >&2; false\n"
    done = scratch.build(text, "--secret", f"id=token,src={secret}")
    assert done.returncode == 1
    assert VALUE not in done.stdout + done.stderr
    assert "***" in done.stderr


def test_a_missing_secret_fails_only_where_it_is_required(scratch: Scratch) -> None:
    optional = "FROM busybox\nRUN --mount=type=secret,id=no test ! -e /run/secrets/no\n"
    assert scratch.build(optional).returncode == 0
    done = scratch.build("FROM busybox\nRUN --mount=type=secret,id=no,required true\n")
    assert done.returncode == 1
    assert "secret no: not found" in done.stderr


def test_a_missing_optional_secret_is_an_empty_variable(scratch: Scratch) -> None:
    text = "FROM busybox\nRUN --mount=type=secret,id=no,env=MISSING %s\n"
    done = scratch.build(text % 'test -z "${MISSING-unset}" && test ! -e /run/secrets/no')
    assert done.returncode == 0, done.stderr


def test_a_secret_of_a_variable_that_is_not_set_is_empty_and_told(scratch: Scratch) -> None:
    text = """FROM busybox
RUN --mount=type=secret,id=s --mount=type=secret,id=s,env=S,target=/s%s \\
    test -f /run/secrets/s && test ! -s /run/secrets/s && test -f /s && test -z "${S-unset}"
"""
    secret = ("--secret", "id=s,env=NOT_SET_HERE")
    done = scratch.build(text % "", *secret)
    assert done.returncode == 0, done.stderr
    assert "WARN: secret `s` is empty: the variable `NOT_SET_HERE` is not set" in done.stderr
    required = scratch.build(text % ",required=true", *secret)
    assert required.returncode == 1
    assert "secret s: the variable `NOT_SET_HERE` is not set" in required.stderr
    empty = scratch.build(text % ",required=true", *secret, env={"NOT_SET_HERE": ""})
    assert empty.returncode == 0, empty.stderr
    assert "WARN" not in empty.stderr


def test_a_secret_may_have_500_kib_and_no_byte_more(scratch: Scratch) -> None:
    path = scratch.directory / "large"
    path.write_bytes(os.urandom(250 << 10).hex().encode())
    text = "FROM busybox\nRUN --mount=type=secret,id=s cat /run/secrets/s | wc -c; cat /run/secrets/s\n"
    done = scratch.build(text, "--secret", f"id=s,src={path}")
    assert done.returncode == 0
    assert "512000" in done.stderr
    assert path.read_text()[:40] not in done.stderr
    path.write_bytes(path.read_bytes() + b"x")
    done = scratch.build(text, "--secret", f"id=s,src={path}")
    assert done.returncode == 125
    assert "larger than 512000 bytes" in done.stderr


def test_secrets_that_overlap_or_come_in_parts_are_masked(scratch: Scratch) -> None:
    text = r"""FROM busybox
COPY parts /
RUN --mount=type=secret,id=short,env=SHORT --mount=type=secret,id=long,env=LONG sh /parts
"""
    (scratch.context / "parts").write_text(r"""
printf '<%s' "$SHORT"; sleep 0.3; printf -- '-of-prod%s>\n' uction
printf '<%s%s' "$SHORT" -of; sleep 0.3; echo ' else>'
printf '{"it": "%s"}\n' "$(echo "$LONG" | sed 's/["\\]/\\&/g')"
printf 'somebody:%s' "$LONG$LONG$LONG$LONG" | base64
""")
    short, long = 's3cr3t"wort', 's3cr3t"wort-of-production'
    secrets = ("--secret", "id=short,env=SHORT", "--secret", "id=long,env=LONG")
    done = scratch.build(text, *secrets, env={"SHORT": short, "LONG": long})
    assert done.returncode == 0, done.stderr
    for shown in ("<***>", "<***-of else>", '{"it": "***"}'):
        assert shown in done.stderr
    encoded = base64.b64encode(f"somebody:{long * 4}".encode()).decode()
    for part in ("of-prod", "uction", "3cr3t", encoded[20:60], encoded[80:120]):
        assert part not in done.stderr


def test_a_secret_with_a_null_byte_is_no_variable(scratch: Scratch, secret: Path) -> None:
    secret.write_bytes(b"abc\0defghij")
    text = "FROM busybox\nRUN --mount=type=secret,id=token,env=T echo $T\n"
    done = scratch.build(text, "--secret", f"id=token,src={secret}")
    assert done.returncode == 1
    assert "holds a null byte" in done.stderr


def test_another_secret_is_another_value_but_no_other_key(scratch: Scratch, secret: Path) -> None:
    text = "FROM busybox\nRUN --mount=type=secret,id=token wc -c /run/secrets/token\n"
    assert scratch.build(text, "--secret", f"id=token,src={secret}").returncode == 0
    secret.write_text("something else altogether")
    again = scratch.build(text, "--secret", f"id=token,src={secret}")
    assert "nothing to run" in again.stderr


def test_an_oci_runtime_leaves_no_secret_on_disk_either(
    scratch: Scratch, secret: Path, need
) -> None:
    need("crun")
    temporary = scratch.directory / "tmp"
    temporary.mkdir()
    scratch.environment = {"TMPDIR": str(temporary)}
    text = """FROM busybox
RUN --mount=type=secret,id=token,env=TOKEN --mount=type=secret,id=token touch /begun; sleep 100
"""
    scratch.dockerfile(text)
    process = scratch.start("build", "--isolation=crun", "--secret", f"id=token,src={secret}",
                            "-q", scratch.context)  # fmt: skip
    end = time.monotonic() + 30
    while not (begun := list(scratch.store.glob("tmp/*/*/fs/begun"))):
        assert process.poll() is None
        assert time.monotonic() < end
        time.sleep(0.02)
    process.kill()
    process.wait()
    assert begun
    json_text = json.dumps(VALUE)[1:-1].encode()
    assert grep([*forms(VALUE), json_text], temporary, scratch.store) == []
    assert list(temporary.iterdir()) == []  # nor anything else, outside of the store


READING = r"""
set -e
test "$(cat /run/secrets/token)" = "$TOKEN"
test "$(wc -c < /run/secrets/token)" = 20 && test -s /run/secrets/token && test -f /run/secrets/token
test "$(stat -c '%a %u %s' /run/secrets/token)" = "400 0 20"
cd /run/secrets; test "$(cat token)" = "$TOKEN"; test "$(cat ./../secrets/token)" = "$TOKEN"
ln -s /run/secrets/token /link; test "$(cat /link)" = "$TOKEN"; rm /link
cp token /dev/shm/copy; cmp token /dev/shm/copy; rm /dev/shm/copy
test "$(dd if=token bs=1 skip=3 count=3 2>/dev/null)" = "${TOKEN:3:3}"
test "$( (head -c 2; head -c 2) < token)" = "${TOKEN:0:4}"
(cat token & cat token & wait) | wc -c | grep -q '^40$'
chmod 444 token; mv token other; test "$(cat other)" = "$TOKEN"
"""


def build_in_a_chroot(scratch: Scratch, secret: Path, script: str) -> None:
    secret.write_text(VALUE)
    (scratch.context / "script").write_text(script)
    text = """FROM busybox
COPY script /
RUN echo root:x:0:0::/:/bin/sh > /etc/passwd && echo me:x:7:7::/:/bin/sh >> /etc/passwd
RUN --mount=type=secret,id=token,env=TOKEN --mount=type=secret,id=token \\
    --mount=type=secret,id=token,target=/mine,uid=7 sh -x /script
"""
    driver = ("--isolation=in-container", "--secret", f"id=token,src={secret}")
    done = scratch.build(text, *driver)
    assert done.returncode == 0, done.stderr


def test_a_chroot_has_secrets_in_memory_that_look_like_files(
    scratch: Scratch, secret: Path
) -> None:
    build_in_a_chroot(scratch, secret, READING)


def test_a_chroot_guards_secrets_by_mode_and_owner(scratch: Scratch, secret: Path) -> None:
    script = """set -e
cat > /other <<'EOF'
! cat /run/secrets/token && test "$(cat /mine)" = "$TOKEN" && cat /mine > /tmp/x && rm /tmp/x
EOF
setpriv --reuid=7 --regid=7 --clear-groups sh /other || su -p -s /bin/sh me /other
"""
    build_in_a_chroot(scratch, secret, script)


@pytest.mark.parametrize("driver", ["in-container", "embedded"])
def test_no_secret_is_on_a_disk_during_a_step_or_after_a_kill(
    scratch: Scratch, secret: Path, driver: str
) -> None:
    scratch.dockerfile("""FROM busybox
RUN --mount=type=secret,id=token --mount=type=secret,id=token,target=/etc/token,mode=0666 \\
    cat /run/secrets/token /etc/token | wc -c > /begun; sleep 100
""")
    place = scratch.directory / "tmp"
    place.mkdir()
    scratch.environment = {"TMPDIR": str(place)}
    process = scratch.start("build", f"--isolation={driver}", "--secret",
                            f"id=token,src={secret}", "-q", scratch.context)  # fmt: skip
    end = time.monotonic() + 60
    begun = "fs/begun" if driver == "embedded" else "work/chroot/tree/begun"
    try:
        while not any(path.stat().st_size for path in scratch.store.glob(f"tmp/*/*/{begun}")):
            assert process.poll() is None
            assert time.monotonic() < end
            time.sleep(0.02)
        assert grep(forms(VALUE), scratch.store, place) == []
    finally:
        process.kill()
        process.wait()
    assert grep(forms(VALUE), scratch.store, place) == []
