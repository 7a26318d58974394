//! Where records come from. One file each.

pub mod client_log;
pub mod inflate;
pub mod live;
pub mod local_file;
pub mod lookup_events;
pub mod message;
pub mod s3_listing;
pub mod s3_log_file;
