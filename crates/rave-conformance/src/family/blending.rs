//! Tiles blended into one picture, against the definition of the blend in double precision.

use rave_core::tiling::{TileBlender, TilePlan, cut_tile};
use rave_core::{Elements, ElementsMut, Result, Scale, Size, TensorShape};
use serde::Deserialize;

use super::Bench;
use crate::fixture::{self, Tolerance};
use crate::image::{Image, Sight};
use crate::random::Random;
use crate::tally::{Comparison, GroupReport};

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Group {
    name: String,
    about: String,
    property: Property,
    frames: Vec<(u32, u32)>,
    /// Width, height and overlap.
    tiles: Vec<(u32, u32, u32)>,
    /// Numerator and denominator.
    scales: Vec<(u32, u32)>,
    tolerance: Tolerance,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Property {
    /// Tiles of noise, against the weights that the documentation of `rave_core::tiling` defines.
    Definition,
    /// Tiles that are white everywhere blend to white.
    Unity,
    /// Tiles that are cut out of a picture blend to that picture.
    Identity,
    /// Every blended pixel lies between the least and the greatest that tiles have there.
    Between,
}

impl Property {
    fn oracle(self) -> &'static str {
        match self {
            Property::Definition => "the definition of the weights in fp64",
            Property::Unity => "a partition of unity: white",
            Property::Identity => "the picture that the tiles were cut from",
            Property::Between => "the least and the greatest of the tiles",
        }
    }
}

pub(super) fn run(bench: &mut Bench) -> Result<Vec<GroupReport>> {
    let family = fixture::read::<Group>(&bench.fixtures, "blending")?;
    Ok(family.groups.iter().map(Group::run).collect())
}

impl Group {
    fn run(&self) -> GroupReport {
        let name = format!("blending/{}", self.name);
        let oracle = self.property.oracle().into();
        let mut report = GroupReport::new(
            name.clone(),
            &self.about,
            oracle,
            "TilePlan and TileBlender (rave-core)".into(),
            &self.tolerance,
        );
        for &(width, height) in &self.frames {
            for &(tile_width, tile_height, overlap) in &self.tiles {
                for &(numerator, denominator) in &self.scales {
                    let id = format!(
                        "{name}/{width}x{height}/{tile_width}x{tile_height}+{overlap}/{numerator}:{denominator}"
                    );
                    let blend = Scale::new(numerator, denominator).map(|scale| {
                        let (frame, tile) = (Size::new(width, height), Size::new(tile_width, tile_height));
                        Blend::new(frame, tile, overlap, scale, self.property, &id)
                    });
                    match blend {
                        Some(Ok(blend)) => {
                            let (expected, comparison) = blend.compared(self.property);
                            report.case(&id, comparison, || blend.sight(&expected));
                        }
                        Some(Err(error)) => report.broken(&id, &error),
                        None => report.broken(
                            &id,
                            &rave_core::Error::new(rave_core::Status::InvalidParameter, "a scale with 0"),
                        ),
                    }
                }
            }
        }
        report.finished()
    }
}

/// Tiles of one channel and what they were blended to.
struct Blend {
    plan: TilePlan,
    scale: Scale,
    tiles: Vec<Vec<f32>>,
    canvas: Size,
    found: Vec<f32>,
}

impl Blend {
    fn new(
        frame: Size,
        tile: Size,
        overlap: u32,
        scale: Scale,
        property: Property,
        id: &str,
    ) -> Result<Self> {
        let plan = TilePlan::new(frame, tile, overlap, scale)?;
        let mut blender = TileBlender::new(&plan, scale, 1)?;
        let canvas = blender.canvas();
        let tile_size = scale.apply(tile)?;
        let mut random = Random::named(id);
        let picture: Vec<f32> = (0..canvas.elements()).map(|_| random.unit() as f32).collect();
        let tiles: Vec<Vec<f32>> = (0..plan.count())
            .map(|index| {
                let elements = TensorShape { channels: 1, size: tile_size }.elements();
                match property {
                    Property::Unity => vec![1.0; elements],
                    Property::Definition | Property::Between => {
                        (0..elements).map(|_| random.unit() as f32).collect()
                    }
                    Property::Identity => {
                        let mut values = vec![0.0; elements];
                        let mut rect = plan.rect(index);
                        (rect.x, rect.y) = (scaled(rect.x, scale), scaled(rect.y, scale));
                        rect.size = tile_size;
                        cut_tile(&picture, canvas, rect, ElementsMut::F32(&mut values));
                        values
                    }
                }
            })
            .collect();
        let mut found = vec![0.0; canvas.elements()];
        for (index, tile) in tiles.iter().enumerate() {
            blender.add(index, Elements::F32(tile), &mut found);
        }
        Ok(Blend { plan, scale, tiles, canvas: canvas.size, found })
    }

