//! A deterministic corpus of CloudTrail files, and the exact answer to it.
//!
//! Knows how trail files look and what a correct scan of them must find. Must not know the program
//! that is measured: its code is not used here, so that a mistake there cannot hide here.

mod bodies;
pub mod calendar;
pub mod callers;
pub mod calls;
pub mod corpus;
pub mod expected;
pub mod failures;
pub mod files;
pub mod hostile;
pub mod json;
pub mod plan;
pub mod random;
pub mod record;
pub mod traps;
