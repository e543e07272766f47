"""The city's central billing server: accounts, invoices, the ledger, and the door through which kiosks post."""
