//! How large a transaction and its parts may be: the limits of DynamoDB, kept by every store, so
//! that what works in one works in the other
//! (<https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Constraints.html>).
//!
//! What the core remembers stays far below: docs/state.md lists the bounds.

use std::collections::BTreeSet;

use super::{Key, Refused, Write};

/// The most bytes that an item may have, its names among them: a little less than DynamoDB's 400
/// KiB, because sizes are estimated here.
pub const ITEM_BYTES: usize = 400_000;
/// The most bytes that the items of a transaction may have together.
pub const TRANSACTION_BYTES: usize = 4 * 1024 * 1024;
/// The most bytes of a partition key.
const PARTITION_BYTES: usize = 2048;
/// The most bytes of a sort key.
const SORT_BYTES: usize = 1024;
/// More than the names of all attributes, the version, the time to live and the writer's token.
const OVERHEAD: usize = 200;
/// A counter: its name and its number.
const COUNTER: usize = 40;

/// About how many bytes a write makes its item have; never too few.
pub fn size(write: &Write) -> usize {
    let own = match write {
        Write::Claim { .. } | Write::Delete { .. } => 0,
        Write::Put(item) => item.json.len(),
        // All counters of the hour may be there already.
        Write::Raise { json, .. } => json.len() + 12 * 3 * COUNTER,
    };
    let key = key(write);
    own + key.partition.len() + key.sort.len() + OVERHEAD
}

/// Refuses what no store would take.
pub(super) fn check(writes: &[Write], most: usize) -> Result<(), Refused> {
    if writes.len() > most {
        return refuse(format!("{} changes at once are more than {most}", writes.len()));
    }
    let mut keys = BTreeSet::new();
    let mut together = 0;
    for write in writes {
        let key = key(write);
        let name = format!("{} {}", key.partition, key.sort);
        if key.partition.is_empty() || key.sort.is_empty() {
            return refuse(format!("a key without text: {name:?}"));
        }
        if key.partition.len() > PARTITION_BYTES || key.sort.len() > SORT_BYTES {
            let start = &name[..name.floor_char_boundary(80)];
            return refuse(format!("the key is too long: {start:?}…"));
        }
        if !keys.insert(key) {
            return refuse(format!("two changes of one item: {name:?}"));
        }
        let bytes = size(write);
        if bytes > ITEM_BYTES {
            return refuse(format!(
                "{name:?} would have {bytes} bytes; an item may have {ITEM_BYTES}"
            ));
        }
        together += bytes;
    }
    if together > TRANSACTION_BYTES {
        return refuse(format!(
            "the changes would have {together} bytes; a transaction may have {TRANSACTION_BYTES}"
        ));
    }
    Ok(())
}

fn key(write: &Write) -> &Key {
    match write {
        Write::Put(item) => &item.key,
        Write::Claim { key, .. } | Write::Raise { key, .. } | Write::Delete { key } => key,
    }
}

fn refuse(why: String) -> Result<(), Refused> {
    Err(Refused::Unavailable(anyhow::anyhow!(why)))
}
