"""`python -m experiments.pose`: see `jaxsplat.commands.pose`."""

from jaxsplat.commands import flags, pose

if __name__ == "__main__":
    flags.run(pose.main, pose.Config)
