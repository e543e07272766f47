"""What can be wrong with a journal. All three mean: no money."""


class JournalDamaged(Exception):
    """The file is not the unbroken chain that was written. `seq` is the first record that is wrong or missing."""

    def __init__(self, reason: str, seq: int = 0) -> None:
        super().__init__(f"record {seq}: {reason}" if seq else reason)
        self.reason = reason
        self.seq = seq


class JournalUnwritable(Exception):
    """The medium refused a write or a sync. Nothing is known about the last append until a restart reads it back.

    `reason` is disk_full, disk_read_only, wrong_medium or disk_failed.
    """

    def __init__(self, message: str, reason: str = "disk_failed") -> None:
        super().__init__(message)
        self.reason = reason


class JournalInUse(Exception):
    """A running kiosk holds the file."""
