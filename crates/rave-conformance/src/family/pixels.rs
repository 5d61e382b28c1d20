//! Pixel conversion: every matrix, range, siting, depth and subsampling, each way.

use rave_core::{Error, PixelFormat, Result, Scale, Size, Status};
use serde::Deserialize;

use super::Bench;
use crate::color::{Color, Format, MatrixName, RangeName, SitingName};
use crate::compare::Rule;
use crate::content::Content;
use crate::fixture::{self, Tolerance, Unit};
use crate::image::{Image, Sight};
use crate::oracle::{h273, stated};
use crate::picture::{Picture, component_size, planar_sibling};
use crate::random::Random;
use crate::tally::{Comparison, GroupReport};

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Group {
    name: String,
    about: String,
    operation: Operation,
    oracle: Oracle,
    formats: Vec<Format>,
    matrices: Vec<MatrixName>,
    ranges: Vec<RangeName>,
    sitings: Vec<SitingName>,
    contents: Vec<Content>,
    sizes: Vec<(u32, u32)>,
    /// Output over input where a luma tensor is packed: numerator and denominator.
    #[serde(default = "unscaled")]
    scales: Vec<(u32, u32)>,
    /// Planes of the tensor when a frame is unpacked: 3, or 1 for luma.
    #[serde(default = "three")]
    channels: usize,
    /// Whether frames of 8 bits are dithered when a tensor is packed.
    #[serde(default)]
    dither: bool,
    /// Whether the oracle clamps to black and white; what it is compared with is clamped, too.
    #[serde(default)]
    clamped: bool,
    /// Samples at each edge that are not compared.
    #[serde(default)]
    margin: u32,
    tolerance: Tolerance,
}

fn three() -> usize {
    3
}

