"""A demo city in one command: server, twins, kiosk, and either a person with the dock or scripted residents.

It acts only from outside: touches in the real window, the twins' control sockets, HTTP and the processes' own commands.
"""
