"""Help in groups: commands in the order in which they are used, options by subject, each group under a heading."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import click

OPTIONS = "Options"


@dataclass
class _Later:
    """Options that are made when a command's options are first needed."""

    make: Callable[[], Sequence[click.Option]]
    heading: str = OPTIONS

    def made(self) -> list[click.Option]:
        options = list(self.make())
        for option in options:
            option.heading = self.heading  # type: ignore[attr-defined]
        return options


class Command(click.Command):
    """A command whose `--help` shows options in the order in which they are declared, under the headings that `under` gave them."""

    def get_params(self, ctx: click.Context) -> list[click.Parameter]:
        """The arguments and options, those of `later`, too."""
        self.params = [one for given in self.params for one in (given.made() if isinstance(given, _Later) else [given])]
        return super().get_params(ctx)

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the options, heading by heading."""
        for heading, options in options_of(self, ctx):
            with formatter.section(heading):
                formatter.write_dl(options)


class Group(click.Group):
    """A group that lists its commands in the order in which they were added, under the headings that `add` gave them."""

    command_class = Command
    group_class = type

    def __init__(self, *args: Any, **settings: Any) -> None:
        super().__init__(*args, **settings)
        self.headings: dict[str, list[str]] = {}

    def add(self, heading: str, *commands: click.Command) -> None:
        """Add commands under a heading."""
        for command in commands:
            self.add_command(command)
            self.headings.setdefault(heading, []).append(str(command.name))

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The names of the commands, in the order in which they were added."""
        return list(self.commands)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the commands, heading by heading."""
        width = max(map(len, self.commands))
        for heading, names in (self.headings or {"Commands": list(self.commands)}).items():
            with formatter.section(heading):
                formatter.write_dl([(f"{name:{width}}", self.commands[name].get_short_help_str(limit=100)) for name in names])


def under(heading: str, *options: Callable[..., Any]) -> Callable[..., Any]:
    """Options of a command that its help shows under a heading."""

    def add(command: Callable[..., Any]) -> Callable[..., Any]:
        for option in reversed(options):
            command = option(command)
            command.__click_params__[-1].heading = heading  # type: ignore[attr-defined]
        return command

    return add


def later(make: Callable[[], Sequence[click.Option]]) -> Callable[..., Any]:
    """Options of a command that are made when they are first needed, since what they are made from may take a second to import."""

    def add(command: Any) -> Any:
        command.__click_params__ = [*getattr(command, "__click_params__", ()), _Later(make)]
        return command

    return add


def options_of(command: click.Command, ctx: click.Context) -> list[tuple[str, list[tuple[str, str]]]]:
    """The options of a command with their help, by heading; those without a heading come first."""
    found: dict[str, list[tuple[str, str]]] = {OPTIONS: []}
    for option in command.get_params(ctx):
        if isinstance(option, click.Option) and (record := option.get_help_record(ctx)):
            found.setdefault(getattr(option, "heading", OPTIONS), []).append(record)
    return [(heading, options) for heading, options in found.items() if options]
