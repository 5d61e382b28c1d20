//! zimg, the library behind FFmpeg's zscale and VapourSynth, opened at run time (Debian: libzimg2).
//!
//! Chroma goes up by its bilinear filter, which is the straight line that RAVE draws, too. Down, its filter is another
//! than RAVE's: there the two are compared on pictures that no symmetric filter changes.

use std::ffi::{CStr, c_int};

use libloading::Library;
use rave_core::{Error, PixelFamily, PixelFormat, Result, Size, Status};

use crate::color::{Color, RangeName};
use crate::oracle::h273;
use crate::picture::{Picture, component_names, component_size};

mod plane;
mod sys;

use plane::{Block, Plane, buffer};

/// The names under which the library is looked for; other interfaces than 2 have other names.
const NAMES: [&str; 2] = ["libzimg.so.2", "libzimg.so"];

/// The opened library. Its functions may be called from any thread.
#[derive(Debug)]
pub(crate) struct Zimg {
    version: String,
    last_error: sys::GetLastError,
    format_default: sys::FormatDefault,
    params_default: sys::ParamsDefault,
    build: sys::Build,
    free: sys::Free,
    tmp_size: sys::TmpSize,
    process: sys::Process,
    /// Last, so that the functions go before what they point into.
    _library: Library,
}

impl Zimg {
    /// Opens the library.
    ///
    /// # Errors
    /// [`Status::RuntimeLibraryMissing`], with what was tried.
    pub(crate) fn open() -> Result<Self> {
        let mut tried = Vec::new();
        for name in NAMES {
            // SAFETY: opening runs the library's initialisers; the loader looks for the name among the system's
            // libraries alone.
            match unsafe { Library::new(name) } {
                Ok(library) => return Self::of(library),
                Err(error) => tried.push(format!("{name}: {error}")),
            }
        }
        Err(Error::new(
            Status::RuntimeLibraryMissing,
            format!("zimg was not found; tried {}", tried.join("; ")),
        )
        .help("install libzimg2 (Debian: apt-get install libzimg2)"))
    }

    fn of(library: Library) -> Result<Self> {
        let missing = |error: libloading::Error| {
            Error::new(Status::RuntimeLibraryMissing, format!("libzimg lacks a function: {error}"))
        };
        macro_rules! function {
            ($name:literal) => {
                // SAFETY: zimg.h declares the function of this name with the type that sys.rs gives it.
                *unsafe { library.get(concat!($name, "\0").as_bytes()) }.map_err(missing)?
            };
        }
        let api: sys::GetApiVersion = function!("zimg_get_api_version");
        let info: sys::GetVersionInfo = function!("zimg_get_version_info");
        let (mut numbers, mut minor) = ([0; 4], 0);
        // SAFETY: both write numbers to places of ours that live until they return.
        unsafe {
            api(&mut numbers[0], &mut minor);
            let [_, first, second, third] = &mut numbers;
            info(first, second, third);
        }
        if numbers[0] != 2 || minor < 2 {
            return Err(Error::new(
                Status::RuntimeLibraryMissing,
                format!("libzimg has interface {}.{minor}", numbers[0]),
            )
            .expected("2.2 or a later 2"));
        }
        Ok(Zimg {
            version: format!("zimg {}.{}.{}", numbers[1], numbers[2], numbers[3]),
            last_error: function!("zimg_get_last_error"),
            format_default: function!("zimg_image_format_default"),
            params_default: function!("zimg_graph_builder_params_default"),
            build: function!("zimg_filter_graph_build"),
            free: function!("zimg_filter_graph_free"),
            tmp_size: function!("zimg_filter_graph_get_tmp_size"),
            process: function!("zimg_filter_graph_process"),
            _library: library,
        })
    }

    /// Its name and version.
    pub(crate) fn version(&self) -> &str {
        &self.version
    }

