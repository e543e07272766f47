"""What a file of the configuration is refused with."""


class ConfigWrong(Exception):
    """`errors` lists everything that is wrong, one line each."""

    def __init__(self, errors: list[str]) -> None:
        super().__init__("\n".join(errors))
        self.errors = errors
