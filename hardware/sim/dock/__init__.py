"""The operator's dock: a window, and a word on the shell, from which a person drives the simulated devices."""