    /// The R'G'B' tensor of a frame, white being 1.
    ///
    /// # Errors
    /// What zimg refuses, in its words.
    pub(crate) fn tensor(&self, picture: &Picture, color: Color) -> Result<Vec<f32>> {
        let mut source: Vec<Plane> = Vec::new();
        for samples in &picture.components {
            let mut plane = Plane::new(samples.size, if picture.format.layout().depth == 8 { 1 } else { 2 });
            for (y, row) in samples.codes.chunks_exact(samples.size.width as usize).enumerate() {
                let bytes = plane.row_mut(y);
                match bytes.len() / row.len() {
                    1 => bytes.iter_mut().zip(row).for_each(|(byte, &code)| *byte = code as u8),
                    _ => bytes
                        .chunks_exact_mut(2)
                        .zip(row)
                        .for_each(|(bytes, code)| bytes.copy_from_slice(&code.to_ne_bytes())),
                }
            }
            source.push(plane);
        }
        let mut target: Vec<Plane> = (0..3).map(|_| Plane::new(picture.size, 4)).collect();
        let formats = (self.coded(picture.format, picture.size, color), self.rgb(picture.size));
        self.run(formats, sys::RESIZE_BILINEAR, &mut source, &mut target)?;
        Ok(target.iter().flat_map(|plane| plane.values(f32::from_ne_bytes)).collect())
    }

    /// The frame that an R'G'B' tensor makes.
    ///
    /// # Errors
    /// What zimg refuses, in its words.
    pub(crate) fn frame(
        &self,
        tensor: &[f32],
        format: PixelFormat,
        size: Size,
        color: Color,
    ) -> Result<Picture> {
        let pixels = size.pixels() as usize;
        let mut source: Vec<Plane> = Vec::new();
        for channel in tensor.chunks_exact(pixels) {
            let mut plane = Plane::new(size, 4);
            for (y, row) in channel.chunks_exact(size.width as usize).enumerate() {
                let bytes = plane.row_mut(y).chunks_exact_mut(4);
                bytes.zip(row).for_each(|(bytes, value)| bytes.copy_from_slice(&value.to_ne_bytes()));
            }
            source.push(plane);
        }
        let bytes = if format.layout().depth == 8 { 1 } else { 2 };
        let mut target: Vec<Plane> = (0..component_names(format).len())
            .map(|component| Plane::new(component_size(format, size, component), bytes))
            .collect();
        self.run(
            (self.rgb(size), self.coded(format, size, color)),
            sys::RESIZE_BILINEAR,
            &mut source,
            &mut target,
        )?;
        let codes: Vec<Vec<u16>> = target
            .iter()
            .map(|plane| match bytes {
                1 => plane.values(|[byte]| u16::from(byte)).collect(),
                _ => plane.values(u16::from_ne_bytes).collect(),
            })
            .collect();
        Ok(Picture::new(format, size, |component, x, y| {
            codes[component][(y * component_size(format, size, component).width + x) as usize]
        }))
    }

    /// The levels of a frame's components at another size, by Catmull and Rom's cubic (a = -1/2), in fp32 all the way.
    ///
    /// # Errors
    /// What zimg refuses, in its words.
    pub(crate) fn scaled(&self, picture: &Picture, color: Color, size: Size) -> Result<Vec<Vec<f32>>> {
        let format = picture.format;
        let mut source: Vec<Plane> = Vec::new();
        for (component, samples) in picture.components.iter().enumerate() {
            let (zero, span) = h273::code_scale(format, component, color.range);
            let mut plane = Plane::new(samples.size, 4);
            for (y, row) in samples.codes.chunks_exact(samples.size.width as usize).enumerate() {
                for (bytes, &code) in plane.row_mut(y).chunks_exact_mut(4).zip(row) {
                    let level = ((f64::from(code) - zero) / span) as f32;
                    bytes.copy_from_slice(&level.to_ne_bytes());
                }
            }
            source.push(plane);
        }
        let mut target: Vec<Plane> = (0..source.len())
            .map(|component| Plane::new(component_size(format, size, component), 4))
            .collect();
        let [from, to] = [picture.size, size].map(|size| {
            let mut levels = self.coded(format, size, color);
            (levels.pixel_type, levels.depth) = (sys::PIXEL_FLOAT, 32);
            levels
        });
        self.run((from, to), sys::RESIZE_BICUBIC, &mut source, &mut target)?;
        Ok(target.iter().map(|plane| plane.values(f32::from_ne_bytes).collect()).collect())
    }

