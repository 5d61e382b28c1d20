//! Whatever bytes are read, the answer is a verified beginning or an error that names a line. Failures print the seed, and
//! `proptest-regressions` keeps what they came down to.

use proptest::prelude::*;
use rave_core::{Error, Status};
use rave_ledger::{Ending, Event, Ledger, Repeat, verify};

/// A whole ledger of some lines.
fn written(lines: u64) -> Vec<u8> {
    let ledger = Ledger::default();
    for line in 0..lines {
        if line.is_multiple_of(2) {
            ledger.record(Event::Repeat(Repeat { session: 0, before: line }));
        } else {
            ledger.failed(
                "frame",
                Some(0),
                Some(line),
                &Error::new(Status::InferenceFailed, "\"x\"\n\u{7f}é"),
            );
        }
    }
    (0..ledger.lines())
        .flat_map(|seq| ledger.line(seq).unwrap().into_bytes().into_iter().chain([b'\n']))
        .collect()
}

/// What damage does to a file.
#[derive(Clone, Debug)]
enum Damage {
    Set(usize, u8),
    Remove(usize, usize),
    Insert(usize, Vec<u8>),
    Repeat(usize, usize),
}

fn damage() -> impl Strategy<Value = Damage> {
    let json = proptest::string::string_regex(r#"[{}\[\]",:0-9a-z\n\\]{1,12}"#).unwrap();
    prop_oneof![
        (any::<usize>(), any::<u8>()).prop_map(|(at, byte)| Damage::Set(at, byte)),
        (any::<usize>(), 1usize..400).prop_map(|(at, count)| Damage::Remove(at, count)),
        (any::<usize>(), json).prop_map(|(at, text)| Damage::Insert(at, text.into_bytes())),
        (any::<usize>(), 1usize..400).prop_map(|(at, count)| Damage::Repeat(at, count)),
    ]
}

impl Damage {
    fn apply(&self, bytes: &mut Vec<u8>) {
        let within = |at: usize| at % (bytes.len() + 1);
        match self {
            Damage::Set(at, byte) if !bytes.is_empty() => {
                let at = at % bytes.len();
                bytes[at] = *byte;
            }
            Damage::Set(..) => {}
            Damage::Remove(at, count) => {
                let at = within(*at);
                bytes.drain(at..bytes.len().min(at + count));
            }
            Damage::Insert(at, more) => {
                let at = within(*at);
                bytes.splice(at..at, more.iter().copied());
            }
            Damage::Repeat(at, count) => {
                let at = within(*at);
                let again: Vec<u8> = bytes[at..bytes.len().min(at + count)].to_vec();
                bytes.splice(at..at, again);
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    /// RV-LEDGER-1201, RV-LEDGER-1202, RV-LEDGER-1203
    #[test]
    fn damage_leaves_a_verified_beginning_of_what_was_written(
        lines in 0u64..6,
        damages in proptest::collection::vec(damage(), 1..4),
    ) {
        let whole = written(lines);
        let mut bytes = whole.clone();
        damages.iter().for_each(|damage| damage.apply(&mut bytes));
        let mut good = 0usize;
        let result = verify("x", &bytes[..], |_| {
            good += 1;
            Ok(())
        });
        // What was taken is, byte for byte, how the whole one begins.
        let taken: usize = bytes.split_inclusive(|&byte| byte == b'\n').take(good).map(<[u8]>::len).sum();
        prop_assert_eq!(&bytes[..taken], &whole[..taken.min(whole.len())]);
        match result {
            Err(error) => prop_assert!(error.to_string().contains(&format!("line {}: ", good + 1)), "{}", error),
            Ok(verified) => {
                let torn = if let Ending::Torn(torn) = verified.ending { torn } else { 0 };
                prop_assert_eq!(taken + torn, bytes.len());
            }
        }
    }

    /// RV-LEDGER-1201
    #[test]
    fn anything_else_is_no_ledger(bytes in proptest::collection::vec(any::<u8>(), 0..2000)) {
        match verify("x", &bytes[..], |_| Ok(())) {
            Err(error) => prop_assert_eq!(error.status(), Status::Untrusted),
            Ok(verified) => prop_assert!(verified.lines == 0 && matches!(verified.ending, Ending::Torn(_))),
        }
    }
}
