//! How a file is.

use std::fmt;

use super::sidecar::{Hash, Sidecar, symbols};

/// What a scrub found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Health {
    /// Symbols of the file that are damaged or missing, counted from 0.
    pub damaged: Vec<usize>,
    /// Repair symbols that are damaged.
    pub damaged_repair: Vec<usize>,
    /// Symbols that the file has, and repair symbols.
    pub symbols: (usize, usize),
    /// Bytes of a symbol.
    pub symbol_bytes: usize,
    /// The file's length, where it is another than it was.
    pub length: Option<(u64, u64)>,
    /// Whether the whole file is what the sidecar was made of.
    pub whole: bool,
}

impl Health {
    /// Of a file's bytes; `None` is a file that is not there.
    // RV-CONF-1205
    pub(super) fn of(sidecar: &Sidecar, bytes: Option<&[u8]>) -> Self {
        let bytes = bytes.unwrap_or_default();
        let there: Vec<Hash> = symbols(bytes, sidecar.symbol_bytes).map(|symbol| Hash::of(&symbol)).collect();
        let damaged = (0..sidecar.source.len()).filter(|&at| there.get(at) != sidecar.source.get(at));
        let broken = sidecar.repair.iter().enumerate();
        let broken = broken.filter(|(_, symbol)| symbol.data(sidecar.symbol_bytes).is_none());
        let length = bytes.len() as u64;
        Health {
            damaged: damaged.collect(),
            damaged_repair: broken.map(|(index, _)| index).collect(),
            symbols: (sidecar.source.len(), sidecar.repair.len()),
            symbol_bytes: sidecar.symbol_bytes,
            length: (length != sidecar.bytes).then_some((length, sidecar.bytes)),
            whole: Hash::of(bytes) == sidecar.sha256,
        }
    }

    /// Whether file and sidecar are as they were made.
    #[must_use]
    pub fn is_good(&self) -> bool {
        self.whole && self.damaged.is_empty() && self.damaged_repair.is_empty() && self.length.is_none()
    }

    /// Whether what is left is as much as the file has. That is enough but for one time in a hundred or so, with two symbols
    /// more but for one in a million (RFC 6330, section 1).
    #[must_use]
    pub fn is_repairable(&self) -> bool {
        self.damaged.len() + self.damaged_repair.len() <= self.symbols.1
    }
}

impl fmt::Display for Health {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        /// Numbers that are written out; a file that is lost has too many.
        const SHOWN: usize = 8;
        let list = |numbers: &[usize]| {
            let mut words: Vec<String> = numbers.iter().take(SHOWN).map(ToString::to_string).collect();
            if numbers.len() > SHOWN {
                words.push(format!("and {} more", numbers.len() - SHOWN));
            }
            words.join(", ")
        };
        if self.is_good() {
            return write!(f, "good, {} symbols and {} for repair", self.symbols.0, self.symbols.1);
        }
        let mut parts = Vec::new();
        if let Some((found, expected)) = self.length {
            parts.push(format!("{found} bytes, not {expected}"));
        }
        if !self.damaged.is_empty() {
            let (count, bytes) = (self.symbols.0, self.symbol_bytes);
            parts.push(format!("damaged symbols {} of {count}, {bytes} bytes each", list(&self.damaged)));
        }
        if !self.damaged_repair.is_empty() {
            parts.push(format!("damaged repair symbols {}", list(&self.damaged_repair)));
        }
        if parts.is_empty() {
            parts.push("the symbols are good, the whole is not".into());
        }
        let outlook = if self.is_repairable() { "can be repaired" } else { "cannot be repaired" };
        write!(f, "{}; {outlook}", parts.join("; "))
    }
}
