//! The fast path: finds the few records of interest in the bytes of one trail file.
//!
//! A canonical trail file is compact JSON, `{"Records":[{"eventVersion":"…` to `}]}`, each record
//! beginning with its version. In such a file this module counts the records and hands over those
//! that hold bytes of interest, without parsing the others. It decides nothing else: what a record
//! means is decided by parsing it. Anything that is not canonical is refused as a whole
//! ([`NotCanonical`]), and the caller reads the file with `split`, so that the answer never depends
//! on this module. Text that is not JSON at all is not noticed in records that are not handed over.
//!
//! # Why the count is exact
//!
//! Write *opener* for the bytes `},{"eventVersion":"` (for the first record `[{"eventVersion":"` at
//! the start of the file). In valid JSON the brace of an opener is structural: within a string the
//! quote after it would end the string, and no string may be followed by `eventVersion`. So an
//! opener is an array element after another element that is an object; call that one its elder.
//!
//! Let an opener follow an opener that is an element of `Records`. If the elder is the record of
//! the earlier opener, the later one is an element of `Records`, too. The elder cannot begin before
//! the earlier opener, because it would have to contain it, and an element of `Records` is
//! contained in nothing but `Records` and the file's object. So the only other possibility is an
//! elder that begins between the two. Like every object in an array, it begins with a brace whose
//! preceding byte is not a colon. Each such brace is looked at: either it provably begins an array
//! that ends before the next opener, or the object that would begin there is walked and must not
//! end where the elder ends. The end of the file is treated as one more opener. By induction every
//! opener that is counted is an element of `Records`, and no element is missed, because an element
//! that is no opener would be the elder of the next one.

use fearless_simd::{Level, Simd, dispatch, prelude::*, u8x64};

use crate::failure;

mod keys;
mod pairs;
#[cfg(test)]
mod tests;
mod walk;

pub use keys::{KeyIds, KeyIndex, fingerprint};
use pairs::{HALVES, PAIRS, pairs};

/// The bytes before the first record of a canonical file.
const HEAD: &[u8; 12] = b"{\"Records\":[";
/// The beginning of every record.
const OPENING: &[u8; 17] = b"{\"eventVersion\":\"";
/// The longest text between quotes that is looked at.
const LONGEST: usize = 128;

/// The file is not in the form that this module reads; `split` reads every form.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NotCanonical;

/// Which records are wanted.
#[derive(Debug)]
pub enum Wanted<'a> {
    /// Those that may show a failure or a key change, and the first with each long-term key. The
    /// key IDs in the others are noted in the index.
    FirstLook(&'a mut KeyIndex),
    /// Those that hold one of these access key IDs as a value of `accessKeyId`.
    UsesOf(&'a KeyIds),
}

/// A record of a canonical file.
#[derive(Debug)]
pub struct Found<'a> {
    /// The record's text.
    pub json: &'a [u8],
    /// The long-term keys for which the record was handed over; none where it is wanted for
    /// itself.
    pub new_keys: &'a [&'a [u8]],
}

