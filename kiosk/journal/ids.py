"""Identifiers that the kiosk mints itself (RFC 9562)."""

from uuid import UUID


def uuid7(unix_ms: int, random: bytes) -> str:
    """Return the UUIDv7 of a wall-clock time in milliseconds and 10 random bytes (RFC 9562 section 5.7)."""
    if not 0 <= unix_ms < 1 << 48:
        raise ValueError(f"outside 48 bits of milliseconds: {unix_ms}")
    if len(random) != 10:
        raise ValueError(f"10 random bytes are needed, not {len(random)}")
    bits = int.from_bytes(random, "big")
    high = unix_ms << 16 | 0x7 << 12 | bits >> 68
    low = 0b10 << 62 | bits & (1 << 62) - 1
    return str(UUID(int=high << 64 | low))
