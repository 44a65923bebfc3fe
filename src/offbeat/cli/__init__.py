"""The command line: each command is one library call, and a table or file of what it gave.

Exit codes: 0 done, 1 something is off and `--fail-on-anomaly` asked to be told, 2 a mistake in the
input, said in one line, 130 interrupted.
"""

from offbeat.cli.commands import COMMANDS, app
from offbeat.cli.fleets import FLEET_COMMANDS
from offbeat.cli.running import main, run

__all__ = ["COMMANDS", "FLEET_COMMANDS", "app", "main", "run"]
