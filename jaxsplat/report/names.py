"""File names made from names that came from outside."""

import hashlib
import pathlib
import re

# Names that may stand as they are: no dot, so none can be `..`, hidden, or one of the
# run folder's own files.
_PLAIN = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_-]{0,63}")
_HASHED = re.compile(r".*-[0-9a-f]{8}")
_KEPT = 40  # characters of an unsafe name that stay, to recognise it by
_MAX_DEPTH = 8  # folders, beyond which a name becomes a single file


def safe_name(name: str) -> str:
    """Returns a name for a file or folder, distinct for distinct names.

    Letters, digits, `_` and `-` stay as they are. Any other name is cut and cleaned and
    gets eight digits of its hash, so `a/b`, `a_b` and `a b` stay apart, in every run.
    """
    return name if _is_plain(name) else _hashed(name)


def safe_path(name: str, suffix: str) -> pathlib.PurePosixPath:
    """Returns a relative path that no other name's path meets.

    Args:
        name: a view's name, such as `test/Burrs/000.png`; folders stay folders.
        suffix: extension of the file that is written, such as `.png`.
    """
    parts = name.split("/")
    if len(parts) > _MAX_DEPTH:
        parts = [name]
    stem = parts[-1].removesuffix(".png")
    # Only one extension is dropped, so that 0.png, 0.jpg and 0 stay apart.
    drops = stem != parts[-1] and _is_plain(stem)
    file = (stem if drops else _hashed(parts[-1])) + suffix
    return pathlib.PurePosixPath(*(safe_name(part) for part in parts[:-1]), file)


def _is_plain(name: str) -> bool:
    return bool(_PLAIN.fullmatch(name)) and not _HASHED.fullmatch(name)


def _hashed(name: str) -> str:
    digest = hashlib.sha256(name.encode("utf-8", errors="surrogatepass")).hexdigest()
    cleaned = re.sub(r"[^A-Za-z0-9_-]", "_", name)[:_KEPT].strip("_-")
    return f"{cleaned or 'name'}-{digest[:8]}"
