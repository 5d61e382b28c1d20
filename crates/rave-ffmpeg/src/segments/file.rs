//! The file of one piece.
//!
//! All numbers are little-endian. A head: the magic, time base, the reorder depth that the encoder says, its headers. Then
//! packets. Then the number of packets, the reorder depth that these have, and the SHA-256 of everything before it. Side
//! data of packets is not kept: what encoders of video put there describes how they coded.

use std::fs::File;
use std::io::{BufReader, BufWriter, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use rave_core::{Error, Result, Status};
use sha2::{Digest, Sha256};

use super::decoding_times::depth_of;
use crate::{Encoder, Packet, Rational};

const MAGIC: &[u8; 8] = b"RAVEseg2";
const PACKET: u8 = 1;
const END: u8 = 0;
/// No packet of video is larger: 512 MiB.
const MAX_BYTES: u32 = 1 << 29;
/// What the end of a file is: a number of packets, a depth, a hash.
const TAIL: i64 = 8 + 4 + 32;

/// A piece that is being written.
#[derive(Debug)]
pub struct SegmentWriter {
    path: PathBuf,
    /// Its name until it is complete.
    part: PathBuf,
    file: Hashed<BufWriter<File>>,
    /// When each packet is shown.
    shown: Vec<i64>,
}

impl SegmentWriter {
    /// Begins a piece of what `encoder`, which was opened for it, makes. A file of that name is replaced at the end.
    ///
    /// # Errors
    /// [`Status::FileNotFound`], [`Status::PermissionDenied`], [`Status::Io`].
    // RV-FF-1801
    pub fn create(path: impl Into<PathBuf>, encoder: &Encoder) -> Result<Self> {
        let path = path.into();
        let mut part = path.clone().into_os_string();
        part.push(".part");
        let part = PathBuf::from(part);
        let file = File::create(&part).map_err(|error| Error::io(&part, &error))?;
        let file = Hashed { inner: BufWriter::with_capacity(1 << 16, file), hash: Sha256::new() };
        let mut writer = SegmentWriter { path, part, file, shown: Vec::new() };
        let unit = encoder.time_base();
        let depth = u32::try_from(encoder.reorder_depth()).unwrap_or(u32::MAX);
        let headers = encoder.extradata();
        writer.put(MAGIC)?;
        writer.put(&unit.num.to_le_bytes())?;
        writer.put(&unit.den.to_le_bytes())?;
        writer.put(&depth.to_le_bytes())?;
        writer.put(&(headers.len() as u32).to_le_bytes())?;
        writer.put(headers)?;
        Ok(writer)
    }

    /// Adds a packet, in the order in which the encoder gives them.
    ///
    /// # Errors
    /// [`Status::InvalidParameter`] for a packet without a time of showing; [`Status::Io`].
    pub fn write(&mut self, packet: &Packet) -> Result<()> {
        let data = packet.data();
        let (Some(pts), true) = (packet.pts(), data.len() <= MAX_BYTES as usize) else {
            let found = format!("segment {}: a packet of {} bytes", self.path.display(), data.len());
            return Err(Error::new(Status::InvalidParameter, found)
                .expected("a time of showing, and at most 512 MiB"));
        };
        self.put(&[PACKET, u8::from(packet.is_key())])?;
        self.put(&pts.to_le_bytes())?;
        self.put(&packet.duration().to_le_bytes())?;
        self.put(&(data.len() as u32).to_le_bytes())?;
        self.put(data)?;
        self.shown.push(pts);
        Ok(())
    }

    /// Completes the piece: it is on the disk under its name when this returns.
    ///
    /// # Returns
    /// How many packets it has.
    ///
    /// # Errors
    /// [`Status::Io`]; nothing is left under its name then.
    // RV-FF-1801
    pub fn finish(mut self) -> Result<u64> {
        let packets = self.shown.len() as u64;
        let depth = u32::try_from(depth_of(&self.shown)).unwrap_or(u32::MAX);
        self.put(&[END])?;
        self.put(&packets.to_le_bytes())?;
        self.put(&depth.to_le_bytes())?;
        let digest = self.file.hash.finalize_reset();
        let failed = |error: std::io::Error| Error::io(&self.part, &error);
        self.file.inner.write_all(&digest).map_err(failed)?;
        self.file.inner.flush().map_err(failed)?;
        self.file.inner.get_ref().sync_all().map_err(failed)?;
        std::fs::rename(&self.part, &self.path).map_err(failed)?;
        sync_folder(&self.path)?;
        Ok(packets)
    }

    fn put(&mut self, bytes: &[u8]) -> Result<()> {
        self.file.write_all(bytes).map_err(|error| Error::io(&self.part, &error))
    }
}

/// A file's name is on the disk when its folder is.
fn sync_folder(path: &Path) -> Result<()> {
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    File::open(folder).and_then(|file| file.sync_all()).map_err(|error| Error::io(folder, &error))
}

/// A complete piece that is read.
#[derive(Debug)]
pub struct SegmentReader {
    path: PathBuf,
    file: Hashed<BufReader<File>>,
    time_base: Rational,
    said_depth: usize,
    found_depth: usize,
    extradata: Vec<u8>,
    packets: u64,
}

impl SegmentReader {
    /// Opens a piece.
    ///
    /// # Errors
    /// [`Status::FileNotFound`], [`Status::PermissionDenied`]; [`Status::Io`] for what is no piece.
    // RV-FF-1802
    pub fn open(path: impl Into<PathBuf>) -> Result<Self> {
        let path = path.into();
        let file = File::open(&path).map_err(|error| Error::io(&path, &error))?;
        let file = Hashed { inner: BufReader::with_capacity(1 << 16, file), hash: Sha256::new() };
        let mut reader = SegmentReader {
            path,
            file,
            time_base: Rational::new(0, 1),
            said_depth: 0,
            found_depth: 0,
            extradata: Vec::new(),
            packets: 0,
        };
        reader.found_depth = reader.depth_at_end()?;
        if reader.take::<8>()? != *MAGIC {
            return Err(reader.damaged("does not begin as one"));
        }
        let unit = Rational::new(i32::from_le_bytes(reader.take()?), i32::from_le_bytes(reader.take()?));
        reader.time_base = unit.known().ok_or_else(|| reader.damaged("has no time base"))?;
        reader.said_depth = u32::from_le_bytes(reader.take()?) as usize;
        reader.extradata = reader.take_bytes()?;
        Ok(reader)
    }

    /// The depth that is written behind the packets, which has to be known before they are read.
    fn depth_at_end(&mut self) -> Result<usize> {
        let (mut packets, mut depth) = ([0; 8], [0; 4]);
        let file = &mut self.file.inner;
        let mut read = || {
            file.seek(SeekFrom::End(-TAIL))?;
            file.read_exact(&mut packets)?;
            file.read_exact(&mut depth)?;
            file.rewind()
        };
        read().map_err(|error| match error.kind() {
            // Before its beginning.
            std::io::ErrorKind::InvalidInput => self.damaged("ends early"),
            _ => Error::io(&self.path, &error),
        })?;
        let (packets, depth) = (u64::from_le_bytes(packets), u32::from_le_bytes(depth));
        // Who reads looks ahead as far as this says: what it says is checked with the rest, once all of it was read.
        if u64::from(depth) >= packets.max(1) {
            return Err(self.damaged("says that packets are reordered as none can be"));
        }
        Ok(depth as usize)
    }

    /// The unit of its times.
    #[must_use]
    pub fn time_base(&self) -> Rational {
        self.time_base
    }

    /// By how many frames decoding runs ahead of showing: as its encoder says, or by more where its packets do.
    #[must_use]
    pub fn reorder_depth(&self) -> usize {
        self.said_depth.max(self.found_depth)
    }

    /// What its encoder says of that.
    pub(super) fn said_depth(&self) -> usize {
        self.said_depth
    }

    /// The encoder's headers.
    #[must_use]
    pub fn extradata(&self) -> &[u8] {
        &self.extradata
    }

    /// Fills `packet` with the next packet, which has no time of decoding.
    ///
    /// # Returns
    /// False after the last one.
    ///
    /// # Errors
    /// [`Status::Io`] where the file ends early, or is not what was written.
    // RV-FF-1802
    pub fn read(&mut self, packet: &mut Packet) -> Result<bool> {
        packet.clear();
        match self.take::<1>()?[0] {
            PACKET => {}
            END => return self.check_end().map(|()| false),
            _ => return Err(self.damaged("has something else in place of a packet")),
        }
        let key = self.take::<1>()?[0] != 0;
        let pts = i64::from_le_bytes(self.take()?);
        let duration = i64::from_le_bytes(self.take()?);
        let data = self.take_bytes()?;
        packet.set_data(&data)?;
        packet.set_times(Some(pts), None, duration, self.time_base);
        packet.set_key(key);
        self.packets += 1;
        Ok(true)
    }

    /// Reads all of it, to know that it is whole.
    ///
    /// # Returns
    /// How many packets it has.
    ///
    /// # Errors
    /// As [`SegmentReader::read`].
    pub fn verify(mut self) -> Result<u64> {
        let mut packet = Packet::new()?;
        while self.read(&mut packet)? {}
        Ok(self.packets)
    }

    fn check_end(&mut self) -> Result<()> {
        let packets = u64::from_le_bytes(self.take()?);
        let depth = u32::from_le_bytes(self.take()?) as usize;
        let found: [u8; 32] = self.file.hash.finalize_reset().into();
        let written = self.take::<32>()?;
        if packets == self.packets && depth == self.found_depth && found == written {
            Ok(())
        } else {
            Err(self.damaged("is not what was written"))
        }
    }

    fn take<const N: usize>(&mut self) -> Result<[u8; N]> {
        let mut bytes = [0; N];
        self.fill(&mut bytes)?;
        Ok(bytes)
    }

    fn take_bytes(&mut self) -> Result<Vec<u8>> {
        let size = u32::from_le_bytes(self.take()?);
        if size > MAX_BYTES {
            return Err(self.damaged("says that a packet is larger than any"));
        }
        let mut bytes = vec![0; size as usize];
        self.fill(&mut bytes)?;
        Ok(bytes)
    }

    fn fill(&mut self, bytes: &mut [u8]) -> Result<()> {
        self.file.read_exact(bytes).map_err(|error| match error.kind() {
            std::io::ErrorKind::UnexpectedEof => self.damaged("ends early"),
            _ => Error::io(&self.path, &error),
        })
    }

    pub(super) fn damaged(&self, how: &str) -> Error {
        Error::new(Status::Io, format!("segment {} {how}", self.path.display())).help("encode it anew")
    }
}

/// What is written or read, and its hash.
#[derive(Debug)]
struct Hashed<T> {
    inner: T,
    hash: Sha256,
}

impl<T: Write> Hashed<T> {
    fn write_all(&mut self, bytes: &[u8]) -> std::io::Result<()> {
        self.hash.update(bytes);
        self.inner.write_all(bytes)
    }
}

impl<T: Read> Hashed<T> {
    fn read_exact(&mut self, bytes: &mut [u8]) -> std::io::Result<()> {
        self.inner.read_exact(bytes)?;
        self.hash.update(bytes);
        Ok(())
    }
}
