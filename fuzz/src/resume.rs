//! What an unfinished run left of itself.

// rave-pipeline, which links FFmpeg, keeps it to itself: its file is taken in here.
#[path = "../../crates/rave-pipeline/src/resume/fingerprint.rs"]
#[allow(dead_code, reason = "only what reads is of use here")]
mod fingerprint;

use fingerprint::Fingerprint;

pub(crate) fn run(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let Some(print) = Fingerprint::read(&text) else { return };
    assert_eq!(Fingerprint::read(&print.to_string()).as_ref(), Some(&print), "written again, it is the same");
    print.check(&print, "x.rave-unfinished".as_ref()).expect("it is of the same run");
}
