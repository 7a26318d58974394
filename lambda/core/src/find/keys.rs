//! Sets of access key IDs: those that are looked for, and those that a file may hold.

use std::collections::HashSet;
use std::hash::{BuildHasherDefault, Hasher};
use std::num::NonZeroU32;

/// A set of access key IDs.
#[derive(Debug, Clone, Default)]
pub struct KeyIds(HashSet<Vec<u8>>);

impl KeyIds {
    /// Whether an ID is in the set.
    pub fn contains(&self, id: &[u8]) -> bool {
        self.0.contains(id)
    }

    /// Whether the set is empty.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl<'a> FromIterator<&'a str> for KeyIds {
    fn from_iter<I: IntoIterator<Item = &'a str>>(ids: I) -> KeyIds {
        KeyIds(ids.into_iter().map(|id| id.as_bytes().to_vec()).collect())
    }
}

/// Access key IDs that have been seen: four bytes an ID, never a false "no".
#[derive(Debug, Clone, Default)]
pub struct KeyIndex {
    prints: HashSet<u32, BuildHasherDefault<Ready>>,
    /// The last fingerprint at each of a few places: most IDs come again soon.
    recent: Vec<Option<NonZeroU32>>,
}

/// How many recent fingerprints are remembered; they fit into the fastest cache.
const RECENT: usize = 2048;

impl KeyIndex {
    /// Notes an ID; true where it was not noted before.
    #[inline(always)]
    pub fn insert(&mut self, id: &[u8]) -> bool {
        let print = fingerprint(id);
        match self.recent.get_mut(print as usize % RECENT) {
            Some(recent) if recent.is_some_and(|recent| recent.get() == print) => return false,
            Some(recent) => *recent = NonZeroU32::new(print),
            None => self.recent = vec![None; RECENT],
        }
        self.prints.insert(print)
    }

    /// Takes out the fingerprints and leaves the memory for the next file.
    pub fn drain(&mut self) -> impl Iterator<Item = u32> {
        self.recent.fill(None);
        self.prints.drain()
    }
}

/// The fingerprint under which an ID is indexed.
pub fn fingerprint(id: &[u8]) -> u32 {
    const MULTIPLIER: u64 = 0x9e37_79b9_7f4a_7c15;
    let mix = |hash: u64, word: u64| (hash ^ word).wrapping_mul(MULTIPLIER).rotate_left(29);
    let (words, rest) = id.as_chunks::<8>();
    let hash =
        words.iter().fold(id.len() as u64, |hash, word| mix(hash, u64::from_le_bytes(*word)));
    let rest = rest.iter().fold(0, |word, byte| word << 8 | u64::from(*byte));
    (mix(hash, rest).wrapping_mul(MULTIPLIER) >> 32) as u32
}

/// Fingerprints are hashes already.
#[derive(Debug, Clone, Default)]
struct Ready(u64);

impl Hasher for Ready {
    fn finish(&self) -> u64 {
        self.0
    }
    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = self.0 << 8 | u64::from(*byte);
        }
    }
    fn write_u32(&mut self, value: u32) {
        // The table takes its tag from the upper bits and its place from the lower ones.
        self.0 = u64::from(value) << 32 | u64::from(value);
    }
}
