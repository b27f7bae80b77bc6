"""Instructions: what the typed tree holds, and what is refused."""

from __future__ import annotations

import json

import msgspec
import pytest

from jettison.errors import DockerfileSyntaxError, Span
from jettison.frontend.dockerfile import syntax
from jettison.frontend.dockerfile.dump import to_json
from jettison.frontend.dockerfile.durations import parse_duration
from jettison.frontend.dockerfile.flags import split_flags
from jettison.frontend.dockerfile.parser import parse, parse_nodes, parse_trigger
from jettison.frontend.dockerfile.printer import print_nodes
from jettison.frontend.dockerfile.syntax import ArgItem, Command, KeyValue


def one(line: str) -> syntax.Instruction:
    return parse(f"FROM a\n{line}\n".encode()).instructions[1]


def refused(line: str) -> str:
    with pytest.raises(DockerfileSyntaxError) as caught:
        parse(f"FROM a\n{line}\n".encode())
    assert caught.value.span.line == 2
    return str(caught.value)


def test_from_has_its_raw_image_and_its_lower_case_name():
    found = parse(b"# base is it\nfrom --platform=$P  $I:x as Base\n").instructions[0]
    assert (found.image, found.platform) == ("$I:x", "$P")
    assert (found.stage_name, found.stage_name_written, found.as_keyword) == ("base", "Base", "as")
    assert (found.keyword, found.name, found.description) == ("from", "FROM", "is it")


def test_arg_items_tell_no_value_from_an_empty_one():
    found = parse(b'# b is bee\nARG a b= c="d e"\nFROM a').instructions[0]
    assert found.items == (ArgItem("a"), ArgItem("b", "", "is bee"), ArgItem("c", '"d e"'))


@pytest.mark.parametrize("name", ["ENV", "LABEL"])
def test_pairs_are_raw_and_in_order(name):
    assert one(f'{name} a=1 b="x y" c=z\\ z d=').pairs == (
        KeyValue("a", "1"),
        KeyValue("b", '"x y"'),
        KeyValue("c", "z\\ z"),
        KeyValue("d", ""),
    )
    legacy = one(f"{name} a  b=1 c ")
    assert legacy.pairs == (KeyValue("a", "b=1 c"),)
    assert legacy.legacy


def test_run_has_its_flags_and_command():
    found = one(
        "RUN --mount=type=ssh --mount='target=/a b' --network=none --security=insecure make"
    )
    assert found.mounts == ("type=ssh", "target=/a b")
    assert (found.network, found.security) == ("none", "insecure")
    assert found.command == Command(("make",))
    assert one("RUN a").network == "default"


def test_arrays_and_shell_text_are_told_apart():
    assert one('CMD ["a", "b"]').command == Command(("a", "b"), is_json=True)
    assert one("CMD ['a']").command == Command(("['a']",))
    assert one("CMD []").command == Command((), is_json=True)
    assert one("CMD").command == Command(())
    assert one('ENTRYPOINT ["a"').command.text == '["a"'
    assert one('SHELL ["a"]').argv == ("a",)


def test_copy_has_its_flags():
    found = one(
        "COPY --from=b --chown=$u --chmod=755 --link --parents=true --exclude=x --exclude=y a b c/"
    )
    assert found.sources == ("a", "b")
    assert (found.dest, found.from_name, found.chown, found.chmod) == ("c/", "b", "$u", "755")
    assert (found.link, found.parents, found.exclude) == (True, True, ("x", "y"))
    assert one("COPY --link=false a b").link is False


def test_add_has_its_flags():
    found = one("ADD --checksum=$c --unpack=false --keep-git-dir a b")
    assert (found.checksum, found.unpack, found.keep_git_dir) == ("$c", False, True)
    assert one('ADD ["a b", "c"]').sources == ("a b",)
    assert one("ADD a b").unpack is None


def test_heredocs_of_copy_are_sources_beside_files():
    found = parse(b"FROM a\nCOPY <<a c.txt <<'b' /d/\n1\na\n2\nb\n").instructions[1]
    assert found.sources == ("c.txt",)
    assert [(each.name, each.content, each.expand) for each in found.heredocs] == [
        ("a", "1\n", True),
        ("b", "2\n", False),
    ]


def test_an_open_quote_makes_a_source_of_a_delimiter():
    assert one("COPY <<'a b").sources == ("<<'a",)


def test_single_arguments_are_whole_lines():
    assert one("WORKDIR /a b").path == "/a b"
    assert one("USER $u:$g").user == "$u:$g"
    assert one("STOPSIGNAL 9").signal == "9"
    assert one("MAINTAINER me <me@x>").text == "me <me@x>"


