//! Packets: encoded pictures, sound, subtitles.

use std::ptr::NonNull;

use rave_core::Result;

use crate::Rational;
use crate::error::{check, out_of_memory};
use crate::sys::{self, timestamp, timestamp_code};

/// One packet, or an empty shell for one. Filling it lets go of what it held.
#[derive(Debug)]
pub struct Packet(NonNull<sys::AVPacket>);

// SAFETY: a packet is owned by its Packet alone, and what it shares with others is counted atomically.
unsafe impl Send for Packet {}

impl Packet {
    /// An empty packet.
    ///
    /// # Errors
    /// [`Status::OutOfMemory`](rave_core::Status::OutOfMemory).
    pub fn new() -> Result<Self> {
        // SAFETY: has no preconditions.
        let packet = unsafe { sys::av_packet_alloc() };
        NonNull::new(packet).map(Packet).ok_or_else(|| out_of_memory("packet"))
    }

    /// A packet with a copy of `data`, without timestamps.
    ///
    /// # Errors
    /// [`Status::OutOfMemory`](rave_core::Status::OutOfMemory).
    pub fn with_data(data: &[u8]) -> Result<Self> {
        let mut packet = Packet::new()?;
        packet.set_data(data)?;
        Ok(packet)
    }

    /// Replaces everything that it held by a copy of `data`.
    ///
    /// # Errors
    /// [`Status::OutOfMemory`](rave_core::Status::OutOfMemory).
    pub fn set_data(&mut self, data: &[u8]) -> Result<()> {
        self.clear();
        let size = i32::try_from(data.len()).map_err(|_| out_of_memory("packet"))?;
        // SAFETY: the packet is blank, as it has to be.
        check(unsafe { sys::av_new_packet(self.as_mut_ptr(), size) }, || "packet".to_owned())?;
        // SAFETY: av_new_packet made room for just as many bytes, which nobody else knows.
        unsafe { std::ptr::copy_nonoverlapping(data.as_ptr(), (*self.as_mut_ptr()).data, data.len()) };
        Ok(())
    }

    /// The index of its stream in the input that it was read from.
    #[must_use]
    pub fn stream(&self) -> usize {
        self.get().stream_index.max(0) as usize
    }

    /// When it is shown, in units of [`Packet::time_base`].
    #[must_use]
    pub fn pts(&self) -> Option<i64> {
        timestamp(self.get().pts)
    }

    /// When it is decoded, in units of [`Packet::time_base`].
    #[must_use]
    pub fn dts(&self) -> Option<i64> {
        timestamp(self.get().dts)
    }

    /// For how long it is shown, in units of [`Packet::time_base`]; 0 where that is unknown.
    #[must_use]
    pub fn duration(&self) -> i64 {
        self.get().duration
    }

    /// The unit of its times: that of the stream that it was read from, or of the encoder that made it.
    #[must_use]
    pub fn time_base(&self) -> Rational {
        self.get().time_base.into()
    }

    /// Sets all its times.
    pub fn set_times(&mut self, pts: Option<i64>, dts: Option<i64>, duration: i64, time_base: Rational) {
        let packet = self.get_mut();
        packet.pts = timestamp_code(pts);
        packet.dts = timestamp_code(dts);
        packet.duration = duration;
        packet.time_base = time_base.into();
    }

    /// Moves it by `ticks` of [`Packet::time_base`].
    pub fn shift(&mut self, ticks: i64) {
        let (pts, dts) = (self.pts(), self.dts());
        let packet = self.get_mut();
        packet.pts = timestamp_code(pts.map(|time| time.saturating_add(ticks)));
        packet.dts = timestamp_code(dts.map(|time| time.saturating_add(ticks)));
    }

    /// Whether decoding can start with it.
    #[must_use]
    pub fn is_key(&self) -> bool {
        self.get().flags & sys::AV_PKT_FLAG_KEY != 0
    }

    /// Says whether decoding can start with it.
    pub fn set_key(&mut self, key: bool) {
        let flags = &mut self.get_mut().flags;
        *flags = if key { *flags | sys::AV_PKT_FLAG_KEY } else { *flags & !sys::AV_PKT_FLAG_KEY };
    }

    /// Whether what it was read from says that it is damaged.
    #[must_use]
    pub fn is_corrupt(&self) -> bool {
        self.get().flags & sys::AV_PKT_FLAG_CORRUPT != 0
    }

    /// Its bytes.
    #[must_use]
    pub fn data(&self) -> &[u8] {
        let packet = self.get();
        if packet.data.is_null() || packet.size <= 0 {
            return &[];
        }
        // SAFETY: data is valid for size bytes while the packet holds its reference, and nobody writes to it.
        unsafe { std::slice::from_raw_parts(packet.data, packet.size as usize) }
    }

    /// Lets go of what it holds.
    pub fn clear(&mut self) {
        // SAFETY: the packet is ours.
        unsafe { sys::av_packet_unref(self.as_mut_ptr()) };
    }

    /// Becomes another reference to what `other` holds.
    ///
    /// # Errors
    /// [`Status::OutOfMemory`](rave_core::Status::OutOfMemory).
    pub fn refer_to(&mut self, other: &Packet) -> Result<()> {
        self.clear();
        // SAFETY: this one is blank, the other is valid.
        check(unsafe { sys::av_packet_ref(self.as_mut_ptr(), other.as_ptr()) }, || "packet".to_owned())
            .map(drop)
    }

    pub(crate) fn as_ptr(&self) -> *const sys::AVPacket {
        self.0.as_ptr()
    }

    pub(crate) fn as_mut_ptr(&mut self) -> *mut sys::AVPacket {
        self.0.as_ptr()
    }

    fn get(&self) -> &sys::AVPacket {
        // SAFETY: allocated by av_packet_alloc, owned by self, and written through &mut self alone.
        unsafe { self.0.as_ref() }
    }

    fn get_mut(&mut self) -> &mut sys::AVPacket {
        // SAFETY: as in `get`, and self is borrowed for writing.
        unsafe { self.0.as_mut() }
    }
}

impl Drop for Packet {
    fn drop(&mut self) {
        let mut packet = self.0.as_ptr();
        // SAFETY: it is ours, and is not used after this.
        unsafe { sys::av_packet_free(&mut packet) };
    }
}
