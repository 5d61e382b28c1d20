//! What RAVE is held against. None of these shares code with it.
//!
//! | module | oracle |
//! |---|---|
//! | [`h273`] | the equations of ITU-T H.273, in double precision |
//! | [`stated`] | the arithmetic that `rave_core::pixels` documents, in single precision, operation by operation |
//! | [`zimg`] | the library zimg, opened at run time |
//! | [`onnx`] | ONNX Runtime and the reference evaluator of ONNX, through Python, in a process |
//! | [`ffmpeg`] | FFmpeg's swscale and nearest-neighbour scaler, in a process |

pub(crate) mod ffmpeg;
pub(crate) mod h273;
pub(crate) mod onnx;
pub(crate) mod stated;
pub(crate) mod zimg;
