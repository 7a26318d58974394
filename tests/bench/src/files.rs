//! Gzip files on disk: writing them, finding them, and inflating them into a reused buffer.
//!
//! Knows gzip's framing. Must not know what is inside.

use std::fs;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use libdeflater::{CompressionLvl, Compressor, DecompressionError, Decompressor};

/// More than DEFLATE's best ratio cannot be; a size beyond that is a lie.
const MOST_PER_BYTE: usize = 1_032;

/// Compresses the parts as members of one gzip file.
pub fn compress(json: &[u8], cuts: &[usize]) -> io::Result<Vec<u8>> {
    let level = CompressionLvl::new(6).map_err(|_| io::Error::other("no such level"))?;
    let mut compressor = Compressor::new(level);
    let mut gzip = Vec::new();
    let mut begin = 0;
    for &end in cuts.iter().chain([&json.len()]) {
        let part = &json[begin..end];
        let at = gzip.len();
        gzip.resize(at + compressor.gzip_compress_bound(part.len()), 0);
        let size = compressor.gzip_compress(part, &mut gzip[at..]).map_err(io::Error::other)?;
        gzip.truncate(at + size);
        begin = end;
    }
    Ok(gzip)
}

/// All `.gz` files below the folders, in the order of their names.
pub fn find(folders: &[PathBuf]) -> io::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    let mut open = folders.to_vec();
    while let Some(folder) = open.pop() {
        for entry in fs::read_dir(&folder)? {
            let entry = entry?;
            let path = entry.path();
            if entry.file_type()?.is_dir() {
                open.push(path);
            } else if path.extension().is_some_and(|extension| extension == "gz") {
                found.push(path);
            }
        }
    }
    found.sort();
    Ok(found)
}

/// One thread's buffers: a fresh one for each file costs a tenth of the speed in page faults.
pub struct Inflater {
    decompressor: Decompressor,
    gzip: Vec<u8>,
    json: Vec<u8>,
}

impl Default for Inflater {
    fn default() -> Inflater {
        Inflater { decompressor: Decompressor::new(), gzip: Vec::new(), json: Vec::new() }
    }
}

impl Inflater {
    /// The inflated bytes of a file, all members of it.
    pub fn inflate(&mut self, path: &Path) -> io::Result<&[u8]> {
        self.gzip.clear();
        fs::File::open(path)?.read_to_end(&mut self.gzip)?;
        let Some(trailer) = self.gzip.last_chunk::<4>() else {
            return Err(io::Error::other("too short for gzip"));
        };
        let size = u32::from_le_bytes(*trailer) as usize;
        let most = self.gzip.len().saturating_mul(MOST_PER_BYTE);
        if self.json.len() < size.min(most) {
            self.json.resize(size, 0);
        }
        match self.decompressor.gzip_decompress(&self.gzip, &mut self.json) {
            // libdeflate stops after the first member; its size is at the end only if it is the last.
            Ok(inflated) if inflated == size => Ok(&self.json[..size]),
            Ok(_) | Err(DecompressionError::InsufficientSpace) => self.inflate_members(),
            Err(error) => Err(io::Error::other(error)),
        }
    }

    fn inflate_members(&mut self) -> io::Result<&[u8]> {
        self.json.clear();
        flate2::read::MultiGzDecoder::new(self.gzip.as_slice()).read_to_end(&mut self.json)?;
        Ok(&self.json)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_back_one_and_many_members() {
        let json: Vec<u8> = (0..100_000u32).flat_map(|n| n.to_string().into_bytes()).collect();
        let path = std::env::temp_dir().join(format!("bench-files-{}.gz", std::process::id()));
        for cuts in [&[][..], &[1, 70_000], &[50, 60, json.len()]] {
            fs::write(&path, compress(&json, cuts).expect("compressed")).expect("written");
            let mut inflater = Inflater::default();
            assert!(inflater.inflate(&path).expect("inflated") == json);
        }
        fs::remove_file(&path).expect("removed");
    }
}
