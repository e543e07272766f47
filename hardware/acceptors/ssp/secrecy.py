"""The encryption layer, eSSP: key negotiation, packet and counter (sheet section 6).

block = eLEN | eCOUNT 4 | eDATA | ePACK | eCRCL | eCRCH, a multiple of 16 bytes
DATA  = 7E | AES-128-ECB(block)
"""

from collections.abc import Callable
from dataclasses import dataclass

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from hardware.acceptors.ssp.frames import crc_of

Entropy = Callable[[int], bytes]

FACTORY_KEY = bytes.fromhex("6745230167452301")  # 0x0123456701234567, low byte first
STEX = 0x7E
BLOCK_BYTES, EDATA_MAX = 16, 233
HEAD_BYTES, CRC_BYTES = 5, 2
NUMBER_BYTES = 8
PRIME_BITS = 31
WITNESSES = (2, 3, 5, 7)  # enough for every number below 2^31


class Illegible(Exception):
    """An encrypted packet that must not be believed; the text says why."""


@dataclass
class Session:
    """A negotiated key and the counter of the next packet of the host; the reply to it carries one more."""

    key: bytes
    count: int = 0

    def seal(self, data: bytes, entropy: Entropy) -> bytes:
        """Return DATA of the frame that says `data` in secret. The same packet again is sent as it is."""
        return seal(self.key, self.count, data, entropy)

    def open(self, data: bytes) -> bytes:
        """Return what the reply says and count on. Illegible if it is not the reply to the packet sent last."""
        count, plain = unseal(self.key, data)
        if count != self.count + 1 & 0xFFFFFFFF:
            raise Illegible(f"counter: expected {self.count + 1}, found {count}")
        self.count = count
        return plain


def seal(key: bytes, count: int, data: bytes, entropy: Entropy) -> bytes:
    if len(data) > EDATA_MAX:
        raise ValueError(f"{len(data)} bytes are too many for a packet")
    block = bytes([len(data)]) + count.to_bytes(4, "little") + data
    block += entropy(-(len(block) + CRC_BYTES) % BLOCK_BYTES)
    block += crc_of(block).to_bytes(CRC_BYTES, "little")
    return bytes([STEX]) + _cipher(key).encryptor().update(block)


def unseal(key: bytes, data: bytes) -> tuple[int, bytes]:
    """Return counter and eDATA of an encrypted DATA field."""
    if data[:1] != bytes([STEX]) or len(data) == 1 or (len(data) - 1) % BLOCK_BYTES:
        raise Illegible("no encrypted packet")
    block = _cipher(key).decryptor().update(data[1:])
    if crc_of(block[:-CRC_BYTES]) != int.from_bytes(block[-CRC_BYTES:], "little"):
        raise Illegible("inner CRC: wrong key?")
    if HEAD_BYTES + block[0] + CRC_BYTES > len(block):
        raise Illegible(f"eLEN says {block[0]}, there are {len(block)} bytes")
    return int.from_bytes(block[1:HEAD_BYTES], "little"), block[HEAD_BYTES : HEAD_BYTES + block[0]]


def _cipher(key: bytes) -> Cipher[modes.ECB]:
    return Cipher(algorithms.AES(key), modes.ECB())


class Negotiation:
    """Diffie-Hellman with fresh primes. Its numbers fit the line: eight bytes, low byte first."""

    def __init__(self, entropy: Entropy) -> None:
        self._generator = prime(entropy)
        self._modulus = prime(entropy)
        while self._modulus == self._generator:
            self._modulus = prime(entropy)
        self._secret = 2 + int.from_bytes(entropy(4), "little") % (self._modulus - 3)

    @property
    def generator(self) -> bytes:
        return _number(self._generator)

    @property
    def modulus(self) -> bytes:
        return _number(self._modulus)

    @property
    def ours(self) -> bytes:
        return _number(pow(self._generator, self._secret, self._modulus))

    def session(self, theirs: bytes, fixed_key: bytes) -> Session:
        """Return the session that follows from the device's number."""
        shared = pow(int.from_bytes(theirs, "little"), self._secret, self._modulus)
        return Session(fixed_key + _number(shared))


def prime(entropy: Entropy) -> int:
    """Return a prime of 31 bits."""
    candidate = int.from_bytes(entropy(4), "little") >> 1 | 1 << PRIME_BITS - 1 | 1
    while not is_prime(candidate):
        candidate += 2
        if candidate >> PRIME_BITS:
            candidate = 1 << PRIME_BITS - 1 | 1
    return candidate


def is_prime(number: int) -> bool:
    """Return whether `number`, below 2^31, is prime (Miller and Rabin, certain with these witnesses)."""
    if number < 2 or any(number % small == 0 for small in WITNESSES):
        return number in WITNESSES
    odd, halvings = number - 1, 0
    while odd % 2 == 0:
        odd, halvings = odd // 2, halvings + 1
    return all(_passes(number, witness, odd, halvings) for witness in WITNESSES)


def _passes(number: int, witness: int, odd: int, halvings: int) -> bool:
    power = pow(witness, odd, number)
    if power in (1, number - 1):
        return True
    for _ in range(halvings - 1):
        power = power * power % number
        if power == number - 1:
            return True
    return False


def _number(value: int) -> bytes:
    return value.to_bytes(NUMBER_BYTES, "little")