def test_lists_of_words():
    assert one("EXPOSE 80 $p/udp").ports == ("80", "$p/udp")
    assert one('VOLUME ["/a b", "/c"]').paths == ("/a b", "/c")
    assert one("VOLUME /a /b").paths == ("/a", "/b")


def test_healthcheck_has_nanoseconds():
    found = one("HEALTHCHECK --interval=1m --timeout=1.5s --start-period=0 --retries=3 CMD a b")
    assert found.command == Command(("a b",))
    assert (found.interval_ns, found.timeout_ns, found.retries) == (60 * 10**9, 1500 * 10**6, 3)
    assert one("HEALTHCHECK none").command is None
    assert one('HEALTHCHECK CMD ["a"]').command == Command(("a",), is_json=True)


def test_onbuild_keeps_text_and_trigger():
    found = parse(b"FROM a\nOnBuild  RUN <<E\nx\nE\n").instructions[1]
    assert found.expression == "RUN <<E\nx\nE"
    assert found.trigger.heredocs[0].content == "x\n"
    again = parse_trigger(found.expression, Span(7))
    assert again.heredocs == found.trigger.heredocs
    assert again.span.line == 7


def test_a_wrong_trigger_is_told_only_where_it_runs():
    found = one("ONBUILD COPY --nope a b")
    assert found.trigger is None
    with pytest.raises(DockerfileSyntaxError, match="unknown flag: --nope") as caught:
        parse_trigger(found.expression, Span(3))
    assert caught.value.span.line == 3


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("RUN a\nRUN b", "onbuild trigger should be a single expression"),
        ("", "onbuild trigger should be a single expression"),
        ("FROM a", "FROM isn't allowed as an ONBUILD trigger"),
        ("ONBUILD RUN a", "ONBUILD isn't allowed as an ONBUILD trigger"),
        ("RUN <<E", "unterminated heredoc"),
    ],
)
def test_a_trigger_is_one_instruction(text, message):
    with pytest.raises(DockerfileSyntaxError) as caught:
        parse_trigger(text)
    assert str(caught.value) == message


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("FORM b", "unknown instruction: FORM (did you mean FROM?)"),
        ("copi a b", "unknown instruction: copi (did you mean copy?)"),
        ("Xyzzy", "unknown instruction: Xyzzy"),
        ("FROM a b", "FROM requires either one or three arguments"),
        ("FROM", "FROM requires either one or three arguments"),
        (
            "FROM a AS b!",
            'invalid name for build stage: "b!", name can\'t start with a number or contain symbols',
        ),
        ("ENV", "ENV requires at least one argument"),
        ("ENV a=1 b", 'Syntax error - can\'t find = in "b". Must be of the form: name=value'),
        ("LABEL =b", "LABEL names can not be blank"),
        ("WORKDIR", "WORKDIR requires exactly one argument"),
        ("USER", "USER requires exactly one argument"),
        (
            "COPY",
            "COPY requires at least two arguments, but only one was provided. Destination could not be determined",
        ),
        ("ADD --chown a b", "missing a value on flag: --chown"),
        ("COPY --from=a --from=b c d", "duplicate flag specified: --from"),
        ("ARG =x", "ARG names can not be blank"),
        ("COPY --link= a b", "missing a value on flag: --link"),
        ("COPY --link=x a b", "expecting boolean value for flag --link, not: x"),
        ("COPY --unpack a b", "unknown flag: --unpack"),
        ("RUN --network=nome a", 'invalid network mode "nome" (did you mean none?)'),
        ("RUN --security=x a", 'security "x" is not valid'),
        ('RUN --mount=\\"a a', 'failed to parse csv mounts: extraneous or missing " in "\\"a"'),
        ("COPY a <<E\nE", "COPY cannot accept a heredoc as a destination"),
        ("ONBUILD", "ONBUILD requires at least one argument"),
        ("ONBUILD --x RUN a", "unknown flag: --x"),
        ("ARG --x a=1", "unknown flag: --x"),
        ("ARG --x=1 a", "unknown flag: --x"),
        ("STOPSIGNAL --x 9", "unknown flag: --x"),
        ("STOPSIGNAL --x=y SIGTERM", "unknown flag: --x"),
        ("HEALTHCHECK", "HEALTHCHECK requires at least one argument"),
        ("HEALTHCHECK CMD", "Missing command after HEALTHCHECK CMD"),
        ("HEALTHCHECK --retries=x CMD a", '--retries must be a number, not "x"'),
        ("HEALTHCHECK --retries=99999999999 CMD a", "--retries is too large (99999999999)"),
        ("HEALTHCHECK --timeout=1 CMD a", 'time: missing unit in duration "1"'),
        ("SHELL []", "SHELL requires at least one argument"),
        ("VOLUME", "VOLUME requires at least one argument"),
        ("CMD [1]", "when using JSON array syntax, arrays must be comprised of strings only"),
    ],
)
def test_what_is_wrong_is_said_at_its_line(line, message):
    assert refused(line) == message


