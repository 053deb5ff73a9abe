"""`python -m experiments.sparse_views`: see `jaxsplat.commands.sparse_views`."""

from jaxsplat.commands import flags, sparse_views

if __name__ == "__main__":
    flags.run(sparse_views.main, sparse_views.Config)
