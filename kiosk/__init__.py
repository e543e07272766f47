"""The lobby kiosk."""

VERSION = "0.1.0"