fn unscaled() -> Vec<(u32, u32)> {
    vec![(1, 1)]
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Operation {
    /// Frame to tensor.
    Unpack,
    /// Tensor to frame.
    Pack,
    /// Frame to tensor to frame.
    Return,
    /// A luma tensor beside the frame's chroma, scaled, to frame.
    Luma,
    /// The same samples, as FFmpeg lays them out, read by RAVE's table of formats.
    Layout,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Oracle {
    H273,
    Stated,
    Zimg,
    Ffmpeg,
    /// The input: nothing may change.
    Input,
}

/// What a case is about.
struct Case {
    id: String,
    format: PixelFormat,
    color: Color,
    content: Content,
    size: Size,
    scale: Scale,
}

pub(super) fn run(bench: &mut Bench) -> Result<Vec<GroupReport>> {
    let family = fixture::read::<Group>(&bench.fixtures, "pixels")?;
    Ok(family.groups.iter().map(|group| group.run(bench)).collect())
}

impl Group {
    fn run(&self, bench: &mut Bench) -> GroupReport {
        let (oracle, missing) = match (self.oracle, &bench.zimg, &bench.ffmpeg) {
            (Oracle::H273, ..) => ("ITU-T H.273 in fp64".into(), None),
            (Oracle::Stated, ..) => ("the documented fp32 arithmetic".into(), None),
            (Oracle::Input, ..) => ("its own input".into(), None),
            (Oracle::Zimg, Ok(zimg), _) => (zimg.version().into(), None),
            (Oracle::Ffmpeg, _, Ok(ffmpeg)) => (format!("{}'s swscale", ffmpeg.version()), None),
            (Oracle::Zimg, Err(error), _) => ("zimg".into(), Some(error.to_string())),
            (Oracle::Ffmpeg, _, Err(error)) => ("FFmpeg's swscale".into(), Some(error.to_string())),
        };
        let name = format!("pixels/{}", self.name);
        let mut report = GroupReport::new(name, &self.about, oracle, bench.kernels.name(), &self.tolerance);
        if missing.is_some() {
            report.skipped = missing;
            return report;
        }
        for case in self.cases() {
            bench.kernels.begin(&case.id);
            match self.case(bench, &case, &mut report) {
                Err(error)
                    if error.status() == Status::UnsupportedFormat && bench.kernels.may_lack_formats() =>
                {
                    report.left_out += 1;
                }
                Err(error) => report.broken(&case.id, &error),
                Ok(()) => {}
            }
        }
        report.finished()
    }

    fn cases(&self) -> impl Iterator<Item = Case> {
        let axes = self.formats.iter().flat_map(move |&Format(format)| {
            let colors = self.matrices.iter().flat_map(move |&matrix| {
                self.ranges.iter().flat_map(move |&range| {
                    self.distinct_sitings(format).map(move |siting| Color { matrix, range, siting })
                })
            });
            colors.map(move |color| (format, color))
        });
        axes.flat_map(move |(format, color)| {
            self.contents.iter().flat_map(move |&content| {
                self.sizes.iter().flat_map(move |&(width, height)| {
                    self.scales.iter().filter_map(move |&(numerator, denominator)| {
                        let size = Size::new(width, height);
                        let scale = Scale::new(numerator, denominator)?;
                        let Color { matrix, range, siting } = color;
                        let (matrix, range, siting) = (matrix.name(), range.name(), siting.name());
                        let mut id = format!(
                            "pixels/{}/{format}/{matrix}/{range}/{siting}/{}/{size}",
                            self.name,
                            content.name()
                        );
                        if scale != Scale::ONE {
                            id += &format!("/{numerator}:{denominator}");
                        }
                        Some(Case { id, format, color, content, size, scale })
                    })
                })
            })
        })
    }

    /// The sitings that make a difference in `format`.
    fn distinct_sitings(&self, format: PixelFormat) -> impl Iterator<Item = SitingName> {
        let layout = format.layout();
        let effect = move |siting: SitingName| {
            let (right, below) = siting.offsets();
            let (wide, high) = (layout.log2_chroma_width > 0, layout.log2_chroma_height > 0);
            (wide.then_some(right), high.then_some(below))
        };
        let all = self.sitings.iter().enumerate();
        all.filter(move |&(index, &siting)| {
            self.sitings[..index].iter().all(|&other| effect(other) != effect(siting))
        })
        .map(|(_, &siting)| siting)
    }

    // RV-CONF-1001
    fn case(&self, bench: &mut Bench, case: &Case, report: &mut GroupReport) -> Result<()> {
        let Case { id, format, color, content, size, scale } = case;
        let mut random = Random::named(id);
        match self.operation {
            Operation::Unpack => {
                let picture = content.frame(*format, *size, color.siting, &mut random);
                let found = bench.kernels.unpack(&picture, *color, self.channels)?;
                let expected = self.tensor(bench, &picture, *color)?;
                let comparison = self.compare_tensors(*size, &expected, &found);
                report.case(id, comparison, || {
                    let found: Vec<f64> = found.iter().copied().map(f64::from).collect();
                    Sight::new(&Image::of_tensor(*size, &expected), &Image::of_tensor(*size, &found))
                });
            }
            Operation::Pack => {
                let tensor = content.tensor(*size, &mut random);
                let found = bench.kernels.pack(&tensor, *format, *size, *color, self.dither)?;
                if self.oracle == Oracle::H273 {
                    let wide: Vec<f64> = tensor.iter().copied().map(f64::from).collect();
                    let exact = h273::codes(&wide, *format, *size, *color);
                    let comparison = self.rule().to_exact(&exact, &found);
                    report.case(id, comparison, || sight(&rounded(&exact, *format, *size), &found, *color));
                } else {
                    let expected = self.frame(bench, &tensor, case)?;
                    let comparison = self.rule().to_codes(&expected, &found);
                    report.case(id, comparison, || sight(&expected, &found, *color));
                }
            }
            Operation::Return => {
                let picture = content.frame(*format, *size, color.siting, &mut random);
                let tensor = bench.kernels.unpack(&picture, *color, 3)?;
                let found = bench.kernels.pack(&tensor, *format, *size, *color, self.dither)?;
                let comparison = self.rule().to_codes(&picture, &found);
                report.case(id, comparison, || sight(&picture, &found, *color));
            }
            Operation::Luma => {
                let picture = content.frame(*format, *size, color.siting, &mut random);
                let larger = scale.apply(*size)?;
                let zimg = bench.zimg.as_ref().map_err(Clone::clone)?;
                let levels = zimg.scaled(&picture, *color, larger)?;
                let exact: Vec<Vec<f64>> = levels
                    .iter()
                    .enumerate()
                    .map(|(component, levels)| {
                        let (zero, span) = h273::code_scale(*format, component, color.range);
                        levels.iter().map(|&level| f64::from(level) * span + zero).collect()
                    })
                    .collect();
                // The luma of the oracle takes the model's place; what is checked is the chroma.
                let found = bench.kernels.pack_luma(&levels[0], &picture, *color, *scale)?;
                let comparison = self.rule().to_exact(&exact, &found);
                report.case(id, comparison, || sight(&rounded(&exact, *format, larger), &found, *color));
            }
            Operation::Layout => {
                let planar = planar_sibling(*format)?;
                let source = content.frame(planar, *size, color.siting, &mut random);
                let bytes = bench.ffmpeg.as_ref().map_err(Clone::clone)?.laid_out(&source, *format)?;
                let found = Picture::from_raw(*format, *size, &bytes)?;
                let expected = Picture { format: *format, ..source };
                let comparison = self.rule().to_codes(&expected, &found);
                report.case(id, comparison, || sight(&expected, &found, *color));
            }
        }
        Ok(())
    }

    /// The oracle's tensor.
    fn tensor(&self, bench: &Bench, picture: &Picture, color: Color) -> Result<Vec<f64>> {
        let single = |values: Vec<f32>| values.into_iter().map(f64::from).collect();
        match self.oracle {
            Oracle::H273 => Ok(h273::tensor(picture, color, self.channels)),
            Oracle::Stated => Ok(single(stated::tensor(picture, color, self.channels))),
            Oracle::Zimg => bench.zimg.as_ref().map_err(Clone::clone)?.tensor(picture, color).map(single),
            Oracle::Ffmpeg => bench.ffmpeg.as_ref().map_err(Clone::clone)?.tensor(picture, color).map(single),
            Oracle::Input => Err(unsuited("input", "a tensor")),
        }
    }

    /// The oracle's frame.
    fn frame(&self, bench: &Bench, tensor: &[f32], case: &Case) -> Result<Picture> {
        let Case { format, color, size, .. } = *case;
        match self.oracle {
            Oracle::Stated => Ok(stated::frame(tensor, format, size, color, self.dither)),
            Oracle::Zimg => bench.zimg.as_ref().map_err(Clone::clone)?.frame(tensor, format, size, color),
            Oracle::Ffmpeg => bench.ffmpeg.as_ref().map_err(Clone::clone)?.frame(tensor, format, size, color),
            Oracle::H273 | Oracle::Input => Err(unsuited("this", "a frame of codes")),
        }
    }

    fn rule(&self) -> Rule {
        Rule { margin: self.margin, dither: self.dither, as_part: self.tolerance.unit != Unit::Codes }
    }

    fn compare_tensors(&self, size: Size, expected: &[f64], found: &[f32]) -> Comparison {
        let mut comparison = Comparison::default();
        let names = if self.channels == 3 { &["R", "G", "B"][..] } else { &["luma"] };
        let pixels = size.pixels() as usize;
        for (at, (&expected, &found)) in expected.iter().zip(found).enumerate() {
            let place = (at % pixels) as u32;
            let (x, y) = (place % size.width, place / size.width);
            if self.rule().counts(size, x, y) {
                let name = names[at / pixels];
                let seen = if self.clamped { found.clamp(0.0, 1.0) } else { found };
                comparison.note((expected - f64::from(seen)).abs(), || {
                    format!("{name} at ({x}, {y}) is {found}, not {expected}")
                });
            }
        }
        comparison
    }
}

fn sight(expected: &Picture, found: &Picture, color: Color) -> Option<Sight> {
    Sight::new(&Image::of_picture(expected, color), &Image::of_picture(found, color))
}

/// A frame of the codes that these are nearest to.
fn rounded(exact: &[Vec<f64>], format: PixelFormat, size: Size) -> Picture {
    Picture::new(format, size, |component, x, y| {
        let width = component_size(format, size, component).width;
        exact[component][(y * width + x) as usize].round() as u16
    })
}

fn unsuited(oracle: &str, what: &str) -> Error {
    Error::new(Status::InvalidParameter, format!("the oracle {oracle} has no {what}"))
        .help("name another oracle or operation in pixels.json")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernels::Kernels;
    use crate::oracle::ffmpeg::Ffmpeg;
    use crate::oracle::zimg::Zimg;

    /// Kernels without any format, which are allowed to be, or not.
    struct Without {
        allowed: bool,
    }

    fn refused<T>() -> Result<T> {
        Err(Error::new(Status::UnsupportedFormat, "any format"))
    }

    impl Kernels for Without {
        fn name(&self) -> String {
            "none".into()
        }

        fn may_lack_formats(&self) -> bool {
            self.allowed
        }

        fn unpack(&mut self, _: &Picture, _: Color, _: usize) -> Result<Vec<f32>> {
            refused()
        }

        fn pack(&mut self, _: &[f32], _: PixelFormat, _: Size, _: Color, _: bool) -> Result<Picture> {
            refused()
        }

        fn pack_luma(&mut self, _: &[f32], _: &Picture, _: Color, _: Scale) -> Result<Picture> {
            refused()
        }
    }

    /// RV-CONF-1005, RV-CONF-1006
    #[test]
    fn a_format_that_is_refused_is_left_out_on_a_gpu_and_fails_on_the_cpu() {
        for allowed in [true, false] {
            let mut bench = Bench {
                root: fixture::root(),
                build: fixture::root(),
                fixtures: fixture::root().join("tests/conformance"),
                kernels: Box::new(Without { allowed }),
                onnxruntime: fixture::root(),
                zimg: Zimg::open(),
                ffmpeg: Ffmpeg::at("/nowhere".as_ref()),
                python: fixture::root(),
                onnx: None,
            };
            let reports = run(&mut bench).unwrap();
            let returned = reports.iter().find(|report| report.group == "pixels/return").unwrap();
            assert!(returned.left_out + returned.failed > 0);
            assert_eq!((returned.left_out > 0, returned.failed > 0), (allowed, !allowed));
        }
    }
}
