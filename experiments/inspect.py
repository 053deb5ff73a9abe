"""`python -m experiments.inspect`: see `jaxsplat.commands.inspect`."""

from jaxsplat.commands import flags, inspect

if __name__ == "__main__":
    flags.run(inspect.main, inspect.Config)