    /// What was expected, and how far from it the blend is.
    // RV-CONF-1103
    fn compared(&self, property: Property) -> (Vec<f64>, Comparison) {
        let mut comparison = Comparison::default();
        let mut expected = Vec::with_capacity(self.found.len());
        let axis = |of: fn(rave_core::Rect) -> (u32, u32)| {
            let mut starts: Vec<u32> =
                (0..self.plan.count()).map(|index| of(self.plan.rect(index)).0).collect();
            starts.sort_unstable();
            starts.dedup();
            let extent = scaled(of(self.plan.rect(0)).1, self.scale);
            Axis { starts: starts.into_iter().map(|start| scaled(start, self.scale)).collect(), extent }
        };
        let columns = axis(|rect| (rect.x, rect.size.width));
        let rows = axis(|rect| (rect.y, rect.size.height));
        for y in 0..self.canvas.height {
            for x in 0..self.canvas.width {
                let mut parts = Vec::new();
                for (row, v) in rows.parts(y) {
                    for (column, u) in columns.parts(x) {
                        let value = self.tile_at(row * columns.starts.len() + column, x, y);
                        parts.push((f64::from(value), u * v));
                    }
                }
                let blended: f64 = parts.iter().map(|(value, weight)| value * weight).sum();
                let found = f64::from(self.found[(y * self.canvas.width + x) as usize]);
                let (least, greatest) = parts
                    .iter()
                    .filter(|(_, weight)| *weight > 0.0)
                    .fold((f64::INFINITY, f64::NEG_INFINITY), |(a, b), (value, _)| {
                        (a.min(*value), b.max(*value))
                    });
                let (wanted, difference) = match property {
                    Property::Unity => (1.0, (found - 1.0).abs()),
                    // At a pixel every tile has what the picture has.
                    Property::Identity => (least, (found - least).abs()),
                    Property::Definition => (blended, (found - blended).abs()),
                    Property::Between => (blended, (least - found).max(found - greatest).max(0.0)),
                };
                expected.push(wanted);
                comparison.note(difference, || format!("({x}, {y}) is {found}, not {wanted}"));
            }
        }
        (expected, comparison)
    }

    fn tile_at(&self, index: usize, x: u32, y: u32) -> f32 {
        let rect = self.plan.rect(index);
        let (left, top) = (scaled(rect.x, self.scale), scaled(rect.y, self.scale));
        let width = scaled(rect.size.width, self.scale);
        self.tiles[index][((y - top) * width + (x - left)) as usize]
    }

    fn sight(&self, expected: &[f64]) -> Option<Sight> {
        let found: Vec<f64> = self.found.iter().copied().map(f64::from).collect();
        Sight::new(&Image::of_tensor(self.canvas, expected), &Image::of_tensor(self.canvas, &found))
    }
}

/// A whole number of output pixels.
fn scaled(pixels: u32, scale: Scale) -> u32 {
    pixels / scale.denominator() * scale.numerator()
}

/// Where the tiles of one axis begin, and how long they are, in output pixels.
struct Axis {
    starts: Vec<u32>,
    extent: u32,
}

impl Axis {
    /// The tiles that cover pixel `at`, with their weights.
    fn parts(&self, at: u32) -> impl Iterator<Item = (usize, f64)> {
        let covers = move |start: u32| start <= at && at < start + self.extent;
        let tiles = self.starts.iter().enumerate().filter(move |&(_, &start)| covers(start));
        tiles.map(move |(index, _)| (index, self.come(index, at) * (1.0 - self.come(index + 1, at))))
    }

    /// How far the fade from tile `index - 1` to tile `index` has come at the centre of a pixel: it lies in the middle of
    /// what the two share, is half as long as that, and at most as long as the step from one to the next.
    fn come(&self, index: usize, at: u32) -> f64 {
        if index == 0 {
            return 1.0;
        }
        let Some(&start) = self.starts.get(index) else { return 0.0 };
        let start = f64::from(start);
        let end = f64::from(self.starts[index - 1] + self.extent);
        let middle = (start + end) / 2.0;
        let length = ((end - start) / 2.0).min(start - f64::from(self.starts[index - 1]));
        let place = f64::from(at) + 0.5 - middle;
        if length > 0.0 { (place / length + 0.5).clamp(0.0, 1.0) } else { f64::from(place >= 0.0) }
    }
}
