//! The two looks at a text of records: what is of interest in it, and who used the keys in question.
//!
//! Each tries the fast path first and reads the text again with the general reader where that
//! refuses it; both give the same answer. Must not know files or threads.

use std::collections::{BTreeMap, BTreeSet};

use fearless_simd::Level;

use crate::access_key::{self, KeyKind};
use crate::document::{self, Content};
use crate::failure::{self, Failure};
use crate::find::{self, Found, KeyIds, KeyIndex, NotCanonical, Wanted};
use crate::finding::Read;
use crate::key_change::{self, KeyChange, Mint};
use crate::key_use::KeyUse;
use crate::record::Record;
use crate::scan::Owner;
use crate::split::{Broken, Piece, Splitter};

/// What the first look at one file gives.
#[derive(Debug, Default)]
pub struct FirstLook {
    /// The file's share of the accounting.
    pub read: Read,
    /// Failures that the records show.
    pub failures: Vec<Failure>,
    /// Key changes that the records show.
    pub key_changes: Vec<KeyChange>,
    /// Sessions minted by long-term keys; the second look brings those that matter for certain.
    pub mints: Vec<Mint>,
    /// Long-term keys seen in use, with their owners.
    pub owners: BTreeSet<(String, Owner)>,
    /// Fingerprints of the keys that the second look may find in use here, in any order and more
    /// than once.
    pub keys: Vec<u32>,
    /// Failures that client logs among the records report.
    pub reports: Vec<Failure>,
    /// Why records could not be read, and how many.
    pub problems: BTreeMap<String, u64>,
}

/// What first looks of one run share.
#[derive(Debug, Default)]
pub struct Scratch {
    /// The keys whose owner has been taken.
    owned: KeyIndex,
    /// The keys of the text at hand.
    keys: KeyIndex,
}

impl FirstLook {
    /// Takes a whole text.
    pub fn take_text(&mut self, text: &[u8], level: Level, scratch: &mut Scratch) {
        self.read.bytes += text.len() as u64;
        let mut fast = FirstLook::default();
        let Scratch { owned, keys } = scratch;
        let take = |found: &Found<'_>| fast.take_found(found, owned);
        let looked = find::records(text, Wanted::FirstLook(keys), level, take);
        // Drained in any case: what was seen before a refusal is seen again.
        let keys = keys.drain();
        match looked {
            Ok(count) => {
                self.keys.extend(keys);
                let untouched = count - fast.read.seen;
                fast.read.seen += untouched;
                fast.read.other += untouched;
                self.merge(fast);
            }
            Err(NotCanonical) => {
                drop(keys);
                let mut splitter = Splitter::default();
                splitter.push(text, &mut |piece| self.take_piece(&piece));
                splitter.finish(&mut |piece| self.take_piece(&piece));
            }
        }
    }

    /// Takes what the general reader gives; the caller counts the bytes.
    pub fn take_piece(&mut self, piece: &Piece<'_>) {
        let json = match piece {
            Piece::Document(json) => json,
            Piece::Broken(why) => return self.skip(Broken::describe(*why).to_owned()),
        };
        let records = match document::content(json) {
            Content::Records(records) => records,
            Content::Log { lines, failures, records } => {
                self.read.lines += lines;
                self.reports.extend(failures);
                records
            }
        };
        for record in records {
            match record {
                Ok(record) => self.take(&record),
                Err(reason) => self.skip(reason),
            }
        }
    }

