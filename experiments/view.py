"""`python -m experiments.view`: see `jaxsplat.commands.view`."""

from jaxsplat.commands import flags, view

if __name__ == "__main__":
    flags.run(view.main, view.Config)
