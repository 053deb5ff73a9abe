"""What is shown of a detector in three dimensions: records, colours, places, files."""

from jaxsplat.viewing.exhibit import Exhibit, Shot

__all__ = ["Exhibit", "Shot"]
