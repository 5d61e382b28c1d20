//! The public items of the crates that programs are written against are those that docs/api lists.

mod listing;
mod rustdoc;

use std::fs;

use listing::{Listing, differences};
use rave_tests::root;

/// The crates that programs are written against: the facade, and what it re-exports of.
const CRATES: [&str; 7] =
    ["rave", "rave-core", "rave-engine", "rave-ffmpeg", "rave-ledger", "rave-nvcodec", "rave-pipeline"];

/// With RAVE_BLESS=1 the listings are written; then, as always, they are checked.
///
/// RV-TEST-1107
#[test]
fn public_items_are_those_that_are_listed() {
    let Some(documented) = rustdoc::documented(&CRATES) else { return };
    let bless = std::env::var_os("RAVE_BLESS").is_some_and(|value| value == "1");
    assert!(!bless || std::env::var_os("CI").is_none(), "CI checks the listings and never writes them");
    let mut found = Vec::new();
    for (name, json) in CRATES.iter().zip(documented) {
        let is = Listing::of(&json);
        let path = root().join(format!("docs/api/{name}.txt"));
        if bless {
            fs::write(&path, is.to_string()).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        }
        let listed = Listing::read(&fs::read_to_string(&path).unwrap_or_default());
        found
            .extend(differences(&listed, &is).into_iter().map(|line| format!("docs/api/{name}.txt: {line}")));
    }
    assert!(
        found.is_empty(),
        "the public API is not what is listed:\n{}\n\
         An item that is gone or has changed breaks programs: if that is meant, CHANGELOG.md says so. Then run \
         scripts/bless.sh api, and commit what it renews.",
        found.join("\n")
    );
}
