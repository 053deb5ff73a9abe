"""`python -m experiments.degrade`: see `jaxsplat.commands.degrade`."""

from jaxsplat.commands import degrade, flags

if __name__ == "__main__":
    flags.run(degrade.main, degrade.Config)
