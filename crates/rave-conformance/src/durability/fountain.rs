//! RaptorQ (RFC 6330), one source block without sub-blocks, by the crate raptorq.
//!
//! The crate panics on what does not fit together. Callers have checked all that is handed in here; should it panic all
//! the same, that is caught and means that nothing was repaired.

use raptorq::{Decoder, Encoder, EncodingPacket, ObjectTransmissionInformation, PayloadId};

use super::sidecar::ALIGNMENT;

/// K'_max of RFC 6330, section 5.1.2.
pub(super) const MAX_SOURCE_SYMBOLS: usize = 56403;

fn one_block(bytes: usize, symbol_bytes: usize) -> ObjectTransmissionInformation {
    ObjectTransmissionInformation::new(bytes as u64, symbol_bytes as u16, 1, 1, ALIGNMENT as u8)
}

/// The first `count` repair symbols of `bytes`, which are not none.
pub(super) fn repair_symbols(bytes: &[u8], symbol_bytes: usize, count: usize) -> Vec<Vec<u8>> {
    let encoder = Encoder::new(bytes, one_block(bytes.len(), symbol_bytes));
    let packets = encoder.get_block_encoders()[0].repair_packets(0, count as u32);
    packets.into_iter().map(|packet| packet.data().to_vec()).collect()
}

/// The file of `bytes` bytes and `source` symbols, out of `symbols`: pairs of a symbol's number, repair symbols after
/// those of the file, and its data. `None` where that is not enough.
pub(super) fn decode(
    bytes: usize,
    symbol_bytes: usize,
    source: usize,
    symbols: Vec<(usize, Vec<u8>)>,
) -> Option<Vec<u8>> {
    if symbols.len() < source || source > MAX_SOURCE_SYMBOLS {
        return None;
    }
    if symbols.iter().any(|(_, data)| data.len() != symbol_bytes) {
        return None;
    }
    let decoding = std::panic::catch_unwind(|| {
        let mut decoder = Decoder::new(one_block(bytes, symbol_bytes));
        symbols.into_iter().find_map(|(number, data)| {
            decoder.decode(EncodingPacket::new(PayloadId::new(0, number as u32), data))
        })
    });
    decoding.ok().flatten().filter(|decoded| decoded.len() == bytes)
}