@pytest.mark.parametrize(
    ("line", "hint"),
    [
        ("Xyzzy", "end the line before with the escape character to go on"),
        ("FORM b", None),
        ("FROM --x a", "use one of `--platform`"),
        ("ENV --x a=b", "leave it out: the instruction has no flags"),
    ],
)
def test_hints_say_what_to_do(line, hint):
    with pytest.raises(DockerfileSyntaxError) as caught:
        parse(f"FROM a\n{line}\n".encode())
    assert caught.value.hint == hint


def test_instructions_need_a_stage():
    with pytest.raises(DockerfileSyntaxError) as caught:
        parse(b"ARG a\nRUN b\nFROM c\n")
    assert str(caught.value) == "no build stage in current context"
    assert caught.value.span.line == 2


def test_a_file_of_arguments_parses():
    assert len(parse(b"ARG a\n").instructions) == 1


@pytest.mark.parametrize(
    ("text", "flags", "rest"),
    [
        ("--a --b=c d", ("--a", "--b=c"), "d"),
        ("--a='x y'\"z\" d", ("--a=x yz",), "d"),
        ("--a=x\\ y d", ("--a=x y",), "d"),
        ("-- --a", (), " --a"),
        ("--a --", ("--a",), ""),
        ("--a='open d", ("--a=open d",), ""),
        ("--a\\", ("--a",), ""),
        ("-a b", (), "-a b"),
        ("  b --a", (), "b --a"),
    ],
)
def test_flags_are_leading_words(text, flags, rest):
    assert split_flags(text) == (flags, rest)


@pytest.mark.parametrize(
    ("text", "ns"),
    [
        ("1h", 3600 * 10**9),
        ("-1.5m", -90 * 10**9),
        ("0", 0),
        ("+2us3ns", 2003),
        (".5s", 5 * 10**8),
        ("1µs", 1000),
    ],
)
def test_durations_are_gos(text, ns):
    assert parse_duration(text) == ns


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", 'time: invalid duration ""'),
        ("x", 'time: invalid duration "x"'),
        (".s", 'time: invalid duration ".s"'),
        ("1d", 'time: unknown unit "d" in duration "1d"'),
        ("9999999999h", 'time: invalid duration "9999999999h"'),
        ("1" * 30 + "s", f'time: invalid duration "{"1" * 30}s"'),
    ],
)
def test_other_durations_are_refused(text, message):
    with pytest.raises(DockerfileSyntaxError) as caught:
        parse_duration(text)
    assert str(caught.value) == message


def test_the_json_dump_names_instructions():
    shown = json.loads(to_json(parse(b"# escape=`\nFROM a AS b\nRUN <<E\nx\nE\n")))
    assert shown["escape"] == "`"
    assert shown["directives"][0]["name"] == "escape"
    assert [each["name"] for each in shown["instructions"]] == ["FROM", "RUN"]
    assert shown["instructions"][1]["heredocs"][0]["content"] == "x\n"


def test_every_instruction_survives_an_encoding():
    tree = parse(b"FROM a\nENV a=1\nONBUILD RUN a\nHEALTHCHECK NONE\nCOPY a b\n")
    assert len(msgspec.json.decode(msgspec.json.encode(tree))["instructions"]) == 5


def test_long_lines_are_printed_on_several():
    line = b"FROM a\nRUN " + b"word # \\\\ " * 3000 + b"\\\n" + b"x" * 60000 + b"\n"
    nodes = parse_nodes(line)
    printed = print_nodes(nodes)
    assert max(map(len, printed.split("\n"))) < 65535
    assert parse_nodes(printed.encode())[1].args == nodes[1].args


def test_printing_keeps_the_other_escape():
    nodes = parse_nodes(b"# escape=`\n# c\nFROM a\nRUN a`\nb\n")
    assert print_nodes(nodes, "`") == "# escape=`\n\n# escape=`\n# c\nFROM a\nRUN ab\n"