/// Counts the records of a canonical file and hands over those that are wanted. What was handed
/// over before [`NotCanonical`] must be forgotten.
pub fn records(
    text: &[u8],
    wanted: Wanted<'_>,
    level: Level,
    mut visit: impl FnMut(&Found<'_>) -> Result<(), NotCanonical>,
) -> Result<u64, NotCanonical> {
    let text = text.trim_ascii_end();
    if text == b"{\"Records\":[]}" {
        return Ok(0);
    }
    let end = text.len().saturating_sub(2);
    if !text.starts_with(HEAD)
        || text.get(HEAD.len()..HEAD.len() + OPENING.len()) != Some(OPENING)
        || text.get(end..) != Some(b"]}")
        || text.get(end - 1) != Some(&b'}')
    {
        return Err(NotCanonical);
    }
    let mut finder = Finder {
        text,
        first: matches!(wanted, Wanted::FirstLook(_)),
        sought: wanted,
        start: HEAD.len(),
        inert_until: HEAD.len() + OPENING.len(),
        count: 0,
        wanted: false,
        keys: Vec::new(),
        walked: 0,
        ends: Vec::new(),
    };
    dispatch!(level, simd => sweep(simd, text, &mut finder, &mut visit))?;
    finder.close(end + 1, &mut visit)?;
    Ok(finder.count)
}

/// What is known while the file is read from front to back.
struct Finder<'a, 'k> {
    text: &'a [u8],
    sought: Wanted<'k>,
    /// Whether this is the first look.
    first: bool,
    /// Where the current record begins.
    start: usize,
    /// Bytes before this need no look: an array inside a record, proved to be one.
    inert_until: usize,
    /// Records before the current one.
    count: u64,
    wanted: bool,
    keys: Vec<&'a [u8]>,
    /// How many bytes have been walked.
    walked: usize,
    /// Where objects end that might be elders of the next opener.
    ends: Vec<usize>,
}

/// How many blocks are searched before what was found in them is looked at.
const BLOCKS: usize = 128;

/// Looks at each pair of bytes that may matter, in order.
///
/// Searching and looking alternate chunk by chunk: a branch per block would be mispredicted at
/// every pair, which costs more than the search.
#[inline(always)]
fn sweep<S: Simd>(
    simd: S,
    text: &[u8],
    finder: &mut Finder<'_, '_>,
    visit: &mut impl FnMut(&Found<'_>) -> Result<(), NotCanonical>,
) -> Result<(), NotCanonical> {
    let table = |halves: &[u8; 16]| {
        let mut four = [0; 64];
        four.chunks_exact_mut(16).for_each(|part| part.copy_from_slice(halves));
        u8x64::from_slice(simd, &four)
    };
    let tables = HALVES.each_ref().map(table);
    let mut found = [(0, 0); BLOCKS];
    let mut at = 0;
    while at + 64 < text.len() {
        let chunk = &text[at..text.len().min(at + BLOCKS * 64 + 1)];
        let blocks = (chunk.len() - 1) / 64;
        let mut count = 0;
        for block in 0..blocks {
            let begin = block * 64;
            let bits =
                pairs(simd, &tables, &chunk[begin..begin + 64], &chunk[begin + 1..begin + 65]);
            // Written always and kept where it is not zero.
            found[count % BLOCKS] = (begin, bits);
            count += usize::from(bits != 0);
        }
        for (begin, bits) in &found[..count] {
            let mut bits = *bits;
            while bits != 0 {
                finder.look(simd, at + begin + bits.trailing_zeros() as usize, visit)?;
                bits &= bits - 1;
            }
        }
        at += blocks * 64;
    }
    for at in at..text.len().saturating_sub(1) {
        if PAIRS
            .iter()
            .any(|(firsts, second)| firsts.contains(&text[at]) && *second == text[at + 1])
        {
            finder.look(simd, at, visit)?;
        }
    }
    Ok(())
}

impl<'a> Finder<'a, '_> {
    /// Looks at the pair of bytes at a place.
    #[inline(always)]
    fn look<S: Simd>(
        &mut self,
        simd: S,
        at: usize,
        visit: &mut impl FnMut(&Found<'_>) -> Result<(), NotCanonical>,
    ) -> Result<(), NotCanonical> {
        if at < self.inert_until {
            return Ok(());
        }
        // In the order of how often they come.
        let byte = self.text[at + 1];
        if byte == b'{' {
            return self.brace(simd, at + 1, visit);
        }
        if byte == b'K' {
            self.key(at);
        } else if byte == b'u' {
            self.wanted |= self.hides_text(at);
        } else if byte == b'C' && self.first {
            self.error_code(at);
        } else if byte == b'U' && self.first {
            self.wanted |= self.around(at, 6, b"\"DeleteUser\"");
        }
        Ok(())
    }

    /// Whether the text that begins so many bytes before a place is the given one.
    #[inline(always)]
    fn around<const N: usize>(&self, at: usize, before: usize, expected: &[u8; N]) -> bool {
        let text = at.checked_sub(before).and_then(|from| self.text.get(from..));
        text.and_then(|text| text.first_chunk::<N>()) == Some(expected)
    }

    /// A brace that does not follow a colon.
    #[inline(always)]
    fn brace<S: Simd>(
        &mut self,
        simd: S,
        at: usize,
        visit: &mut impl FnMut(&Found<'_>) -> Result<(), NotCanonical>,
    ) -> Result<(), NotCanonical> {
        if self.around(at, 0, OPENING) && self.around(at, 2, b"},") {
            self.close(at, visit)?;
            self.start = at;
            self.inert_until = at + OPENING.len();
            return Ok(());
        }
        self.other_brace(simd, at)
    }

    /// A brace that might begin the elder of the next opener.
    #[inline(always)]
    fn other_brace<S: Simd>(&mut self, simd: S, at: usize) -> Result<(), NotCanonical> {
        // Structure goes before an object in an array, and a key or its own end after its brace.
        let before = self.text[at - 1];
        let after = self.text.get(at + 1).copied().unwrap_or(b' ');
        let white = |byte: u8| matches!(byte, b' ' | b'\t' | b'\n' | b'\r');
        if !(matches!(before, b'[' | b',') || white(before))
            || !(matches!(after, b'"' | b'}') || white(after))
        {
            return Ok(());
        }
        // A quote after a letter or digit ends a string, so what follows it is structure.
        let array = self.around(at, 3, b"\":[") && self.text[at - 4].is_ascii_alphanumeric();
        if array && let Some(end) = walk::end_of_plain_array(simd, self.text, at - 1) {
            self.inert_until = end + 1;
            return Ok(());
        }
        let begin = if array { at - 1 } else { at };
        let end = walk::end_of(simd, self.text, begin).ok_or(NotCanonical)?;
        self.walked += end - begin;
        // Walks begun inside strings may be long and overlap.
        if self.walked > 2 * self.text.len() {
            return Err(NotCanonical);
        }
        if array {
            self.inert_until = end + 1;
        } else {
            self.ends.push(end);
        }
        Ok(())
    }

    /// Ends the current record before the opener at a place.
    #[inline(always)]
    fn close(
        &mut self,
        opener: usize,
        visit: &mut impl FnMut(&Found<'_>) -> Result<(), NotCanonical>,
    ) -> Result<(), NotCanonical> {
        // An array that ends behind the elder is none of this record's.
        if self.inert_until > opener - 2 || self.ends.contains(&(opener - 2)) {
            return Err(NotCanonical);
        }
        self.ends.clear();
        self.count += 1;
        if self.wanted {
            self.wanted = false;
            self.keys.clear();
        } else if let Wanted::FirstLook(index) = &mut self.sought {
            let mut new = 0;
            for at in 0..self.keys.len() {
                let id = self.keys[at];
                if index.insert(id) && id.starts_with(b"AKIA") {
                    self.keys[new] = id;
                    new += 1;
                }
            }
            self.keys.truncate(new);
            if new == 0 {
                return Ok(());
            }
        } else {
            return Ok(());
        }
        let json = self.text.get(self.start..opener - 1).ok_or(NotCanonical)?;
        visit(&Found { json, new_keys: &self.keys })?;
        self.keys.clear();
        Ok(())
    }

    /// `rC`: wanted where `errorCode` has a value of the code table, or one that is hard to tell.
    fn error_code(&mut self, at: usize) {
        if !self.around(at, 5, b"\"errorCode\"") {
            return;
        }
        self.wanted |= match self.value(at + 6) {
            Value::Text(code) => failure::in_table(code).is_some(),
            Value::None => false,
            Value::Odd => true,
        };
    }

    /// `sK` or `dK`: an access key ID, the name of a key-life call, or a quarantine policy.
    #[inline(always)]
    fn key(&mut self, at: usize) {
        if self.around(at, 6, b"\"accessKeyId\"") {
            match self.value(at + 7) {
                Value::Text(id) => {
                    match &self.sought {
                        Wanted::FirstLook(_) => self.keys.push(id),
                        Wanted::UsesOf(keys) => self.wanted |= keys.contains(id),
                    };
                }
                Value::None => {}
                Value::Odd => self.wanted = true,
            }
        } else if self.first {
            self.wanted |= (self.around(at, 5, b"AccessKey\"")
                && [b"\"Create", b"\"Update", b"\"Delete"]
                    .iter()
                    .any(|verb| self.around(at, 12, verb)))
                || self.around(at, 0, b"dKeyQuarantine");
        }
    }

    /// The string value of a key whose closing quote is before a place.
    #[inline(always)]
    fn value(&self, at: usize) -> Value<'a> {
        let Some(rest) = self.text.get(at..) else { return Value::Odd };
        match rest {
            [b':', b'"', rest @ ..] => {
                let rest = &rest[..rest.len().min(LONGEST + 1)];
                match memchr::memchr2(b'"', b'\\', rest) {
                    Some(end) if rest[end] == b'"' => Value::Text(&rest[..end]),
                    _ => Value::Odd,
                }
            }
            [b':', b'n', ..] => Value::None,
            _ => Value::Odd,
        }
    }

    /// Whether `\uXXXX` spells a character that keys, codes, names or IDs are made of.
    fn hides_text(&self, at: usize) -> bool {
        let Some(digits) = self.text.get(at + 2..at + 6) else { return false };
        let Ok(digits) = std::str::from_utf8(digits) else { return false };
        u8::from_str_radix(digits, 16)
            .is_ok_and(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_'))
    }
}

/// The value of a key, as far as it can be told without parsing.
enum Value<'a> {
    /// A string without escapes.
    Text(&'a [u8]),
    /// `null`.
    None,
    /// Anything else: parse the record.
    Odd,
}
