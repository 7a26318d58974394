//! The edges of the CloudTrail failure monitor: files, terminals and, later, AWS.
//!
//! Everything that decides lives in `failure-monitor-core`; this crate brings it bytes and takes
//! away text.

pub mod account;
pub mod aws;
pub mod canary;
pub mod cli;
pub mod clock;
pub mod config;
pub mod doctor;
pub mod function;
pub mod intake;
pub mod notify;
pub mod progress;
pub mod run;
pub mod run_command;
pub mod scan_files;
pub mod send;
pub mod store;
pub mod summary_handler;
