"""The one exception that a command prints without a traceback."""


class TrainingError(Exception):
    """Says what is wrong and what to do about it, for whoever runs the command."""
