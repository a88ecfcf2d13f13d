"""What an event means: kinds, roles, rules, balances. Pure; rule books and profiles arrive as bytes."""
