//! `rave doctor`: what this machine has for RAVE, line by line.

use std::fmt;
use std::process::ExitCode;

use rave_core::{Error, Log, Result};
use rave_engine::{
    Builder, BuilderOptions, DecoderCaps, EncoderSupport, Gpu, Gpus, Library, SearchOptions,
    find_onnx_runtime,
};

use crate::cache;

/// What was found of one thing.
enum Finding {
    /// It is there.
    Ok(String),
    /// It is not, and this is what to do.
    ToDo(String),
}

/// Everything that was found.
pub(crate) struct Report(Vec<(&'static str, Finding)>);

/// Looks at driver, GPUs and libraries. Works without any of them.
// RV-CLI-1202
pub(crate) fn run() -> Report {
    let mut report = Report(vec![("rave", Finding::Ok(format!("version {}", env!("CARGO_PKG_VERSION"))))]);
    report.gpus();
    report.tensorrt();
    let slower = |error: Error| {
        error.help(
            "models run on the CPU all the same, several times slower; install ONNX Runtime 1.17 or later, or name its \
             library in RAVE_ONNXRUNTIME_LIB",
        )
    };
    report.add("ONNX Runtime", find_onnx_runtime(None).map_err(slower));
    report.ffmpeg();
    report.add("engine cache", cache::state());
    report
}

/// An error's words, without the token of its class in front.
fn without_token(error: &Error) -> String {
    let text = error.to_string();
    let token = format!("[{}] ", error.status().token());
    text.strip_prefix(&token).map_or(text.clone(), str::to_owned)
}

/// Whether the dynamic linker's words say that there is no such library.
fn is_absent(why: &str) -> bool {
    why.contains("cannot open shared object file: No such file")
}

impl Report {
    pub(crate) fn exit_code(&self) -> ExitCode {
        ExitCode::from(u8::from(self.0.iter().any(|(_, finding)| matches!(finding, Finding::ToDo(_)))))
    }

    fn add(&mut self, what: &'static str, found: Result<String>) {
        let finding = match found {
            Ok(text) => Finding::Ok(text),
            Err(error) => Finding::ToDo(without_token(&error)),
        };
        self.0.push((what, finding));
    }

    fn gpus(&mut self) {
        let found = match Gpus::find() {
            Ok(found) => found,
            Err(error) => return self.add("driver", Err(error)),
        };
        self.add("driver", Ok(format!("for CUDA up to {}", found.cuda_version)));
        for gpu in found.gpus {
            match gpu {
                Ok(gpu) => self.gpu(gpu),
                Err(error) => self.add("GPU", Err(error)),
            }
        }
    }

    fn gpu(&mut self, gpu: Gpu) {
        let Gpu { info, free_memory, decoder, encoder } = gpu;
        let (major, minor) = info.compute_capability;
        self.add(
            "GPU",
            Ok(format!(
                "{}, compute capability {major}.{minor}, {} of {} MiB free",
                info.name,
                free_memory >> 20,
                info.memory >> 20
            )),
        );
        self.add("NVDEC", decoder.map(|caps| decodes(&caps)));
        self.add("NVENC", encoder.map(|support| encodes(&support)));
    }

    /// The FFmpeg that this program was linked with, and what it lacks of what RAVE can use.
    fn ffmpeg(&mut self) {
        let libraries: Vec<String> = rave_ffmpeg::libraries()
            .iter()
            .map(|library| format!("{} {}.{}", library.name, library.version[0], library.version[1]))
            .collect();
        let what =
            format!("{}, {}; {}", rave_ffmpeg::release(), rave_ffmpeg::license(), libraries.join(", "));
        self.add("FFmpeg", Ok(what));
        let known = [
            "libx264",
            "libx265",
            "libsvtav1",
            "ffv1",
            "prores_ks",
            "png",
            "h264_nvenc",
            "hevc_nvenc",
            "av1_nvenc",
        ];
        let there: Vec<&str> = known.into_iter().filter(|name| rave_ffmpeg::encoder_exists(name)).collect();
        self.0.push((
            "encoders",
            match there.contains(&"libx264") {
                true => Finding::Ok(there.join(", ")),
                false => Finding::ToDo(format!(
                    "{}, but no libx264: build FFmpeg with it (scripts/build-ffmpeg.sh)",
                    there.join(", ")
                )),
            },
        ));
        let cuda = rave_ffmpeg::devices().iter().any(|device| device == "cuda");
        self.0.push((
            "FFmpeg, CUDA",
            match cuda {
                true => Finding::Ok("frames can stay on the GPU".to_owned()),
                false => Finding::ToDo("built without it: scripts/build-ffmpeg.sh builds it with".to_owned()),
            },
        ));
    }

    fn tensorrt(&mut self) {
        let mut missing = Vec::new();
        let mut found = Vec::new();
        for (name, library) in Library::survey(&SearchOptions::default()) {
            match library {
                Ok(library) => found.push(library),
                Err(why) if is_absent(&why) => missing.push(name.display().to_string()),
                Err(why) => missing.push(format!("{} ({why})", name.display())),
            }
        }
        if found.is_empty() {
            return self.0.push((
                "TensorRT",
                Finding::ToDo(format!(
                    "none of these runs engines: {}; to use a GPU, install TensorRT 10 or 11 or TensorRT-RTX, or name its \
                     library in RAVE_TENSORRT_LIB",
                    missing.join(", ")
                )),
            ));
        }
        let mut builders = Vec::new();
        for library in &found {
            let file = library.file().unwrap_or_else(|| library.name().to_owned());
            let name = format!("{} {} ({})", library.flavour(), library.version(), file.display());
            self.add("TensorRT", Ok(name));
            builders.push(Builder::new(library, &BuilderOptions::default(), Log::default()));
        }
        // One that builds is enough; without one, what the first of them lacks is what to do.
        let builder = builders.iter().find(|builder| builder.is_ok()).or(builders.first());
        if let Some(builder) = builder {
            let text = |builder: &Builder| {
                format!("{}, with the parser {}", builder.library(), builder.parser().display())
            };
            self.add("building", builder.as_ref().map(text).map_err(Clone::clone));
        }
    }
}

/// `h264 4096x4096, hevc 8192x8192 ...`: the largest frame of each codec.
fn decodes(caps: &DecoderCaps) -> String {
    let mut codecs: Vec<(String, u64, String)> = Vec::new();
    for (mode, limits) in caps.modes() {
        let (codec, pixels) = (mode.codec.to_string(), limits.max.pixels());
        match codecs.iter_mut().find(|(known, ..)| *known == codec) {
            Some(known) if known.1 < pixels => (known.1, known.2) = (pixels, limits.max.to_string()),
            Some(_) => {}
            None => codecs.push((codec, pixels, limits.max.to_string())),
        }
    }
    if codecs.is_empty() {
        return "none: decode on the CPU".to_owned();
    }
    codecs.iter().map(|(codec, _, size)| format!("{codec} {size}")).collect::<Vec<_>>().join(", ")
}

fn encodes(support: &EncoderSupport) -> String {
    match support {
        EncoderSupport::Nvenc(caps) => {
            let codecs = caps.codecs.iter().map(|caps| format!("{} {}", caps.codec.encoder(), caps.max));
            codecs.collect::<Vec<_>>().join(", ")
        }
        EncoderSupport::NoNvenc { .. } => {
            "none: encode on the CPU, with libx264, libx265 or libsvtav1".to_owned()
        }
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (what, finding) in &self.0 {
            let (mark, text) = match finding {
                Finding::Ok(text) => ("ok", text),
                Finding::ToDo(text) => ("TO DO", text),
            };
            writeln!(f, "{mark:<6} {what:<13} {text}")?;
        }
        Ok(())
    }
}
