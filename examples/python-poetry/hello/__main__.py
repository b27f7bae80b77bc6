"""The command line: ``python -m hello [--name NAME]``."""

import click


@click.command()
@click.option("--name", default="a Python multi-stage Docker build", help="Who says hello.")
def main(name: str) -> None:
    """Say hello."""
    click.echo(f"Hello from {name}!")


if __name__ == "__main__":
    main()
