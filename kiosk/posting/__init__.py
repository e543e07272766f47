"""The way to the central server: HTTP client, retry schedule, and the thread that posts the journal."""
