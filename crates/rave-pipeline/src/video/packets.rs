//! Packets of the streams that are copied, on their way beside the pictures.

use rave_core::Result;
use rave_ffmpeg::Packet;

/// How many packets a picture has room for before its list has to grow.
const ROOM: usize = 16;

/// Packets in order, in shells that are used again.
#[derive(Debug)]
pub(crate) struct Packets {
    shells: Vec<Packet>,
    used: usize,
}

impl Packets {
    pub(crate) fn new() -> Self {
        Packets { shells: Vec::with_capacity(ROOM), used: 0 }
    }

    /// Takes what is in `packet`, and leaves an empty shell there.
    pub(crate) fn push(&mut self, packet: &mut Packet) -> Result<()> {
        if self.used == self.shells.len() {
            self.shells.push(Packet::new()?);
        }
        std::mem::swap(&mut self.shells[self.used], packet);
        packet.clear();
        self.used += 1;
        Ok(())
    }

    pub(crate) fn clear(&mut self) {
        for packet in &mut self.shells[..self.used] {
            packet.clear();
        }
        self.used = 0;
    }

    pub(crate) fn as_slice(&self) -> &[Packet] {
        &self.shells[..self.used]
    }

    /// Takes over what `other` has after what is here.
    pub(crate) fn append(&mut self, other: &mut Packets) -> Result<()> {
        if self.used == 0 {
            std::mem::swap(self, other);
            return Ok(());
        }
        for index in 0..other.used {
            self.push(&mut other.shells[index])?;
        }
        other.used = 0;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filled(numbers: &[u8]) -> Packets {
        let mut packets = Packets::new();
        for &number in numbers {
            packets.push(&mut Packet::with_data(&[number]).unwrap()).unwrap();
        }
        packets
    }

    fn numbers(packets: &Packets) -> Vec<u8> {
        packets.as_slice().iter().map(|packet| packet.data()[0]).collect()
    }

    #[test]
    fn packets_keep_their_order_and_their_shells() {
        let (mut first, mut second) = (filled(&[1, 2]), filled(&[3, 4]));
        first.append(&mut second).unwrap();
        assert_eq!(numbers(&first), [1, 2, 3, 4]);
        assert!(second.as_slice().is_empty());
        let mut none = Packets::new();
        none.append(&mut first).unwrap();
        assert_eq!(numbers(&none), [1, 2, 3, 4]);
        none.clear();
        none.push(&mut Packet::with_data(&[5]).unwrap()).unwrap();
        assert_eq!(numbers(&none), [5]);
        assert_eq!(none.shells.len(), 4);
    }
}
