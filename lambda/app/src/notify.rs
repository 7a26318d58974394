//! Where alerts go. One file each.

pub mod slack;
pub mod sns;

/// A place that takes messages.
#[allow(async_fn_in_trait, reason = "used by generic code of this crate, on one thread")]
pub trait Notifier {
    /// Publishes a message: a subject, and one text for each protocol.
    ///
    /// # Errors
    ///
    /// Where it was not accepted; it may have been sent all the same.
    async fn publish(&self, subject: &str, body: &str) -> anyhow::Result<()>;
}
