"""CCNET: CashCode, now Crane, bill validators SM, MSM, MVU, FLS, MFL, SL and GX, and others that speak it."""

from hardware.acceptors.ccnet.codec import CcnetCodec
from hardware.acceptors.ccnet.queries import USA

__all__ = ["USA", "CcnetCodec"]
