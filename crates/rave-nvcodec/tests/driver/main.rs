//! What RAVE makes of the driver's answers, against stand-ins for the driver's libraries (nvcuvid.c, nvenc.c).

mod decode_preflight;
mod decoder;
mod encode_preflight;
mod encoder;
mod missing;
mod stand_in;
