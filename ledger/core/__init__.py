"""Pure functions over bytes: no clock, no randomness, no disk, no network, no environment."""
