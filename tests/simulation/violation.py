"""What a world may never show."""


class Violation(AssertionError):
    """An invariant does not hold. `name` is the invariant's, as `./run simulate` prints it."""

    def __init__(self, name: str, detail: str) -> None:
        super().__init__(f"{name}: {detail}")
        self.name = name
        self.detail = detail


def require(holds: object, name: str, detail: str) -> None:
    if not holds:
        raise Violation(name, detail)
