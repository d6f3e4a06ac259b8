"""The error family. `str(error)` is one sentence for the user: what is wrong, and what to do.

    BertwatchError
    ├── InputError         a file, an argument, a setting is not what it must be
    ├── SurroundingsError  a hub, a database, a port, a server is not there
    └── GateFailed         everything worked, and the answer is no (exit status 1)

Never put a user's text into a message: messages reach logs, HTTP answers and notifications.
"""


class BertwatchError(Exception):
    """Base of all errors that a user can mend; the command line ends with status 2 for it."""

    exit_status = 2


class InputError(BertwatchError):
    """A file, an argument or a setting is wrong."""


class SurroundingsError(BertwatchError):
    """Something outside of the program is missing, closed or busy."""


class GateFailed(BertwatchError):
    """A gate said no: nothing is broken, the result does not pass."""

    exit_status = 1
