"""The HTTP side: routes, problems, tokens, the server. Never holds a chain key."""
