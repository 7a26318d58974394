//! Gzip, whole or in pieces.
//!
//! Knows the gzip format (RFC 1952) as far as it takes to tell one member from several. Must not
//! know what the text is.

use std::io::{self, BufRead, Read};

use flate2::bufread::GzDecoder;
use libdeflater::{DecompressionError, Decompressor};

/// The first bytes of every gzip member: the magic number and the only method there is.
const MAGIC: [u8; 3] = [0x1f, 0x8b, 8];
/// Deflate cannot make more of a byte than this (<https://www.zlib.net/zlib_tech.html>).
const LARGEST_RATIO: usize = 1032;

/// Whether bytes begin like a gzip file.
pub fn is_gzip(bytes: &[u8]) -> bool {
    bytes.starts_with(&MAGIC)
}

/// Why a file could not be inflated in one go.
#[derive(Debug, PartialEq, Eq)]
pub enum NotWhole {
    /// It may have several members: inflate it in pieces.
    Members,
    /// It does not fit: inflate it in pieces.
    TooLarge,
    /// It is damaged; in pieces, what is readable of it can be told from the rest.
    Damaged,
}

/// Inflates a file of one member into a buffer that is reused; returns the length of the text.
///
/// The check sum is verified. `limit` is the largest text that the buffer may grow to hold.
pub fn whole(
    decompressor: &mut Decompressor,
    gzip: &[u8],
    text: &mut Vec<u8>,
    limit: usize,
) -> Result<usize, NotWhole> {
    let Some(trailer) = gzip.last_chunk::<4>() else { return Err(NotWhole::Damaged) };
    // libdeflate stops after the first member without a word, so a second one must be ruled out.
    let another = |at: usize| gzip.get(at + 3).is_some_and(|flags| flags & 0xe0 == 0);
    if memchr::memmem::find_iter(&gzip[1..], &MAGIC).any(|at| another(at + 1)) {
        return Err(NotWhole::Members);
    }
    let most = limit.min(gzip.len().saturating_mul(LARGEST_RATIO));
    // The length at the end is the text's, modulo 2^32, and whatever an attacker wrote there.
    let said = u32::from_le_bytes(*trailer) as usize;
    let mut size = said.clamp(1, most.max(1));
    loop {
        if text.len() < size {
            text.resize(size, 0);
        }
        match decompressor.gzip_decompress(gzip, text) {
            // Bytes after the member, which libdeflate ignores.
            Ok(length) if length != said => return Err(NotWhole::Members),
            Ok(length) => return Ok(length),
            Err(DecompressionError::BadData) => return Err(NotWhole::Damaged),
            Err(DecompressionError::InsufficientSpace) if text.len() < most => {
                size = text.len().saturating_mul(2).min(most);
            }
            Err(DecompressionError::InsufficientSpace) => return Err(NotWhole::TooLarge),
        }
    }
}

/// How a file that was inflated in pieces ended.
#[derive(Debug)]
pub enum End {
    /// Well.
    Complete,
    /// The file ends too early; what came before is sound.
    Truncated,
    /// Bytes that are no gzip follow the last member; what came before is sound.
    Garbage,
    /// There is more text than the limit; what came before was inflated, not verified.
    Limit,
    /// A check sum or the compressed data is wrong: nothing that came before can be trusted.
    Corrupt,
    /// The file could not be read.
    Unreadable(io::Error),
}

/// Inflates all members in pieces.
pub fn in_pieces(mut gzip: impl BufRead, limit: u64, mut take: impl FnMut(&[u8])) -> End {
    let mut piece = vec![0; 1 << 20];
    let mut length = 0_u64;
    loop {
        let mut member = GzDecoder::new(&mut gzip);
        loop {
            match member.read(&mut piece) {
                Ok(0) => break,
                Ok(read) => {
                    let room = usize::try_from(limit - length).unwrap_or(usize::MAX);
                    take(&piece[..read.min(room)]);
                    if read > room {
                        return End::Limit;
                    }
                    length += read as u64;
                }
                Err(err) => {
                    return match err.kind() {
                        io::ErrorKind::UnexpectedEof => End::Truncated,
                        io::ErrorKind::InvalidInput | io::ErrorKind::InvalidData => End::Corrupt,
                        _ => End::Unreadable(err),
                    };
                }
            }
        }
        match next_member(&mut gzip) {
            Ok(None) => return End::Complete,
            Ok(Some(true)) => {}
            Ok(Some(false)) => return End::Garbage,
            Err(err) => return End::Unreadable(err),
        }
    }
}

