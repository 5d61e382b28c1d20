//! The pixel kernels that are checked.

use rave_core::pixels::{ChromaScaler, Pack, Unpack};
use rave_core::{
    ColorTags, Elements, ElementsMut, Error, PixelFormat, Result, Scale, Size, Status, ValueRange,
};

use crate::color::Color;
use crate::picture::{Picture, empty_planes, frame_mut};

/// An implementation of the pixel kernels.
pub(crate) trait Kernels {
    /// What it is, for reports.
    fn name(&self) -> String;

    /// Whether they may lack formats that fixtures have.
    fn may_lack_formats(&self) -> bool {
        false
    }

    /// What comes next, for [`Planted`].
    fn begin(&mut self, _case: &str) {}

    /// After the last case.
    ///
    /// # Errors
    /// When a fault was to be planted and had no place.
    fn end(&self) -> Result<()> {
        Ok(())
    }

    /// Frame to tensor of `channels` planes, white being 1.
    fn unpack(&mut self, picture: &Picture, color: Color, channels: usize) -> Result<Vec<f32>>;

    /// R'G'B' tensor to frame, white being 1.
    fn pack(
        &mut self,
        tensor: &[f32],
        format: PixelFormat,
        size: Size,
        color: Color,
        dither: bool,
    ) -> Result<Picture>;

    /// The frame that a luma tensor, white being 1, makes beside the chroma of `picture`, `scale` times as large.
    fn pack_luma(&mut self, tensor: &[f32], picture: &Picture, color: Color, scale: Scale)
    -> Result<Picture>;
}

/// Those of rave-core.
pub(crate) struct Cpu;

impl Kernels for Cpu {
    fn name(&self) -> String {
        "the CPU's (rave-core)".into()
    }

    fn unpack(&mut self, picture: &Picture, color: Color, channels: usize) -> Result<Vec<f32>> {
        let mut unpack = Unpack::new(picture.format, picture.size, channels as u32, picture.size)?;
        let mut tensor = vec![f32::NAN; unpack.tensor().elements()];
        let planes = picture.planes();
        let frame = picture.frame(&planes, ColorTags::default())?;
        unpack.run(&frame, color.rave(), ValueRange::Unit, ElementsMut::F32(&mut tensor))?;
        Ok(tensor)
    }

    fn pack(
        &mut self,
        tensor: &[f32],
        format: PixelFormat,
        size: Size,
        color: Color,
        dither: bool,
    ) -> Result<Picture> {
        let mut planes = empty_planes(format, size);
        let mut frame = frame_mut(format, size, &mut planes)?;
        let mut pack = Pack::new(format, size, 3, size, dither)?;
        pack.run(Elements::F32(tensor), ValueRange::Unit, color.rave(), &mut frame)?;
        Ok(Picture::from_planes(format, size, &planes))
    }

    fn pack_luma(
        &mut self,
        tensor: &[f32],
        picture: &Picture,
        color: Color,
        scale: Scale,
    ) -> Result<Picture> {
        let (format, color) = (picture.format, color.rave());
        let mut scaler = ChromaScaler::new(format, picture.size, format, scale)?;
        let size = scaler.size();
        let planes = picture.planes();
        scaler.run(&picture.frame(&planes, ColorTags::default())?, color, color)?;
        let mut target = empty_planes(format, size);
        let mut frame = frame_mut(format, size, &mut target)?;
        let mut pack = Pack::new(format, size, 1, size, false)?;
        pack.run_luma(Elements::F32(tensor), ValueRange::Unit, color, &scaler, &mut frame)?;
        Ok(Picture::from_planes(format, size, &target))
    }
}

/// One sample of one case that comes out wrong, by the least that it can: to see that the check notices.
#[derive(Clone, Debug)]
pub struct Plant {
    /// The case, as reports name it: `FAMILY/GROUP/...`.
    pub case: String,
    /// The component or channel, counted from 0.
    pub component: usize,
    /// The column.
    pub x: u32,
    /// The row.
    pub y: u32,
}

impl std::str::FromStr for Plant {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let mut words = text.rsplitn(4, ':');
        let mut number = |what: &str| {
            words
                .next()
                .and_then(|word| word.parse::<u32>().ok())
                .ok_or_else(|| format!("{text:?} has no {what}: CASE:COMPONENT:X:Y is expected"))
        };
        let (y, x, component) = (number("row")?, number("column")?, number("component")? as usize);
        let case = words.next().filter(|case| !case.is_empty());
        let case = case.ok_or_else(|| format!("{text:?} has no case: CASE:COMPONENT:X:Y is expected"))?;
        Ok(Plant { case: case.into(), component, x, y })
    }
}

/// Kernels with a fault of one least significant bit.
pub(crate) struct Planted {
    inner: Box<dyn Kernels>,
    plant: Plant,
    due: bool,
    done: bool,
}

impl Planted {
    pub(crate) fn new(inner: Box<dyn Kernels>, plant: Plant) -> Self {
        Planted { inner, plant, due: false, done: false }
    }

    /// Flips the least bit of the sample, if its time has come.
    fn corrupt(&mut self, picture: &mut Picture) {
        let Plant { component, x, y, .. } = self.plant;
        let samples = picture.components.get_mut(component);
        if let Some(samples) = samples.filter(|samples| self.due && x < samples.size.width) {
            let at = (y * samples.size.width + x) as usize;
            if let Some(code) = samples.codes.get_mut(at) {
                *code ^= 1;
                self.done = true;
            }
        }
    }
}

impl Kernels for Planted {
    fn name(&self) -> String {
        format!("{}, with a planted fault", self.inner.name())
    }

    fn may_lack_formats(&self) -> bool {
        self.inner.may_lack_formats()
    }

    fn begin(&mut self, case: &str) {
        self.due = case == self.plant.case;
    }

    fn end(&self) -> Result<()> {
        if self.done {
            return Ok(());
        }
        let Plant { case, component, x, y } = &self.plant;
        Err(Error::new(Status::InvalidParameter, format!("nothing is at {case}:{component}:{x}:{y}"))
            .expected("a sample of a case that runs"))
    }

    fn unpack(&mut self, picture: &Picture, color: Color, channels: usize) -> Result<Vec<f32>> {
        let mut tensor = self.inner.unpack(picture, color, channels)?;
        let Plant { component, x, y, .. } = self.plant;
        let at = component * picture.size.pixels() as usize + (y * picture.size.width + x) as usize;
        if let Some(value) = tensor.get_mut(at).filter(|_| self.due) {
            *value = f32::from_bits(value.to_bits() ^ 1);
            self.done = true;
        }
        Ok(tensor)
    }

    fn pack(
        &mut self,
        tensor: &[f32],
        format: PixelFormat,
        size: Size,
        color: Color,
        dither: bool,
    ) -> Result<Picture> {
        let mut picture = self.inner.pack(tensor, format, size, color, dither)?;
        self.corrupt(&mut picture);
        Ok(picture)
    }

    fn pack_luma(
        &mut self,
        tensor: &[f32],
        picture: &Picture,
        color: Color,
        scale: Scale,
    ) -> Result<Picture> {
        let mut picture = self.inner.pack_luma(tensor, picture, color, scale)?;
        self.corrupt(&mut picture);
        Ok(picture)
    }
}
