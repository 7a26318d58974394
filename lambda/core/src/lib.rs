//! The pure core of the CloudTrail failure monitor.
//!
//! Records and client logs go in; failures, groups, causes and findings come out. Nothing in this
//! crate knows AWS clients, the clock, the environment, files, threads or a terminal: the time is a
//! parameter, bytes are slices, and text that a person will see comes out of `render` only.
//!
//! Reading order: `record`, `access_key`, `client`, `failure`, `report`, `key_change`, `key_use`,
//! `left_behind`, `group`, `cause`, `causes`, `finding`; then how text is read: `find`, `split`,
//! `document`, `look`; and `scan`, which puts it all together.

#[cfg(test)]
extern crate self as failure_monitor_core;

pub mod access_key;
pub mod alert;
pub mod athena;
pub mod cause;
pub mod causes;
pub mod check_key;
pub mod client;
pub mod document;
pub mod explain;
pub mod failure;
pub mod find;
pub mod finding;
pub mod group;
pub mod key_change;
pub mod key_use;
mod knowledge;
pub mod left_behind;
pub mod look;
pub mod record;
pub mod render;
pub mod report;
pub mod scan;
pub mod settings;
pub mod split;
pub mod state;
pub mod summary;
pub mod tally;
