"""Telling people outside the pages, by channels such as mail. In-app notices are rows that operations write."""
