"""What both halves of `apply` raise."""


class Contradiction(Exception):
    """A fact does not fit what the journal says so far: a bug, or a journal that is not ours."""


def require(condition: bool, otherwise: str) -> None:
    if not condition:
        raise Contradiction(otherwise)
