"""`python -m experiments.pose_board`: see `jaxsplat.commands.pose_board`."""

from jaxsplat.commands import flags, pose_board

if __name__ == "__main__":
    flags.run(pose_board.main, pose_board.Config)
