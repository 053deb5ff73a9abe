"""The three families of errors that reach a user.

Each message says where (file, field, index), what was found, what is expected and,
where it is not plain, what to do.
"""


class DataError(ValueError):
    """A file or folder that the user gave does not hold what it should."""


class ConfigError(ValueError):
    """A setting is out of its range, unknown, or contradicts another setting."""


class NumericsError(ArithmeticError):
    """A computation left the finite numbers and cannot go on."""
