"""The rules of published file formats, as checks of our own."""
