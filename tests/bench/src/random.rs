//! Reproducible random numbers and the kinds of random text that AWS identifiers are made of.
//!
//! Knows alphabets and lengths. Must not know what an identifier is used for.

const BASE32: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
const BASE64: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
const HEX: &[u8] = b"0123456789abcdef";

/// SplitMix64: a few lines, any seed is good, and the same numbers on every machine.
#[derive(Clone)]
pub struct Random(u64);

impl Random {
    /// A stream of its own for each part of the corpus, so that no part depends on another's order.
    pub fn new(seed: u64, part: u64) -> Random {
        let mut random = Random(seed ^ part.wrapping_mul(0xd134_2543_de82_ef95));
        random.draw();
        random
    }

    pub fn draw(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number from zero up to, not including, the limit.
    pub fn below(&mut self, limit: u64) -> u64 {
        ((u128::from(self.draw()) * u128::from(limit)) >> 64) as u64
    }

    pub fn index(&mut self, length: usize) -> usize {
        self.below(length as u64) as usize
    }

    pub fn between(&mut self, low: i64, high: i64) -> i64 {
        low + self.below((high - low).max(1) as u64) as i64
    }

    pub fn per_million(&mut self, share: u64) -> bool {
        self.below(1_000_000) < share
    }

    pub fn percent(&mut self, share: u64) -> bool {
        self.below(100) < share
    }

    pub fn pick<T: Copy>(&mut self, of: &[T]) -> T {
        of[self.index(of.len())]
    }

    pub fn choose<'a, T>(&mut self, of: &'a [T]) -> &'a T {
        &of[self.index(of.len())]
    }

    /// Picks near the front more often, as real traffic prefers few callers.
    pub fn pick_skewed<'a, T>(&mut self, of: &'a [T]) -> &'a T {
        let first = self.index(of.len());
        let second = self.index(of.len());
        &of[first.min(second)]
    }

    fn text(&mut self, alphabet: &[u8], length: usize) -> String {
        (0..length).map(|_| char::from(self.pick(alphabet))).collect()
    }

    pub fn hex(&mut self, length: usize) -> String {
        self.text(HEX, length)
    }

    /// One of so many things of a kind, always with the same 16 digits: a fleet is finite.
    pub fn known(&mut self, kind: &str, count: u64) -> String {
        let number = self.below(count) + (kind.len() as u64) * 0x1_0000;
        format!("{kind}-0{:016x}", Random(number).draw())
    }

    pub fn base32(&mut self, length: usize) -> String {
        self.text(BASE32, length)
    }

    pub fn base64(&mut self, length: usize) -> String {
        self.text(BASE64, length)
    }

    pub fn alphanumeric(&mut self, length: usize) -> String {
        self.text(&BASE64[..62], length)
    }

    pub fn uuid(&mut self) -> String {
        let (a, b) = (self.draw(), self.draw());
        format!(
            "{:08x}-{:04x}-4{:03x}-{:04x}-{:012x}",
            a >> 32,
            (a >> 16) & 0xffff,
            a & 0xfff,
            0x8000 | (b >> 50),
            b & 0xffff_ffff_ffff
        )
    }

    /// An address from the three ranges that are reserved for documentation.
    pub fn address(&mut self) -> String {
        let range = self.pick(&["192.0.2", "198.51.100", "203.0.113"]);
        format!("{range}.{}", 1 + self.below(254))
    }

    /// An access key ID in the form of AWS's documentation; it is nobody's.
    pub fn access_key_id(&mut self, prefix: &str) -> String {
        format!("{prefix}{}EXAMPLE", self.base32(9))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_seeds_give_equal_streams_and_parts_differ() {
        let first = |seed, part| Random::new(seed, part).draw();
        assert_eq!(first(1, 2), first(1, 2));
        assert_ne!(first(1, 2), first(1, 3));
        assert_ne!(first(1, 2), first(2, 2));
    }

    #[test]
    fn identifiers_have_their_length() {
        let mut random = Random::new(1, 1);
        assert_eq!(random.uuid().len(), 36);
        assert_eq!(random.access_key_id("AKIA").len(), 20);
    }
}
