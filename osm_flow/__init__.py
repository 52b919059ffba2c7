"""OSM Flow: the yearly work of a provincial cluster's Office of Strategy Management."""

__version__ = "0.2.0"
