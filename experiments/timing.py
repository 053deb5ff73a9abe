"""`python -m experiments.timing`: see `jaxsplat.commands.timing`."""

from jaxsplat.commands import flags, timing

if __name__ == "__main__":
    flags.run(timing.main, timing.Config)
