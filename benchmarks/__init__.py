"""Measured, never asserted on absolute time: ratios and shares of one run, on the machine that runs them."""
