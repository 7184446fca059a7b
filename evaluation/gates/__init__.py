"""What decides on a checkpoint: gates over plain paired figures, each pass, fail or inconclusive.

A gate passes only where the items show that its rule holds; it fails where they show the contrary;
everything else, and everything measured badly, is inconclusive. docs/decisions/gates.md says why.
"""
