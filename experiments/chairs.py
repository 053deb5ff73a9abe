"""`python -m experiments.chairs`: see `jaxsplat.commands.chairs`."""

from jaxsplat.commands import chairs, flags

if __name__ == "__main__":
    flags.run(chairs.main, chairs.Config)
