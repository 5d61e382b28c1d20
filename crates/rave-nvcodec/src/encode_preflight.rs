//! Whether NVENC takes an output, before FFmpeg tries and says "No capable devices found".

use rave_core::{Error, PixelFormat, Result, Size, Status};

use crate::{ApiVersion, Chroma, CodecCaps, EncodeCodec, EncoderCaps, EncoderSupport};

/// What FFmpeg's NVENC encoders take, of RAVE's formats. Samples of more than 10 bits are cut to 10; nv16, p210 and p216
/// need FFmpeg 8.1 or newer, p012 FFmpeg 9.0.
const TAKEN: [PixelFormat; 14] = [
    PixelFormat::Yuv420p,
    PixelFormat::Nv12,
    PixelFormat::P010,
    PixelFormat::P012,
    PixelFormat::P016,
    PixelFormat::Nv16,
    PixelFormat::P210,
    PixelFormat::P216,
    PixelFormat::Yuv444p,
    PixelFormat::Yuv444p16,
    PixelFormat::Rgb0,
    PixelFormat::Bgr0,
    PixelFormat::Gbrp,
    PixelFormat::Gbrp16,
];

/// An output that is to be encoded on the GPU.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EncodeRequest {
    /// The codec.
    pub codec: EncodeCodec,
    /// The size of the frames, in pixels.
    pub size: Size,
    /// The format of the frames, in GPU memory that of FFmpeg's `sw_format`.
    pub format: PixelFormat,
    /// The interface that the encoder was built for: the version of the nv-codec-headers that FFmpeg was built with.
    pub api: ApiVersion,
}

/// Whether the GPU encodes such frames.
///
/// # Errors
/// [`Status::InvalidDevice`] if the GPU has no NVENC; [`Status::RuntimeLibraryMissing`] if the driver is older than the
/// encoder; [`Status::UnsupportedFormat`] if NVENC does not encode this: the codec, its chroma sampling or depth, a size
/// outside the limits, or a pixel format that has to be converted first. The message says what to use in its place, and
/// names another codec only where this GPU has it and it takes the same frames.
pub fn preflight_encode(support: &EncoderSupport, request: &EncodeRequest) -> Result<()> {
    let caps = match support {
        EncoderSupport::Nvenc(caps) => caps,
        EncoderSupport::NoNvenc { gpu, .. } => {
            return Err(
                Error::new(Status::InvalidDevice, format!("{gpu} has no NVENC")).help(on_the_cpu(request))
            );
        }
    };
    // RV-NVC-1205
    if request.api > caps.api {
        return Err(Error::new(
            Status::RuntimeLibraryMissing,
            format!(
                "the driver is too old for {}: its encoder interface is {}",
                request.codec.encoder(),
                caps.api
            ),
        )
        .expected(request.api.to_string())
        .help(request.api.how_to_get()));
    }
    check(caps, request)
}

fn check(caps: &EncoderCaps, request: &EncodeRequest) -> Result<()> {
    // RV-NVC-1202
    let unsupported = |found: String| Error::new(Status::UnsupportedFormat, found);
    let Some(codec) = caps.codec(request.codec) else {
        let found = format!("{} has no {} encoder", caps.gpu, request.codec.name());
        return Err(unsupported(found).help(match others(caps, request) {
            Some(others) => format!("use {others}"),
            None => on_the_cpu(request),
        }));
    };
    let Some(obstacle) = Obstacle::of(caps.api, codec, request) else {
        return if TAKEN.contains(&request.format) {
            Ok(())
        } else {
            let found = format!("NVENC takes no {} frames", request.format);
            Err(unsupported(found).help(format!("use format={}", nearest(request.format))))
        };
    };
    let encoder = request.codec.encoder();
    let size =
        |how: &str| unsupported(format!("output {} {how} the {encoder} limit of {}", request.size, caps.gpu));
    let mode = |what: &str| {
        let (name, format) = (request.codec.name(), request.format);
        unsupported(format!("{what} {name} ({format}) is not supported by {encoder} of {}", caps.gpu))
    };
    let or = |rest: String| match others(caps, request) {
        Some(others) => format!("use {others}, or {rest}"),
        None => rest,
    };
    // RV-NVC-1204
    let and_size = match Obstacle::of_size(codec, request.size) {
        Some(Obstacle::TooLarge) => format!(" and scale down to at most {}", codec.max),
        Some(Obstacle::TooSmall) => format!(" and scale up to at least {}", codec.min),
        Some(Obstacle::Macroblocks { most, .. }) => format!(" and scale down to at most {most} macroblocks"),
        _ => String::new(),
    };
    let format = |format: PixelFormat| format!("format={format}{and_size}");
    let instead = |other: PixelFormat| match others(caps, request) {
        Some(others) => format!("use {others}, or {}", format(other)),
        None => format!("use {}", format(other)),
    };
    let subsampled = nearest_subsampled(request.format, codec.ten_bit);
    let needed = ApiVersion::WITH_YUV422;
    Err(match obstacle {
        Obstacle::DriverBeforeYuv422 => mode("4:2:2")
            .expected(format!("encoder interface {needed} for it, not {}", caps.api))
            .help(format!("{}, or use {}", needed.how_to_get(), format(subsampled))),
        Obstacle::BuildBeforeYuv422 => mode("4:2:2")
            .expected(format!("an FFmpeg built for encoder interface {needed}, not {}", request.api))
            .help(format!("use {}", format(subsampled))),
        Obstacle::Yuv422 => mode("4:2:2").help(instead(subsampled)),
        Obstacle::Yuv444 => mode("4:4:4").help(instead(subsampled)),
        Obstacle::TenBit => mode("10-bit").help(instead(eight_bit(request.format))),
        Obstacle::TooLarge => {
            size("is over").expected(format!("at most {}", codec.max)).help(or("scale down".into()))
        }
        Obstacle::TooSmall => size("is under")
            .expected(format!("at least {}", codec.min))
            .help(or(format!("scale up, or {}", on_the_cpu(request)))),
        Obstacle::Macroblocks { number, most } => size(&format!("has {number} macroblocks, over"))
            .expected(format!("at most {most}"))
            .help(or("scale down".into())),
    })
}

