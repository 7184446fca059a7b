"""One adapter a format of benchmark: how a row is asked, and what a reply to it is worth."""
