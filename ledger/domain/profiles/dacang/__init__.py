"""一户一码 道德积分: the profile of 大苍村, as data."""
