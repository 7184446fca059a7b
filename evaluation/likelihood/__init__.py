"""How likely continuations are behind prompts: the log-likelihood protocol."""
