"""Stripe Terminal, server-driven: a reader with a network of its own, steered through the processor's HTTPS API."""

from hardware.cards.stripe.calls import Call, Reply, Request
from hardware.cards.stripe.driver import StripeDriver
from hardware.cards.stripe.machine import StripeMachine
from hardware.cards.stripe.operations import Settings

__all__ = ["Call", "Reply", "Request", "Settings", "StripeDriver", "StripeMachine"]
