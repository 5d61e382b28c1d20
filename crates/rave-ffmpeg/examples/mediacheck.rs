//! Proves on a GPU what rave-ffmpeg does there: `mediacheck CLIP [GPU]`, one JSON object a line.
//!
//! The clip is decoded by NVDEC into frames on the GPU, whose addresses, pitches and formats are looked at; each is
//! copied to the host and compared, sample by sample, with what software decodes. Frames are put onto the GPU and
//! fetched again. NVENC encodes some of them, where there is one. The exit status is 1 if anything is not as it must be.

use std::collections::BTreeSet;
use std::process::ExitCode;

use rave_core::{Frame, PixelFormat, Result, Size};
use rave_ffmpeg::{
    Decoder, DecoderOptions, Encoder, EncoderOptions, FrameFormat, FramePool, HardwareDevice, HardwareFrames,
    Input, InputOptions, Packet, Received, VideoFrame, release,
};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

/// A frame's time and the hash of its samples.
type Seen = (Option<i64>, [u8; 32]);

// RV-FF-1402
fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    let Some(clip) = arguments.next() else {
        eprintln!("usage: mediacheck CLIP [GPU]");
        return ExitCode::from(2);
    };
    let ordinal = arguments.next().and_then(|text| text.parse().ok()).unwrap_or(0);
    let checks: [(&str, Check); 4] =
        [("device", device), ("nvdec", nvdec), ("frames", frames), ("nvenc", nvenc)];
    let mut failed = 0;
    for (name, check) in checks {
        let outcome =
            check(&clip, ordinal).unwrap_or_else(|error| json!({"ok": false, "error": error.to_string()}));
        failed += u8::from(outcome["ok"] != true);
        let mut line = json!({"check": name});
        line.as_object_mut().expect("an object").extend(outcome.as_object().cloned().unwrap_or_default());
        println!("{line}");
    }
    println!(
        "{}",
        json!({"check": "all", "ok": failed == 0, "failed": failed, "ffmpeg": release(), "clip": clip})
    );
    ExitCode::from(u8::from(failed > 0))
}

type Check = fn(&str, u32) -> Result<Value>;

fn device(_clip: &str, ordinal: u32) -> Result<Value> {
    let device = HardwareDevice::cuda(ordinal)?;
    let again = device.clone();
    let same = device.context_address() == again.context_address();
    Ok(json!({
        "ok": device.context_address() != 0 && same,
        "context": format!("{:#x}", device.context_address()),
        "stream": format!("{:#x}", device.stream_address()),
    }))
}

/// Calls `each` with every frame of a clip.
fn decode(
    clip: &str,
    hardware: Option<&HardwareDevice>,
    mut each: impl FnMut(&VideoFrame) -> Result<()>,
) -> Result<()> {
    let mut input = Input::open(&InputOptions::new(clip))?;
    let video = input.video()?.index;
    let mut decoder = Decoder::open(&input, &DecoderOptions { threads: 0, hardware })?;
    let (mut packet, mut frame) = (Packet::new()?, VideoFrame::new()?);
    loop {
        let more = input.read(&mut packet)?;
        match more {
            true if packet.stream() != video => continue,
            true => decoder.send(&packet)?,
            false => decoder.finish()?,
        }
        while decoder.receive(&mut frame)? == Received::Yes {
            each(&frame)?;
        }
        if !more {
            return Ok(());
        }
    }
}

/// The hash of a frame's samples, component by component, whatever planes and bits they are stored in.
fn hash_of(frame: &Frame<'_>) -> [u8; 32] {
    let layout = frame.format().layout();
    let mut hash = Sha256::new();
    let components = if layout.planes == 1 && layout.components[0] == layout.components[1] { 1 } else { 3 };
    for component in &layout.components[..components] {
        let plane = frame.plane(component.plane);
        for y in 0..plane.height() {
            let row = plane.row(y);
            let step = component.step * layout.sample_bytes;
            for at in (component.offset * layout.sample_bytes..row.len()).step_by(step) {
                let sample = match layout.sample_bytes {
                    1 => u16::from(row[at]),
                    _ => u16::from_le_bytes([row[at], row[at + 1]]),
                };
                hash.update((sample >> layout.shift).to_le_bytes());
            }
        }
    }
    hash.finalize().into()
}

