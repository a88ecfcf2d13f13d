"""多多评·码上生活: the profile of 康巴什, as data."""
