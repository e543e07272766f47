"""Seeded worlds around the shipped kiosk: residents, devices, line, network, server, disk, clock and power."""
