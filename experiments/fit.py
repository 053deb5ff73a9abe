"""`python -m experiments.fit`: see `jaxsplat.commands.fit`."""

from jaxsplat.commands import fit, flags

if __name__ == "__main__":
    flags.run(fit.main, fit.Config)
