"""Sizes of arrays, of which there are few: what differs little shares its programs."""


def at_least(number: int, in_octave: int) -> int:
    """Returns the least size that is not below a number.

    Args:
        number: 1 or more.
        in_octave: sizes from one power of two to the next, evenly spread.
    """
    step = max(2 ** (number.bit_length() - 1) // in_octave, 1)
    return -(-number // step) * step


def nearest(number: float, in_octave: int) -> int:
    """Returns the size that a number is nearest to, by their ratio."""
    above = at_least(max(round(number), 1), in_octave)
    step = max(2 ** ((above - 1).bit_length() - 1) // in_octave, 1)
    below = max(above - step, 1)
    return above if number * number > above * below else below
