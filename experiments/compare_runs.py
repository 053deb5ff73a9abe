"""`python -m experiments.compare_runs`: see `jaxsplat.commands.compare_runs`."""

from jaxsplat.commands import compare_runs, flags

if __name__ == "__main__":
    flags.run(compare_runs.main, compare_runs.Config)