/// Whether what follows is another member; `None` at the end, where zero bytes pad some files.
fn next_member(gzip: &mut impl BufRead) -> io::Result<Option<bool>> {
    loop {
        let bytes = gzip.fill_buf()?;
        match bytes.iter().position(|byte| *byte != 0) {
            None if bytes.is_empty() => return Ok(None),
            None => {
                let padding = bytes.len();
                gzip.consume(padding);
            }
            Some(0) => return Ok(Some(bytes[0] == MAGIC[0])),
            Some(_) => return Ok(Some(false)),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use flate2::{Compression, write::GzEncoder};

    use super::*;

    fn gzip(text: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(text).unwrap();
        encoder.finish().unwrap()
    }

    fn inflate_whole(gzip: &[u8], limit: usize) -> Result<Vec<u8>, NotWhole> {
        let mut text = Vec::new();
        let length = whole(&mut Decompressor::new(), gzip, &mut text, limit)?;
        text.truncate(length);
        Ok(text)
    }

    fn inflate_in_pieces(gzip: &[u8], limit: u64) -> (Vec<u8>, End) {
        let mut text = Vec::new();
        let end = in_pieces(gzip, limit, |piece| text.extend_from_slice(piece));
        (text, end)
    }

    #[test]
    fn one_member_comes_whole() {
        let file = gzip(b"hello");
        assert_eq!(inflate_whole(&file, 100).unwrap(), b"hello");
        assert_eq!(inflate_whole(&file, 4), Err(NotWhole::TooLarge));
        assert_eq!(inflate_whole(&file[..file.len() - 3], 100), Err(NotWhole::Damaged));
        assert_eq!(inflate_whole(&gzip(b""), 100).unwrap(), b"");
    }

    #[test]
    fn two_members_are_never_taken_for_one() {
        for second in [&b"hello"[..], b"world", b""] {
            let file = [gzip(b"hello"), gzip(second)].concat();
            assert_eq!(inflate_whole(&file, 100), Err(NotWhole::Members));
            let (text, end) = inflate_in_pieces(&file, 100);
            assert_eq!(text, [b"hello", second].concat());
            assert!(matches!(end, End::Complete), "{end:?}");
        }
    }

    #[test]
    fn a_lying_length_is_only_a_hint() {
        let text = vec![b'x'; 100_000];
        let mut file = gzip(&text);
        let length = file.len();
        file[length - 4..].copy_from_slice(&u32::MAX.to_le_bytes());
        assert_eq!(inflate_whole(&file, 1 << 20), Err(NotWhole::Damaged));
    }

    #[test]
    fn each_kind_of_damage_is_told_apart() {
        let file = gzip(&b"hello ".repeat(1000));
        let end = |file: &[u8], limit| inflate_in_pieces(file, limit).1;
        assert!(matches!(end(&file[..file.len() / 2], 10_000), End::Truncated));
        assert!(matches!(end(&file, 5_999), End::Limit));
        assert!(matches!(end(&file, 6_000), End::Complete));
        assert!(matches!(end(&[&file[..], b"\0\0\0"].concat(), 10_000), End::Complete));
        assert!(matches!(end(&[&file[..], b"junk"].concat(), 10_000), End::Garbage));
        let mut wrong = file.clone();
        let check_sum = wrong.len() - 8;
        wrong[check_sum] ^= 1;
        assert!(matches!(end(&wrong, 10_000), End::Corrupt));
        assert_eq!(inflate_in_pieces(&file, 5_999).0.len(), 5_999);
    }
}
