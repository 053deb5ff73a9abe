"""Commands: flags in, one call of the library, files out."""
