//! Where alerts go. One file each.

pub mod slack;
pub mod sns;
