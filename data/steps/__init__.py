"""Steps of the corpus pipeline: one rule a file, each a datatrove PipelineStep."""
