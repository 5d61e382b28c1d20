//! What must change no pixel: threads, runtimes, modes, repeats, and the order of frames.

use rave_core::{Error, PixelFormat, Result, Size, Status};
use serde::Deserialize;

use super::Bench;
use crate::color::{Color, Format, MatrixName, RangeName, SitingName};
use crate::compare::Rule;
use crate::content::Content;
use crate::fixture::{self, Tolerance};
use crate::image::{Image, Sight};
use crate::picture::Picture;
use crate::random::Random;
use crate::subject::{ModeName, Runtime, Setup, Subject, Values};
use crate::tally::GroupReport;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Group {
    name: String,
    about: String,
    oracle: Oracle,
    model: String,
    formats: Vec<Format>,
    size: (u32, u32),
    threads: Vec<usize>,
    runtimes: Vec<Runtime>,
    modes: Vec<ModeName>,
    orders: Vec<Order>,
    tolerance: Tolerance,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Oracle {
    /// The input: the model changes nothing.
    Input,
    /// FFmpeg's nearest-neighbour scaler: the model repeats every pixel.
    Neighbor,
}

/// In which order a session gets its frames.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Order {
    Forwards,
    Backwards,
    /// Every frame twice, with another between.
    Repeated,
}

impl Order {
    fn name(self) -> &'static str {
        match self {
            Order::Forwards => "forwards",
            Order::Backwards => "backwards",
            Order::Repeated => "repeated",
        }
    }

    fn frames(self) -> Vec<usize> {
        match self {
            Order::Forwards => vec![0, 1, 2],
            Order::Backwards => vec![2, 1, 0],
            Order::Repeated => vec![0, 1, 0, 2, 1, 2],
        }
    }
}

const COLOR: Color = Color { matrix: MatrixName::Bt709, range: RangeName::Limited, siting: SitingName::Left };
const FRAMES: usize = 3;

pub(super) fn run(bench: &mut Bench) -> Result<Vec<GroupReport>> {
    let family = fixture::read::<Group>(&bench.fixtures, "pipeline")?;
    Ok(family.groups.iter().map(|group| group.run(bench)).collect())
}

impl Group {
    // RV-CONF-1104
    fn run(&self, bench: &Bench) -> GroupReport {
        let ffmpeg = || bench.ffmpeg.as_ref().map_or("FFmpeg", |ffmpeg| ffmpeg.version());
        let oracle = match self.oracle {
            Oracle::Input => "its own input".into(),
            Oracle::Neighbor => format!("the nearest-neighbour scaler of {}", ffmpeg()),
        };
        let name = format!("pipeline/{}", self.name);
        let subject = "sessions of rave-engine".into();
        let mut report = GroupReport::new(name, &self.about, oracle, subject, &self.tolerance);
        let missing = match (self.oracle, &bench.ffmpeg) {
            (Oracle::Neighbor, Err(error)) => Some(error.clone()),
            _ => None,
        };
        if let Some(error) = missing.or(bench.onnxruntime_there().err()) {
            report.skipped = Some(error.to_string());
            return report;
        }
        for &Format(format) in &self.formats {
            let prepared = self.prepared(bench, format);
            for &threads in &self.threads {
                for &runtime in &self.runtimes {
                    for &mode in &self.modes {
                        for &order in &self.orders {
                            let id = format!(
                                "pipeline/{}/{format}/{threads}-threads/{}/{}/{}",
                                self.name,
                                runtime.name(),
                                mode.name(),
                                order.name()
                            );
                            let done = prepared.as_ref().map_err(Clone::clone).and_then(|frames| {
                                let setup = Setup {
                                    model: bench.model(&self.model)?,
                                    runtime,
                                    mode,
                                    threads,
                                    values: Values::Unit,
                                    format,
                                    size: Size::new(self.size.0, self.size.1),
                                    tile: None,
                                };
                                let mut subject = Subject::new(&setup, &bench.onnxruntime)?;
                                self.run_in_order(&mut subject, order, frames, &id, &mut report)
                            });
                            if let Err(error) = done {
                                report.broken(&id, &error);
                            }
                        }
                    }
                }
            }
        }
        report.finished()
    }

    /// Frames and what must become of them.
    fn prepared(&self, bench: &Bench, format: PixelFormat) -> Result<Vec<(Picture, Picture)>> {
        let size = Size::new(self.size.0, self.size.1);
        (0..FRAMES)
            .map(|index| {
                let mut random = Random::named(&format!("pipeline/{}/{format}/{index}", self.name));
                let picture = Content::Noise.frame(format, size, COLOR.siting, &mut random);
                let expected = match self.oracle {
                    Oracle::Input => picture.clone(),
                    Oracle::Neighbor => {
                        let ffmpeg = bench.ffmpeg.as_ref().map_err(Clone::clone)?;
                        let doubled = Size::new(2 * size.width, 2 * size.height);
                        let filter = format!("scale={}:{}:flags=neighbor", doubled.width, doubled.height);
                        let bytes = picture.planes().concat();
                        let bytes = ffmpeg.filtered(format.name(), size, &bytes, &filter)?;
                        Picture::from_raw(format, doubled, &bytes)?
                    }
                };
                Ok((picture, expected))
            })
            .collect()
    }

    fn run_in_order(
        &self,
        subject: &mut Subject,
        order: Order,
        frames: &[(Picture, Picture)],
        id: &str,
        report: &mut GroupReport,
    ) -> Result<()> {
        for (turn, index) in order.frames().into_iter().enumerate() {
            let (picture, expected) = frames
                .get(index)
                .ok_or_else(|| Error::new(Status::Unknown, format!("there is no frame {index}")))?;
            let found = subject.process(picture, COLOR)?;
            let comparison = Rule::default().to_codes(expected, &found);
            report.case(&format!("{id}/{turn}"), comparison, || {
                let image = |picture| Image::of_picture(picture, COLOR);
                Sight::new(&image(expected), &image(&found))
            });
        }
        Ok(())
    }
}