/// What keeps one codec of a GPU from encoding what is asked for.
enum Obstacle {
    DriverBeforeYuv422,
    BuildBeforeYuv422,
    Yuv422,
    Yuv444,
    TenBit,
    TooLarge,
    TooSmall,
    Macroblocks { number: u64, most: u32 },
}

impl Obstacle {
    // RV-NVC-1201
    fn of(driver: ApiVersion, codec: &CodecCaps, request: &EncodeRequest) -> Option<Obstacle> {
        Obstacle::of_format(driver, codec, request).or_else(|| Obstacle::of_size(codec, request.size))
    }

    fn of_format(driver: ApiVersion, codec: &CodecCaps, request: &EncodeRequest) -> Option<Obstacle> {
        match Chroma::encoded_from(request.format) {
            Chroma::Yuv422 if driver < ApiVersion::WITH_YUV422 => return Some(Obstacle::DriverBeforeYuv422),
            Chroma::Yuv422 if request.api < ApiVersion::WITH_YUV422 => {
                return Some(Obstacle::BuildBeforeYuv422);
            }
            Chroma::Yuv422 if codec.yuv422 != Some(true) => return Some(Obstacle::Yuv422),
            Chroma::Yuv444 if !codec.yuv444 => return Some(Obstacle::Yuv444),
            _ => {}
        }
        (request.format.layout().depth > 8 && !codec.ten_bit).then_some(Obstacle::TenBit)
    }

    fn of_size(codec: &CodecCaps, size: Size) -> Option<Obstacle> {
        let (min, max) = (codec.min, codec.max);
        if size.width > max.width || size.height > max.height {
            return Some(Obstacle::TooLarge);
        }
        if size.width < min.width || size.height < min.height {
            return Some(Obstacle::TooSmall);
        }
        let number = u64::from(size.width.div_ceil(16)) * u64::from(size.height.div_ceil(16));
        let most = codec.max_macroblocks.filter(|&most| number > most.into())?;
        Some(Obstacle::Macroblocks { number, most })
    }
}

// RV-NVC-1203
/// The other encoders of this GPU that take what is asked for, and the format to give them where it is another.
fn others(caps: &EncoderCaps, request: &EncodeRequest) -> Option<String> {
    let fit: Vec<&str> = caps
        .codecs
        .iter()
        .filter(|other| other.codec != request.codec && Obstacle::of(caps.api, other, request).is_none())
        .map(|other| other.codec.encoder())
        .collect();
    if fit.is_empty() {
        return None;
    }
    let fit = fit.join(" or ");
    Some(if TAKEN.contains(&request.format) {
        fit
    } else {
        format!("{fit} with format={}", nearest(request.format))
    })
}

fn on_the_cpu(request: &EncodeRequest) -> String {
    format!("put hwdownload,format={} after rave and use {}", request.format, request.codec.software())
}

/// The format that NVENC takes in place of one that it does not, of the same chroma sampling and at most 10 bits.
// RV-NVC-1204
fn nearest(format: PixelFormat) -> PixelFormat {
    if format.layout().depth == 8 {
        return eight_bit(format);
    }
    match Chroma::encoded_from(format) {
        Chroma::Yuv444 => PixelFormat::Yuv444p16,
        Chroma::Yuv422 => PixelFormat::P210,
        Chroma::Yuv420 | Chroma::Monochrome => PixelFormat::P010,
    }
}

/// The 4:2:0 format in place of one with more chroma.
// RV-NVC-1204
fn nearest_subsampled(format: PixelFormat, ten_bit: bool) -> PixelFormat {
    if format.layout().depth > 8 && ten_bit { PixelFormat::P010 } else { PixelFormat::Nv12 }
}

/// The format with samples of 8 bits in place of a deeper one.
fn eight_bit(format: PixelFormat) -> PixelFormat {
    match Chroma::encoded_from(format) {
        Chroma::Yuv444 => PixelFormat::Yuv444p,
        Chroma::Yuv422 => PixelFormat::Nv16,
        Chroma::Yuv420 | Chroma::Monochrome => PixelFormat::Nv12,
    }
}
