"""The btcli of an environment: its parser, and itself at a terminal.

With `parse`: commands, as a shell reads them. Output: for each, what the parser says against it, or null. Nothing is run.
With `run`: commands, which are run one after the other at a terminal, and answers, pairs of a pattern of what the terminal
shows and what a person types then. Output: the exit code of each and what the terminal showed.
"""

import confined  # noqa: F401  (first)

import json
import os
import pty
import re
import shlex
import sys
from importlib.metadata import entry_points

import typer

try:
    from bittensor.cli.main import app
except ImportError:
    from bittensor_cli.cli import CLIManager

    app = CLIManager().app

PROGRAM = entry_points(group="console_scripts", name="btcli")["btcli"].load()


def parse(command):
    """Walks the groups down to the command as the program does, and has each read its part of the line."""
    name, *rest = shlex.split(command)
    node = typer.main.get_command(app)
    context = None
    try:
        while True:
            context = node.make_context(name, rest, parent=context)
            if not hasattr(node, "resolve_command"):
                return None
            name, node, rest = node.resolve_command(context, [*context._protected_args, *context.args])
    except typer.Exit:
        # An option such as --version, which does its work while it is read.
        return None
    except typer.Abort:
        return "it asks for what is missing"
    except Exception as error:
        if not hasattr(error, "format_message"):
            raise
        return error.format_message()


def run(command, answers):
    pid, terminal = pty.fork()
    if pid == 0:
        sys.argv = shlex.split(command)
        try:
            PROGRAM()
        except SystemExit as error:
            sys.stdout.flush()
            os._exit(error.code if isinstance(error.code, int) else int(error.code is not None))
        except BaseException as error:  # noqa: BLE001  (the terminal is all that the parent sees)
            print(repr(error), flush=True)
            os._exit(70)
        sys.stdout.flush()
        os._exit(0)
    shown = ""
    asked = 0
    while True:
        try:
            data = os.read(terminal, 65536)
        except OSError:
            break
        if not data:
            break
        shown += data.decode(errors="replace")
        for pattern, answer in answers:
            if re.search(pattern, shown[asked:]):
                os.write(terminal, f"{answer}\r".encode())
                asked = len(shown)
                break
    os.close(terminal)
    _, status = os.waitpid(pid, 0)
    return {"exitCode": os.waitstatus_to_exitcode(status), "shown": shown}


def main():
    given = json.loads(sys.argv[1])
    if given["task"] == "parse":
        print(json.dumps([parse(command) for command in given["commands"]]))
    else:
        print(json.dumps([run(command, given["answers"]) for command in given["commands"]]))


main()
