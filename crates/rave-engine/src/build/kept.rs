//! What the cache keeps for a model and a precision: its engine, or word that this overflows and which one is taken instead.
//! So an engine that overflows is built once, and never kept.

use rave_tensorrt::Precision;

/// What plans do not begin with.
const TAG: &str = "rave: an engine that overflows\n";

const PRECISIONS: [Precision; 5] =
    [Precision::Model, Precision::Fp32, Precision::Tf32, Precision::Fp16, Precision::Bf16];

/// The content of an entry.
#[derive(Debug, PartialEq)]
pub(super) enum Kept {
    /// A plan.
    Engine(Vec<u8>),
    /// The engine that was built gave so many numbers that are none, of so many; what is used in its place is built in
    /// another precision, and has an entry of its own.
    Overflows { elements: u64, of: u64, instead: Precision },
}

impl Kept {
    pub(super) fn into_bytes(self) -> Vec<u8> {
        match self {
            Kept::Engine(plan) => plan,
            Kept::Overflows { elements, of, instead } => {
                format!("{TAG}{elements}\n{of}\n{instead}\n").into_bytes()
            }
        }
    }

    /// What `bytes` are. What is no such word is an engine, which [`rave_tensorrt::Plan::check`] has the next look at.
    pub(super) fn read(bytes: Vec<u8>) -> Kept {
        match overflows(&bytes) {
            Some((elements, of, instead)) => Kept::Overflows { elements, of, instead },
            None => Kept::Engine(bytes),
        }
    }
}

fn overflows(bytes: &[u8]) -> Option<(u64, u64, Precision)> {
    let text = std::str::from_utf8(bytes.strip_prefix(TAG.as_bytes())?).ok()?;
    let mut lines = text.strip_suffix('\n')?.split('\n');
    let (elements, of, name) = (lines.next()?.parse().ok()?, lines.next()?.parse().ok()?, lines.next()?);
    let instead = PRECISIONS.into_iter().find(|precision| precision.to_string() == name)?;
    lines.next().is_none().then_some((elements, of, instead))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RV-ENG-1706
    #[test]
    fn what_is_kept_is_read_as_it_was_written() {
        for instead in PRECISIONS {
            let word = || Kept::Overflows { elements: 7, of: u64::MAX, instead };
            assert_eq!(Kept::read(word().into_bytes()), word());
        }
        for plan in
            [&b"vtrt and more"[..], b"", TAG.as_bytes(), b"rave: an engine that overflows\n1\n2\nfp8\n"]
        {
            assert_eq!(Kept::read(plan.to_vec()), Kept::Engine(plan.to_vec()));
            assert_eq!(Kept::Engine(plan.to_vec()).into_bytes(), plan);
        }
    }
}
