"""Whether a reply follows an instruction that can be checked, in the reply's own language."""
