//! docs/alert.schema.json describes what is published.
