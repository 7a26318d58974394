//! Where records come from. One file each.

pub mod inflate;
pub mod local_file;
pub mod s3_listing;
