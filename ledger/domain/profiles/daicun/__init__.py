"""戴村工分宝: the profile of the first villages of 戴村镇, as data."""
