"""Images of hundreds of layers are built, run and built upon, as root and not."""

from __future__ import annotations

from e2e.command import Cli

LAYERS = 300


def test_three_hundred_layers_are_one_file_system(cli: Cli) -> None:
    steps = "".join(
        f"COPY <<EOF /many/{number}\n{number}\nEOF\nCOPY <<EOF /last\n{number}\nEOF\n"
        for number in range(LAYERS // 2)
    )
    text = f"FROM box\n{steps}RUN rm /many/7 && ls /many | wc -l > /count && cat /last >> /count\n"
    context = cli.context({"Dockerfile": text})
    facts = cli.facts("-t", "many", context)
    assert len(facts["layers"]) > LAYERS
    assert facts["executed"] == LAYERS + 1
    wanted = f"{LAYERS // 2 - 1}\n{LAYERS // 2 - 1}\n"
    assert cli("run", "--rm", "many", "cat", "/count").stdout == wanted
    seen = cli("run", "--rm", "many", "sh", "-c", "ls /many | wc -l; cat /last").stdout
    assert seen == wanted
    assert cli.facts("-t", "many", context)["executed"] == 0
