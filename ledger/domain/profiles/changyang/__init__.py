"""诚信积分: the profile of the 68 villages of 长阳, as data."""
