"""The command `stylestream`: a table of subcommands, each imported only when it is called.

Exit codes: 0 done, 1 failed, 2 wrong usage or configuration, 3 the machine lacks something, 4 Kafka,
Redis or the lake cannot be reached, 130 interrupted. An error is one line on stderr; `--debug` shows more.
"""

import difflib
import importlib
import sys
import traceback
from typing import Any

import click

from cli.options import Settings, conf_option
from common.errors import StylestreamError
from common.logs import quiet_libraries

# name → (module:attribute of a click.Command, what it does)
COMMANDS = {
    "doctor": ("cli.machine:doctor", "Check Java, versions, ports, disk and jars; say how to mend each."),
    "setup": ("cli.machine:setup", "Download the connectors and the broker; prepare spark-submit."),
    "up": ("cli.servers:up", "Start the embedded Kafka and Redis."),
    "down": ("cli.servers:down", "Stop them."),
    "status": ("cli.servers:status", "Say what is running and what has stopped."),
    "topics": ("cli.servers:topics", "Create the Kafka topics."),
    "demo": ("cli.demo:demo", "Run the whole platform in the foreground."),
    "simulate": ("cli.inputs:simulate", "Send a simulated shop's events."),
    "replay": ("cli.inputs:replay", "Send a real data set's events."),
    "stream": ("cli.jobs_stream:stream", "Run streaming queries, fused by default."),
    "batch": ("cli.jobs:batch", "Run one batch job."),
    "schedule": ("cli.jobs:schedule", "Run the batch jobs on their schedule."),
    "rebuild": ("cli.jobs:rebuild", "Rebuild Redis from Delta."),
    "serve": ("cli.serve:serve", "Serve the API and the dashboard."),
    "audit": ("cli.audit:audit", "Account for every message: counted, copied, quarantined or late."),
    "model": ("cli.model:model", "List, promote or roll back published models."),
    "bench": ("cli.bench:bench", "Measure speed and quality."),
}


class LazyGroup(click.Group):
    """Knows its subcommands by name and imports one when it is asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        module, attribute = COMMANDS[cmd_name][0].split(":")
        command = getattr(importlib.import_module(module), attribute)
        assert isinstance(command, click.Command)  # noqa: S101 - a mistake in the table above
        return command

    def resolve_command(self, ctx: click.Context, args: list[str]) -> Any:
        if args[0] not in COMMANDS and not args[0].startswith("-"):
            near = difflib.get_close_matches(args[0], COMMANDS, n=1)
            hint = f"did you mean '{near[0]}'?" if near else "see 'stylestream --help'"
            raise click.UsageError(f"no command '{args[0]}'; {hint}")
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, text) in COMMANDS.items()])


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@conf_option
@click.version_option(package_name="stylestream")
@click.pass_context
def stylestream(ctx: click.Context, conf: str | None, debug: bool) -> None:
    """Real-time and batch personalisation for fashion commerce."""
    ctx.ensure_object(Settings).merge(conf, debug)


def main(arguments: list[str] | None = None) -> None:
    """The console script: runs a command and turns what goes wrong into one line and an exit code."""
    given = Settings(debug="--debug" in (arguments or sys.argv))
    quiet_libraries(given.debug)
    try:
        code = stylestream.main(arguments, "stylestream", standalone_mode=False, obj=given)
    except click.exceptions.Abort:
        code = _fail("interrupted", 130, debug=False)
    except click.exceptions.NoArgsIsHelpError as error:
        click.echo(error.format_message())
        code = 2
    except click.UsageError as error:
        where = f"{error.ctx.command_path}: " if error.ctx and error.ctx.parent else ""
        code = _fail(f"{where}{error.format_message()}", 2, debug=False)
    except click.ClickException as error:
        code = _fail(error.format_message(), error.exit_code, debug=False)
    except StylestreamError as error:
        code = _fail(str(error), error.exit_code, given.debug)
    except Exception as error:
        text = " ".join(f"{type(error).__name__}: {error}".split())[:500]
        code = _fail(f"{text} (run with --debug for the trace)", 1, given.debug)
    sys.exit(code if isinstance(code, int) else 0)


def _fail(message: str, code: int, debug: bool) -> int:
    if debug:
        traceback.print_exc()
    click.echo(f"stylestream: {message}", err=True)
    return code


if __name__ == "__main__":
    main()
