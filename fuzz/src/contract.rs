//! What the messages of rave-tensorrt find under this name there.

pub(crate) use rave_tensorrt::SizeRange;
