"""`python -m experiments.export`: see `jaxsplat.commands.export`."""

from jaxsplat.commands import export, flags

if __name__ == "__main__":
    flags.run(export.main, export.Config)