    /// A frame's format in zimg's terms.
    fn coded(&self, format: PixelFormat, size: Size, color: Color) -> sys::ImageFormat {
        let layout = format.layout();
        let mut described = self.described(size);
        described.pixel_type = if layout.depth == 8 { sys::PIXEL_BYTE } else { sys::PIXEL_WORD };
        described.depth = layout.depth;
        described.pixel_range = i32::from(color.range == RangeName::Full);
        (described.color_family, described.matrix_coefficients) = match format.family() {
            PixelFamily::Yuv => (sys::COLOR_YUV, color.matrix.code_point()),
            PixelFamily::Rgb => (sys::COLOR_RGB, sys::MATRIX_RGB),
            PixelFamily::Gray => (sys::COLOR_GREY, color.matrix.code_point()),
        };
        if format.family() == PixelFamily::Yuv {
            described.subsample_w = layout.log2_chroma_width;
            described.subsample_h = layout.log2_chroma_height;
            described.chroma_location = color.siting.code_point();
        }
        described
    }

    /// An R'G'B' tensor's format in zimg's terms.
    fn rgb(&self, size: Size) -> sys::ImageFormat {
        let mut described = self.described(size);
        described.pixel_type = sys::PIXEL_FLOAT;
        described.depth = 32;
        described.color_family = sys::COLOR_RGB;
        described.matrix_coefficients = sys::MATRIX_RGB;
        described
    }

    fn described(&self, size: Size) -> sys::ImageFormat {
        // SAFETY: all fields are numbers, for which zeroes are values.
        let mut format: sys::ImageFormat = unsafe { std::mem::zeroed() };
        // SAFETY: the structure is ours, at least as long as that of the version that is named, and initialised.
        unsafe { (self.format_default)(&mut format, sys::API) };
        format.width = size.width;
        format.height = size.height;
        format
    }

    fn run(
        &self,
        (from, to): (sys::ImageFormat, sys::ImageFormat),
        filter: c_int,
        source: &mut [Plane],
        target: &mut [Plane],
    ) -> Result<()> {
        // SAFETY: all fields are numbers, for which zeroes are values.
        let mut params: sys::BuilderParams = unsafe { std::mem::zeroed() };
        // SAFETY: as for the format above.
        unsafe { (self.params_default)(&mut params, sys::API) };
        (params.resample_filter, params.resample_filter_uv) = (filter, filter);
        // Of the cubic alone: b = 0 and c = 1/2.
        (params.filter_param_a, params.filter_param_b) = (0.0, 0.5);
        (params.filter_param_a_uv, params.filter_param_b_uv) = (0.0, 0.5);
        params.cpu_type = sys::CPU_NONE;
        // SAFETY: the three structures are initialised and outlive the call, which keeps none of them (zimg.h).
        let graph = unsafe { (self.build)(&from, &to, &params) };
        if graph.is_null() {
            return Err(self.error("refuses the conversion"));
        }
        let mut bytes = 0;
        // SAFETY: the graph is alive, and the size a place of ours.
        let mut code = unsafe { (self.tmp_size)(graph, &mut bytes) };
        if code == 0 {
            let mut scratch = Block::zeroed(bytes);
            let (source, target) = (buffer(source), buffer(target));
            // SAFETY: the graph is alive; each buffer describes planes of its format's sizes, with every row at the
            // alignment that zimg.h asks for, which outlive the call; scratch has as many bytes as the graph wants;
            // there are no callbacks.
            code = unsafe {
                (self.process)(
                    graph,
                    &source,
                    &target,
                    scratch.address(),
                    None,
                    std::ptr::null_mut(),
                    None,
                    std::ptr::null_mut(),
                )
            };
        }
        // SAFETY: the graph came from the builder and is not used again.
        unsafe { (self.free)(graph) };
        if code == 0 { Ok(()) } else { Err(self.error("fails")) }
    }

    fn error(&self, what: &str) -> Error {
        let mut text = [0; 512];
        // SAFETY: zimg writes at most that many bytes there, with a NUL at their end.
        unsafe { (self.last_error)(text.as_mut_ptr(), text.len()) };
        // SAFETY: the array is NUL-terminated: by zimg, or by its own zeroes.
        let text = unsafe { CStr::from_ptr(text.as_ptr()) };
        Error::new(Status::Unknown, format!("{} {what}: {}", self.version, text.to_string_lossy()))
    }
}
