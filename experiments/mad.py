"""`python -m experiments.mad`: see `jaxsplat.commands.mad`."""

from jaxsplat.commands import flags, mad

if __name__ == "__main__":
    flags.run(mad.main, mad.Config)
