"""What elements name: people and roles, other elements, and what lies outside their file."""
