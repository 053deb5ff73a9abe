"""`python -m experiments.steps`: see `jaxsplat.commands.steps`."""

from jaxsplat.commands import flags, steps

if __name__ == "__main__":
    flags.run(steps.main, steps.Config)
