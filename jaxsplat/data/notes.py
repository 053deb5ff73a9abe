"""What a loader found odd but could live with, counted by kind."""


class Notes:
    """Collects remarks while one object is read.

    The same remark about many files becomes one sentence with a count.
    """

    def __init__(self) -> None:
        self._names: dict[str, list[str]] = {}

    def add(self, remark: str, name: str = "") -> None:
        """Records a remark, about the file or frame `name` where it has one."""
        self._names.setdefault(remark, []).append(name)

    def sentences(self) -> tuple[str, ...]:
        """Returns one sentence per kind of remark, in the order of first use."""
        return tuple(map(self._sentence, self._names))

    def _sentence(self, remark: str) -> str:
        first, *others = self._names[remark]
        if not first:
            return remark
        return f"{remark}: {first}" + (f" and {len(others)} more" if others else "")
