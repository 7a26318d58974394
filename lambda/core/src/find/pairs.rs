//! Which pairs of bytes may matter, and where in a block such pairs begin.
//!
//! Knows bytes only: what a pair means is for `find` to tell. It may find more pairs than asked
//! for, never fewer.

use fearless_simd::{Simd, prelude::*, u8x64};

/// The pairs of bytes that may matter, all rare ones: a brace where an object in an array can
/// begin, `rC` (`errorCode`), `sK` (`accessKeyId`, `…AccessKey`), `eU` (`DeleteUser`), `dK`
/// (`…CompromisedKeyQuarantine`) and `\u`. Each has a bit of its own.
pub(super) const PAIRS: [(&[u8], u8); 7] = [
    (b"[,", b'{'),
    (b" \t\n\r", b'{'),
    (b"r", b'C'),
    (b"s", b'K'),
    (b"d", b'K'),
    (b"e", b'U'),
    (b"\\", b'u'),
];

/// For each half byte, the pairs that have it in a place: the lower and upper half of the first
/// byte, the lower and upper half of the second. A pair of bytes that has a bit in all four is one
/// of [`PAIRS`] or, seldom, looks like one.
pub(super) const HALVES: [[u8; 16]; 4] = {
    let mut halves = [[0; 16]; 4];
    let mut pair = 0;
    while pair < PAIRS.len() {
        let (firsts, second) = PAIRS[pair];
        let bit = 1 << pair;
        let mut at = 0;
        while at < firsts.len() {
            halves[0][(firsts[at] & 15) as usize] |= bit;
            halves[1][(firsts[at] >> 4) as usize] |= bit;
            at += 1;
        }
        halves[2][(second & 15) as usize] |= bit;
        halves[3][(second >> 4) as usize] |= bit;
        pair += 1;
    }
    halves
};

/// Where in a block pairs begin that may matter; `next` is the block one byte further.
#[inline(always)]
pub(super) fn pairs<S: Simd>(simd: S, tables: &[u8x64<S>; 4], these: &[u8], next: &[u8]) -> u64 {
    let low = u8x64::splat(simd, 15);
    let these = u8x64::from_slice(simd, these);
    let next = u8x64::from_slice(simd, next);
    let pairs = tables[0].swizzle_dyn_within_blocks(these & low)
        & tables[1].swizzle_dyn_within_blocks((these >> 4) & low)
        & tables[2].swizzle_dyn_within_blocks(next & low)
        & tables[3].swizzle_dyn_within_blocks((next >> 4) & low);
    !pairs.simd_eq(u8x64::splat(simd, 0)).to_bitmask()
}
