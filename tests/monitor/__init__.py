"""The built functions as black boxes: payloads in, messages and summaries out."""
