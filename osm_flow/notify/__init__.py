"""Telling people outside the pages: by mail. In-app notices are rows that operations write."""
