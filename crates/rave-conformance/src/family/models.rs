//! Frames through models, whole and in tiles, against other programs that run the same models.

use std::path::PathBuf;

use rave_core::{PixelFamily, PixelFormat, Result, Size};
use serde::Deserialize;

use super::Bench;
use crate::color::{Color, Format, MatrixName, RangeName, SitingName};
use crate::compare::Rule;
use crate::content::Content;
use crate::fixture::{self, Tolerance};
use crate::image::{Image, Sight};
use crate::oracle::h273;
use crate::oracle::onnx::{Evaluator, Tensor};
use crate::picture::{Picture, component_size};
use crate::random::Random;
use crate::subject::{ModeName, Runtime, Setup, Subject, Values};
use crate::tally::{Comparison, GroupReport};

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Group {
    name: String,
    about: String,
    models: Vec<String>,
    oracle: Evaluator,
    /// What the oracle runs in place of the model, such as one of the same weights for frames of any size.
    oracle_model: Option<String>,
    runtimes: Vec<Runtime>,
    modes: Vec<ModeName>,
    formats: Vec<Format>,
    contents: Vec<Content>,
    sizes: Vec<(u32, u32)>,
    #[serde(default)]
    values: Values,
    /// The sides that the model takes are multiples of this.
    #[serde(default = "one")]
    multiple: u32,
    /// Width, height and overlap of tiles; frames go whole through the model where none are named.
    #[serde(default)]
    tiles: Vec<(u32, u32, u32)>,
    tolerance: Tolerance,
}

fn one() -> u32 {
    1
}

/// Frames of Y'CbCr are of limited range, all others of full range, where codes are levels.
fn color(format: PixelFormat) -> Color {
    let limited = format.family() == PixelFamily::Yuv;
    let range = if limited { RangeName::Limited } else { RangeName::Full };
    Color { matrix: MatrixName::Bt709, range, siting: SitingName::Left }
}

// RV-CONF-1101
pub(super) fn inference(bench: &mut Bench) -> Result<Vec<GroupReport>> {
    run(bench, "inference")
}

// RV-CONF-1102
pub(super) fn tiling(bench: &mut Bench) -> Result<Vec<GroupReport>> {
    run(bench, "tiling")
}

fn run(bench: &mut Bench, family: &str) -> Result<Vec<GroupReport>> {
    let groups = fixture::read::<Group>(&bench.fixtures, family)?.groups;
    Ok(groups.iter().map(|group| group.run(family, bench)).collect())
}

impl Group {
    fn run(&self, family: &str, bench: &mut Bench) -> GroupReport {
        let (oracle, started) = match bench.onnx() {
            Ok(onnx) => (onnx.version(self.oracle), Ok(())),
            Err(error) => (format!("{:?}", self.oracle), Err(error)),
        };
        let subject = "sessions of rave-engine".into();
        let name = format!("{family}/{}", self.name);
        let mut report = GroupReport::new(name, &self.about, oracle, subject, &self.tolerance);
        let paths = self.models.iter().chain(&self.oracle_model).map(|name| bench.model(name).map(drop));
        let missing = started.and(paths.collect::<Result<()>>());
        let missing = missing.and(if self.runtimes.contains(&Runtime::OnnxRuntime) {
            bench.onnxruntime_there()
        } else {
            Ok(())
        });
        if let Err(error) = missing {
            report.skipped = Some(error.to_string());
            return report;
        }
        for model in &self.models {
            for &Format(format) in &self.formats {
                for &content in &self.contents {
                    for &(width, height) in &self.sizes {
                        let size = Size::new(width, height);
                        let id = format!("{family}/{}/{model}/{format}/{}/{size}", self.name, content.name());
                        let picture = content.frame(format, size, SitingName::Left, &mut Random::named(&id));
                        self.frame(bench, &id, model, &picture, &mut report);
                    }
                }
            }
        }
        report.finished()
    }

    /// One frame through every runtime, mode and tiling.
    fn frame(&self, bench: &mut Bench, id: &str, model: &str, picture: &Picture, report: &mut GroupReport) {
        let expected = match self.expected(bench, model, picture) {
            Ok(expected) => expected,
            Err(error) => return report.broken(id, &error),
        };
        let whole = [None];
        let tiles: Vec<_> = self.tiles.iter().copied().map(Some).collect();
        for &runtime in &self.runtimes {
            for &mode in &self.modes {
                for &tile in if tiles.is_empty() { &whole[..] } else { &tiles[..] } {
                    let tiled = tile.map_or(String::new(), |(w, h, overlap)| format!("/{w}x{h}+{overlap}"));
                    let id = format!("{id}/{}/{}{tiled}", runtime.name(), mode.name());
                    match self.found(bench, (model, runtime, mode, tile), picture) {
                        Err(error) => report.broken(&id, &error),
                        Ok(found) => {
                            let comparison = compare(&expected, &found);
                            report.case(&id, comparison, || sight(&expected, &found));
                        }
                    }
                }
            }
        }
    }

    fn found(
        &self,
        bench: &Bench,
        (model, runtime, mode, tile): (&str, Runtime, ModeName, Option<(u32, u32, u32)>),
        picture: &Picture,
    ) -> Result<Picture> {
        let setup = Setup {
            model: bench.model(model)?,
            runtime,
            mode,
            threads: 2,
            values: self.values,
            format: picture.format,
            size: picture.size,
            tile,
        };
        Subject::new(&setup, &bench.onnxruntime)?.process(picture, color(picture.format))
    }

    /// The codes that the oracle's output stands for, before they are made whole.
    fn expected(&self, bench: &mut Bench, model: &str, picture: &Picture) -> Result<Expected> {
        let path: PathBuf = bench.model(self.oracle_model.as_deref().unwrap_or(model))?;
        let channels = if picture.format.family() == PixelFamily::Gray { 1 } else { 3 };
        let color = color(picture.format);
        let white = self.values.white();
        let levels = h273::tensor(picture, color, channels);
        let values = levels.iter().map(|level| (level * white) as f32).collect();
        let input = Tensor { size: picture.size, values };
        let output = bench.onnx()?.run(self.oracle, &path, &input, self.multiple)?;
        let levels = output.values.iter().map(|&value| f64::from(value) / white);
        let codes = if output.channels() == 3 {
            h273::codes(&levels.collect::<Vec<_>>(), picture.format, output.size, color)
        } else {
            let (zero, span) = h273::code_scale(picture.format, 0, color.range);
            vec![levels.map(|level| level * span + zero).collect()]
        };
        Ok(Expected { format: picture.format, size: output.size, codes })
    }
}

/// Unrounded codes of each component.
struct Expected {
    format: PixelFormat,
    size: Size,
    codes: Vec<Vec<f64>>,
}

fn compare(expected: &Expected, found: &Picture) -> Comparison {
    if expected.size != found.size {
        let mut comparison = Comparison::default();
        comparison.note(f64::INFINITY, || format!("{}, not {}", found.size, expected.size));
        return comparison;
    }
    Rule::default().to_exact(&expected.codes, found)
}

fn sight(expected: &Expected, found: &Picture) -> Option<Sight> {
    let rounded = Picture::new(expected.format, expected.size, |component, x, y| {
        let width = component_size(expected.format, expected.size, component).width;
        expected.codes[component][(y * width + x) as usize].round() as u16
    });
    let image = |picture| Image::of_picture(picture, color(expected.format));
    Sight::new(&image(&rounded), &image(found))
}
