"""Keys change with what they should, and never by accident."""

from __future__ import annotations

from jettison.cache.key import copy_key, exec_key, mkdir_key, selector_digest, stack_digest
from jettison.oci.digest import sha256_digest
from jettison.plan.op import CopyOp, CopySource, ExecMount, ExecOp, MkdirOp, MountType
from jettison.store.layer import LayerId

ONE, TWO = sha256_digest(b"1"), sha256_digest(b"2")
LAYER = LayerId(f"content:{ONE}")
RUN = ExecOp(argv=("/bin/sh", "-c", "make"), env=("PATH=/bin",), cwd="/app")
COPY = CopyOp(sources=(CopySource(path="a", input=0),), dest="/b/")


def test_golden_keys_do_not_change_by_accident():
    """A change here throws away every user's cache: it needs a changelog entry of type cache."""
    keys = {
        "stack": stack_digest((LAYER,)),
        "exec": exec_key(RUN, (LAYER,), (TWO,)).digest,
        "copy": copy_key(COPY, ONE, TWO).digest,
        "mkdir": mkdir_key(MkdirOp(path="/app"), ONE).digest,
    }
    assert keys == GOLDEN


def test_a_key_depends_on_the_op_the_base_and_the_mounted_files():
    keys = {
        exec_key(RUN, (LAYER,), ()).digest,
        exec_key(RUN, (), ()).digest,
        exec_key(RUN, (LAYER,), (ONE,)).digest,
        exec_key(RUN, (LAYER,), (TWO,)).digest,
        exec_key(ExecOp(argv=RUN.argv, env=(), cwd="/app"), (LAYER,), ()).digest,
    }
    assert len(keys) == 5


def test_fields_cannot_run_into_each_other():
    split = ExecOp(argv=("a", "bc"), env=(), cwd="/")
    other = ExecOp(argv=("ab", "c"), env=(), cwd="/")
    assert exec_key(split, (), ()).digest != exec_key(other, (), ()).digest


def test_the_preimage_names_its_components():
    mount = ExecMount(type=MountType.BIND, target="/x", input=0)
    op = ExecOp(argv=("a",), env=(), cwd="/", mounts=(mount,))
    labels = [label for label, _ in exec_key(op, (), (ONE,)).components]
    assert labels == ["op", "base", "files of mount 0"]


def test_selectors_differ_by_question():
    assert selector_digest("mount", "/a") != selector_digest("mount", "/b")


GOLDEN = {
    "copy": "sha256:807ee662ef0480706ca603a6fa4b3fd6534795888c8ee736648ac1cd873682e9",
    "exec": "sha256:68136ba9dc8f8851ec9771552f70af831abeec7273d2c727e91e1130426db86a",
    "mkdir": "sha256:50be9b1089ed1aff86939de236f7cfa7e7a3def262c7a62b2724a87fa064445f",
    "stack": "sha256:7e98ab8848e917d621126e4d509f918cfcb96580b223ff0b5a7c7dbf5dacc691",
}
