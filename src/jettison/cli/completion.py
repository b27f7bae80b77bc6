"""Commands about the command line itself: completion, help."""

from __future__ import annotations

import click

from jettison.cli.flags import DockerCommand
from jettison.cli.usage import unknown_command
from jettison.console.terminal import out
from jettison.errors import UsageError

SHELLS = ("bash", "zsh", "fish")


@click.command("completion", cls=DockerCommand)
@click.argument("shell", type=click.Choice(SHELLS))
@click.pass_context
def completion(ctx: click.Context, shell: str) -> int:
    r"""Print a script that completes command lines.

    \b
    bash:  source <(jettison completion bash)
    zsh:   source <(jettison completion zsh)
    fish:  jettison completion fish | source

    Put the line into the file that the shell reads when it starts.
    """
    from click.shell_completion import get_completion_class

    made = get_completion_class(shell)
    if made is None:
        raise UsageError(f"no completion for `{shell}`", hint=f"use one of {', '.join(SHELLS)}")
    root = ctx.find_root()
    # Click's bash class looks for a bash to learn its version, which a script does not need.
    text = made(root.command, {}, "jettison", "_JETTISON_COMPLETE")
    script = text.source_template % text.source_vars()
    if shell == "bash":
        script = _with_colons(script)
    out(script + "\n")
    return 0


def _with_colons(script: str) -> str:
    """Let bash complete names with colons: for it these are words of their own.

    The line itself is asked for instead of bash's words, and what bash has behind the last colon
    is all that it is given.
    """
    words = 'COMP_WORDS="${COMP_WORDS[*]}" COMP_CWORD=$COMP_CWORD'
    mine = 'COMP_WORDS="$line" COMP_CWORD=$cword'
    head = "    local response\n"
    reads = """\
    local line=${COMP_LINE:0:COMP_POINT} cword current words
    IFS=$' \\t' read -ra words <<< "$line"
    cword=${#words[@]}
    [[ $line == *[[:space:]] ]] || cword=$((cword - 1))
    current=${words[cword]}
"""
    tail = "    return 0\n"
    cuts = """\
    if [[ $current == *:* && $COMP_WORDBREAKS == *:* ]]; then
        COMPREPLY=("${COMPREPLY[@]#"${current%"${current##*:}"}"}")
    fi
"""
    if any(each not in script for each in (words, head, tail)):
        return script  # of another version of click
    script = script.replace(words, mine).replace(head, head + reads, 1)
    return script.replace(tail, cuts + tail, 1)


@click.command("help", cls=DockerCommand)
@click.argument("names", metavar="[COMMAND]...", nargs=-1)
@click.pass_context
def help_(ctx: click.Context, names: tuple[str, ...]) -> int:
    """Show the help of a command, or all commands."""
    inner = ctx.find_root()
    for name in names:
        group = inner.command
        found = group.get_command(inner, name) if isinstance(group, click.Group) else None
        if found is None:
            known = group.list_commands(inner) if isinstance(group, click.Group) else ()
            raise unknown_command(inner.command_path, name, known)
        inner = click.Context(found, parent=inner, info_name=name)
    out(inner.get_help() + "\n")
    return 0
