"""The five systems as scenarios: deterministic, seeded, signed by many keys, driven through the real HTTP API.

Keys of a scenario are derived from its seed, which anybody may know: they are for demonstration only.
"""