    /// Takes what one record shows.
    pub fn take(&mut self, record: &Record) {
        if let Some(refusal) = failure::refusal(record) {
            self.take_owner(record);
            match failure::recorded(record, &refusal) {
                Some(failure) => {
                    self.read.seen += 1;
                    self.read.failures += 1;
                    self.failures.push(failure);
                }
                None => self.skip("a failure without a valid eventID or eventTime".to_owned()),
            }
            return;
        }
        if key_change::is_incomplete(record) {
            return self.skip("a key change without a valid eventID or eventTime".to_owned());
        }
        self.read.seen += 1;
        if let Some(change) = key_change::key_change(record) {
            self.read.key_changes += 1;
            self.key_changes.push(change);
        } else {
            self.read.other += 1;
        }
        self.mints.extend(minted_by_long_term_key(record));
        if let Some(id) = record.access_key_id() {
            self.keys.push(find::fingerprint(id.as_bytes()));
            self.take_owner(record);
        }
    }

    /// Counts something that could not be read.
    pub fn skip(&mut self, reason: String) {
        self.read.seen += 1;
        self.read.skipped += 1;
        *self.problems.entry(reason).or_default() += 1;
    }

    fn take_found(&mut self, found: &Found<'_>, owned: &mut KeyIndex) -> Result<(), NotCanonical> {
        let parse = || Record::parse(found.json).map_err(|_| NotCanonical);
        if found.new_keys.is_empty() {
            self.take(&parse()?);
        } else if found.new_keys.iter().fold(false, |new, id| owned.insert(id) | new) {
            self.take_owner(&parse()?);
        }
        Ok(())
    }

    fn take_owner(&mut self, record: &Record) {
        let key = record.access_key_id().filter(|id| is_long_term(id));
        if let (Some(key), Some(name)) = (key, record.user_identity.user_name.as_deref()) {
            let owner = (record.account().map(str::to_owned), name.to_owned());
            self.owners.insert((key.to_owned(), owner));
        }
    }

    fn merge(&mut self, other: FirstLook) {
        self.read.merge(&other.read);
        self.failures.extend(other.failures);
        self.key_changes.extend(other.key_changes);
        self.mints.extend(other.mints);
        self.owners.extend(other.owners);
        self.keys.extend(other.keys);
        self.reports.extend(other.reports);
        for (reason, count) in other.problems {
            *self.problems.entry(reason).or_default() += count;
        }
    }
}

/// What the second look at one file gives.
#[derive(Debug, Default)]
pub struct SecondLook {
    /// Successful uses of the keys in question.
    pub uses: Vec<KeyUse>,
    /// Sessions minted with them.
    pub mints: Vec<Mint>,
}

impl SecondLook {
    /// Takes a whole text.
    pub fn take_text(&mut self, text: &[u8], keys: &KeyIds, level: Level) {
        let mut fast = SecondLook::default();
        let looked = find::records(text, Wanted::UsesOf(keys), level, |found| {
            fast.take(&Record::parse(found.json).map_err(|_| NotCanonical)?, keys);
            Ok(())
        });
        match looked {
            Ok(_) => {
                self.uses.extend(fast.uses);
                self.mints.extend(fast.mints);
            }
            Err(NotCanonical) => {
                let mut splitter = Splitter::default();
                splitter.push(text, &mut |piece| self.take_piece(&piece, keys));
            }
        }
    }

    /// Takes what the general reader gives; what is broken has been said by the first look.
    pub fn take_piece(&mut self, piece: &Piece<'_>, keys: &KeyIds) {
        let Piece::Document(json) = piece else { return };
        let (Content::Records(records) | Content::Log { records, .. }) = document::content(json);
        records.iter().flatten().for_each(|record| self.take(record, keys));
    }

    fn take(&mut self, record: &Record, keys: &KeyIds) {
        if record.access_key_id().is_some_and(|id| keys.contains(id.as_bytes())) {
            self.uses.extend(KeyUse::of(record));
            self.mints.extend(minted_by_long_term_key(record));
        }
    }
}

fn is_long_term(access_key_id: &str) -> bool {
    access_key::kind(access_key_id) == Some(KeyKind::LongTerm)
}

fn minted_by_long_term_key(record: &Record) -> Option<Mint> {
    key_change::mint(record).filter(|mint| is_long_term(&mint.parent_access_key_id))
}
