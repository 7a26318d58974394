//! Where an object or array ends, by its brackets outside strings.

use fearless_simd::{Simd, prelude::*, u8x64};

/// The place of the bracket that closes the one at `begin`, taken to be structural; `None` where
/// the text ends before.
#[inline(always)]
pub(super) fn end_of<S: Simd>(simd: S, text: &[u8], begin: usize) -> Option<usize> {
    let all = |byte| u8x64::splat(simd, byte);
    let (quote, backslash) = (all(b'"'), all(b'\\'));
    let (open, close, lower) = (all(b'{'), all(b'}'), all(0x20));
    let mut depth: u32 = 0;
    let mut in_string = 0_u64;
    let mut escaped = 0_u64;
    let mut at = begin;
    let mut last = [b' '; 64];
    while at < text.len() {
        let block = match text.get(at..at + 64) {
            Some(block) => block,
            None => {
                let rest = &text[at..];
                last[..rest.len()].copy_from_slice(rest);
                &last
            }
        };
        let bytes = u8x64::from_slice(simd, block);
        let folded = bytes | lower;
        let mut quotes = bytes.simd_eq(quote).to_bitmask();
        let backslashes = bytes.simd_eq(backslash).to_bitmask();
        if backslashes | escaped != 0 {
            quotes &= !escaped_bytes(backslashes, &mut escaped);
        }
        let strings = prefix_xor(quotes) ^ in_string;
        in_string = (strings as i64 >> 63) as u64;
        let opens = folded.simd_eq(open).to_bitmask() & !strings;
        let closes = folded.simd_eq(close).to_bitmask() & !strings;
        if closes.count_ones() < depth {
            depth = depth + opens.count_ones() - closes.count_ones();
        } else {
            let mut brackets = opens | closes;
            while brackets != 0 {
                let bit = brackets & brackets.wrapping_neg();
                if opens & bit != 0 {
                    depth += 1;
                } else if depth <= 1 {
                    return Some(at + bit.trailing_zeros() as usize);
                } else {
                    depth -= 1;
                }
                brackets ^= bit;
            }
        }
        at += 64;
    }
    None
}

/// The place of the bracket that closes the array at `begin`, which must be structural, where that
/// is easy to tell; else `None`.
///
/// It is the first `]` of all and comes after a `}`, with no `[` and no backslash between, and with
/// an even number of quotes: so it is outside strings, and no other array was opened or closed.
#[inline(always)]
pub(super) fn end_of_plain_array<S: Simd>(simd: S, text: &[u8], begin: usize) -> Option<usize> {
    /// Longer arrays are walked.
    const LONGEST: usize = 8 * 64;
    let all = |byte| u8x64::splat(simd, byte);
    let (quote, backslash) = (all(b'"'), all(b'\\'));
    let (open, close) = (all(b'['), all(b']'));
    let rest = text.get(begin + 1..text.len().min(begin + 1 + LONGEST))?;
    let mut quotes = 0;
    for (nth, block) in rest.as_chunks::<64>().0.iter().enumerate() {
        let bytes = u8x64::from_slice(simd, block);
        let ends = bytes.simd_eq(close).to_bitmask();
        let odd = (bytes.simd_eq(backslash) | bytes.simd_eq(open)).to_bitmask();
        // The bits below the first end, or all.
        let before = (ends & ends.wrapping_neg()).wrapping_sub(1);
        if odd & before != 0 {
            return None;
        }
        quotes += (bytes.simd_eq(quote).to_bitmask() & before).count_ones();
        if ends != 0 {
            let end = begin + 1 + nth * 64 + ends.trailing_zeros() as usize;
            return (quotes % 2 == 0 && text[end - 1] == b'}').then_some(end);
        }
    }
    None
}

/// The bytes that a backslash escapes; `carry` is 1 where the first of the next block is one.
#[inline(always)]
fn escaped_bytes(backslashes: u64, carry: &mut u64) -> u64 {
    // A run of backslashes escapes every second byte; adding at the run's start finds its parity.
    const ODD: u64 = 0xaaaa_aaaa_aaaa_aaaa;
    let starts = backslashes & !*carry;
    let runs = ((starts << 1 | ODD).wrapping_sub(starts)) ^ ODD;
    let escaped = runs ^ (backslashes | *carry);
    *carry = (runs & backslashes) >> 63;
    escaped
}

/// Bit n is the parity of bits 0 to n.
#[inline(always)]
fn prefix_xor(mut bits: u64) -> u64 {
    for shift in [1, 2, 4, 8, 16, 32] {
        bits ^= bits << shift;
    }
    bits
}

#[cfg(test)]
mod tests {
    use fearless_simd::{Level, dispatch};
    use proptest::prelude::*;

    use super::*;

    /// Byte by byte, as a reference.
    fn simple(text: &[u8]) -> Option<usize> {
        let (mut depth, mut in_string, mut escaped) = (0_u32, false, false);
        for (at, byte) in text.iter().enumerate() {
            if std::mem::take(&mut escaped) {
                continue;
            }
            match byte {
                b'\\' => escaped = true,
                b'"' => in_string = !in_string,
                b'{' | b'[' if !in_string => depth += 1,
                b'}' | b']' if !in_string => {
                    if depth <= 1 {
                        return Some(at);
                    }
                    depth -= 1;
                }
                _ => {}
            }
        }
        None
    }

    proptest! {
        #[test]
        fn agrees_with_the_reference(
            text in r#"[\[{]([\[\]{},a]|"([a-z\[\]{}]|\\\\|\\"){0,70}"){0,200}"#,
        ) {
            for level in [Level::new(), Level::baseline()] {
                let found = dispatch!(level, simd => end_of(simd, text.as_bytes(), 0));
                prop_assert_eq!(found, simple(text.as_bytes()));
            }
        }
    }
}
