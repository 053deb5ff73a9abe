"""`python -m jaxsplat COMMAND ...`: see `jaxsplat.commands.entry`."""

from jaxsplat.commands import entry

if __name__ == "__main__":
    entry.main()
