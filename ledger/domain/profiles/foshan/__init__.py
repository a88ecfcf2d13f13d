"""佛山三宝: the profile of 佛山村, as data."""