fn nvdec(clip: &str, ordinal: u32) -> Result<Value> {
    let device = HardwareDevice::cuda(ordinal)?;
    let mut software: Vec<Seen> = Vec::new();
    decode(clip, None, |frame| {
        software.push((frame.pts(), hash_of(&frame.view()?)));
        Ok(())
    })?;
    let (mut hardware, mut formats, mut addresses) = (Vec::new(), BTreeSet::new(), BTreeSet::new());
    let (mut sizes, mut faults) = (BTreeSet::new(), Vec::new());
    let mut host = VideoFrame::new()?;
    decode(clip, Some(&device), |frame| {
        formats.insert(format!("{:?}", frame.format()));
        let (format, planes) = frame.device_planes()?;
        sizes.insert((frame.size(), frame.visible().size));
        addresses.insert(planes[0].address);
        for (index, plane) in planes[..format.layout().planes].iter().enumerate() {
            if plane.address == 0 || plane.pitch < format.row_bytes(index, frame.size().width) {
                faults.push(format!("frame {}, plane {index}: {plane:?}", hardware.len()));
            }
        }
        if HardwareDevice::of(frame)?.context_address() != device.context_address() {
            faults.push(format!("frame {} is in another context", hardware.len()));
        }
        host.download_from(frame)?;
        hardware.push((host.pts(), hash_of(&host.view()?)));
        Ok(())
    })?;
    let differing = software.iter().zip(&hardware).filter(|(a, b)| a != b).count();
    Ok(json!({
        "ok": faults.is_empty() && !hardware.is_empty() && software.len() == hardware.len() && differing == 0,
        "frames": hardware.len(),
        "software_frames": software.len(),
        "differing": differing,
        "formats": formats,
        "addresses": addresses.len(),
        "sizes": sizes.iter().map(|(size, visible)| format!("{size}, visible {visible}")).collect::<Vec<_>>(),
        "faults": faults,
    }))
}

/// Puts patterns onto the GPU in each format that NVENC takes, and fetches them again.
fn frames(_clip: &str, ordinal: u32) -> Result<Value> {
    let device = HardwareDevice::cuda(ordinal)?;
    let mut outcomes = Vec::new();
    let mut ok = true;
    for format in [PixelFormat::Nv12, PixelFormat::P010, PixelFormat::Yuv444p, PixelFormat::Bgr0] {
        let size = Size::new(642, 362);
        let mut pool = HardwareFrames::new(&device, format, size)?;
        let mut host_pool = FramePool::new(format, size)?;
        let (mut there, mut here, mut back) = (VideoFrame::new()?, VideoFrame::new()?, VideoFrame::new()?);
        let mut faults = Vec::new();
        for round in 0..4_u8 {
            host_pool.take(&mut here)?;
            for plane in here.view_mut()?.planes_mut().iter_mut().flatten() {
                for y in 0..plane.height() {
                    let fill =
                        |(x, byte): (usize, &mut u8)| *byte = (x as u8).wrapping_mul(7) ^ (y as u8) ^ round;
                    plane.row_mut(y).iter_mut().enumerate().for_each(fill);
                }
            }
            here.set_pts(Some(i64::from(round)));
            pool.take(&mut there)?;
            there.upload_from(&here)?;
            back.download_from(&there)?;
            if (back.format(), back.pts()) != (FrameFormat::Host(format), here.pts()) {
                faults.push(format!("came back as {:?} at {:?}", back.format(), back.pts()));
            }
            if !here.view()?.is_same(&back.view()?) {
                faults.push(format!("round {round} came back with other pixels"));
            }
            let (_, planes) = there.device_planes()?;
            // NVENC finds the other planes by pitch and height.
            let second = planes[0].address + planes[0].pitch as u64 * u64::from(size.height);
            if format.layout().planes == 2 && planes[1].address != second {
                faults.push(format!("{planes:?} are not one after another"));
            }
        }
        ok &= faults.is_empty();
        outcomes.push(json!({"format": format.name(), "faults": faults}));
    }
    Ok(json!({"ok": ok, "formats": outcomes}))
}

/// Encodes frames that are on the GPU; a GPU without an encoder has to say so.
fn nvenc(_clip: &str, ordinal: u32) -> Result<Value> {
    let device = HardwareDevice::cuda(ordinal)?;
    let (format, size) = (PixelFormat::Nv12, Size::new(640, 360));
    let mut pool = HardwareFrames::new(&device, format, size)?;
    let mut frame = VideoFrame::new()?;
    pool.take(&mut frame)?;
    let mut options =
        EncoderOptions::for_frames_like("h264_nvenc", &frame, rave_ffmpeg::Rational::new(1, 25))?;
    options.hardware = Some(&pool);
    let mut encoder = match Encoder::open(&options) {
        Ok(encoder) => encoder,
        Err(error) => return Ok(json!({"ok": true, "encoder": false, "says": error.to_string()})),
    };
    let (mut packet, mut packets, mut bytes) = (Packet::new()?, 0, 0);
    let mut host_pool = FramePool::new(format, size)?;
    for pts in 0..50 {
        let (mut here, mut there) = (VideoFrame::new()?, VideoFrame::new()?);
        host_pool.take(&mut here)?;
        here.set_pts(Some(pts));
        pool.take(&mut there)?;
        there.upload_from(&here)?;
        encoder.send(&there)?;
        while encoder.receive(&mut packet)? == Received::Yes {
            (packets, bytes) = (packets + 1, bytes + packet.data().len());
        }
    }
    encoder.finish()?;
    while encoder.receive(&mut packet)? == Received::Yes {
        (packets, bytes) = (packets + 1, bytes + packet.data().len());
    }
    Ok(json!({"ok": packets == 50, "encoder": true, "packets": packets, "bytes": bytes}))
}
