"""The kiosk's append-only, hash-chained, signed list of facts."""
