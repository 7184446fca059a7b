"""Finds equal and nearly equal texts: signatures of rows, pairs of rows, clusters of pairs."""
