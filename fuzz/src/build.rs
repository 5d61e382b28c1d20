//! What a process that builds engines and the one that asks it say to each other.

// rave-tensorrt keeps the messages to itself: their file is taken in here, with what it finds around it there.
#[path = "../../crates/rave-tensorrt/src/build/message.rs"]
#[allow(dead_code, reason = "requests and replies come from either side")]
mod message;

use message::{Reply, Request};
use rave_tensorrt::{BatchRange, BuildOptions, Phase, Precision, Tried};

/// The message that `bytes` are the content of.
fn framed(bytes: &[u8]) -> Vec<u8> {
    [&(bytes.len() as u64).to_le_bytes(), bytes].concat()
}

fn read(stream: &[u8]) {
    if let Ok(Some(request)) = Request::read(&mut &stream[..]) {
        let mut again = Vec::new();
        request.write(&mut again).expect("memory takes it");
        assert_eq!(again, stream[..again.len()], "written again, it is the same");
    }
    if let Ok(Some(reply)) = Reply::read(&mut &stream[..]) {
        let mut again = Vec::new();
        reply.write(&mut again).expect("memory takes it");
        let second = Reply::read(&mut &again[..]).expect("it is whole").expect("it is ours");
        let mut third = Vec::new();
        second.write(&mut third).expect("memory takes it");
        assert_eq!(again, third, "written again, it is the same");
    }
}

pub(crate) fn run(bytes: &[u8]) {
    read(bytes);
    read(&framed(bytes));
}
