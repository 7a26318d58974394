//! The three checksums of Amazon S3 that are cyclic redundancy checks
//! (<https://docs.aws.amazon.com/AmazonS3/latest/userguide/checking-object-integrity-upload.html>),
//! under the names by which the AWS SDK asks for them.
//!
//! The crate of this name from the registry chooses among forty checksums at run time, and so brings
//! the tables of all: 640 kB that do not compress, a sixth of the package of the functions. The sums
//! themselves come from `crc` and `crc32fast`. Must not grow beyond what the SDK calls: where an
//! update calls for more, that does not compile.

use crc::{CRC_32_ISCSI, CRC_64_NVME, Crc, Table};

/// Seldom met, so a small table.
static CRC32C: Crc<u32, Table<1>> = Crc::<u32, Table<1>>::new(&CRC_32_ISCSI);
/// What S3 gives to an object whose uploader chose none.
static CRC64_NVME: Crc<u64, Table<16>> = Crc::<u64, Table<16>>::new(&CRC_64_NVME);

/// A checksum by its name in the catalogue of cyclic redundancy checks.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum CrcAlgorithm {
    /// CRC-32/ISCSI; for S3, CRC32C.
    Crc32Iscsi,
    /// CRC-32/ISO-HDLC; for S3, CRC32.
    Crc32IsoHdlc,
    /// CRC-64/NVME.
    Crc64Nvme,
}

#[derive(Clone)]
enum State {
    Iscsi(crc::Digest<'static, u32, Table<1>>),
    IsoHdlc(crc32fast::Hasher),
    Nvme(crc::Digest<'static, u64, Table<16>>),
}

/// A checksum over data that comes in pieces.
#[derive(Clone)]
pub struct Digest(State);

impl Digest {
    /// The checksum of nothing so far.
    pub fn new(algorithm: CrcAlgorithm) -> Digest {
        Digest(match algorithm {
            CrcAlgorithm::Crc32Iscsi => State::Iscsi(CRC32C.digest()),
            CrcAlgorithm::Crc32IsoHdlc => State::IsoHdlc(crc32fast::Hasher::new()),
            CrcAlgorithm::Crc64Nvme => State::Nvme(CRC64_NVME.digest()),
        })
    }

    /// Takes the next piece.
    pub fn update(&mut self, data: &[u8]) {
        match &mut self.0 {
            State::Iscsi(digest) => digest.update(data),
            State::IsoHdlc(hasher) => hasher.update(data),
            State::Nvme(digest) => digest.update(data),
        }
    }

    /// The checksum of all pieces; one of 32 bits is in the lower half.
    pub fn finalize(&self) -> u64 {
        match self.clone().0 {
            State::Iscsi(digest) => digest.finalize().into(),
            State::IsoHdlc(hasher) => hasher.finalize().into(),
            State::Nvme(digest) => digest.finalize(),
        }
    }
}

impl std::fmt::Debug for Digest {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Digest({:#x})", self.finalize())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The check values of <https://reveng.sourceforge.io/crc-catalogue/all.htm>: of "123456789".
    #[test]
    fn sums_are_those_of_the_catalogue_however_the_data_comes() {
        for (algorithm, expected) in [
            (CrcAlgorithm::Crc32Iscsi, 0xe306_9283),
            (CrcAlgorithm::Crc32IsoHdlc, 0xcbf4_3926),
            (CrcAlgorithm::Crc64Nvme, 0xae8b_1486_0a79_9888),
        ] {
            for cut in 0..=9 {
                let mut digest = Digest::new(algorithm);
                digest.update(&b"123456789"[..cut]);
                digest.update(&b"123456789"[cut..]);
                assert_eq!(digest.finalize(), expected, "{algorithm:?}, cut at {cut}");
            }
        }
    }
}
