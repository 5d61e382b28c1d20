//! What sessions on the CPU take down, and what hardened mode does there. The embedded runtime is always there.

use std::num::NonZero;
use std::path::{Path, PathBuf};

use rave_core::{ColorTags, Frame, FrameMut, Log, Matrix, PixelFormat, Range, Rect, Result, Size, Status};
use rave_engine::{EMBEDDED, Ledger, LedgerOptions, Mode, Model, ModelOptions, Session, SessionOptions};
use rave_ledger::{Crop, Digest, Ending, Event, FrameDone, verify_file};

const SIZE: Size = Size::new(20, 12);

fn golden(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("../../tests/golden/models/{name}.onnx"))
}

fn every(frames: u32) -> Ledger {
    Ledger::open(LedgerOptions { every: NonZero::new(frames), ..LedgerOptions::default() }).unwrap()
}

fn load(model: &str, mode: Mode, threads: usize, ledger: &Ledger) -> Model {
    let options = ModelOptions {
        runtime_lib: Some(EMBEDDED.into()),
        threads,
        mode,
        ledger: ledger.clone(),
        ..ModelOptions::default()
    };
    Model::load(&golden(model), &options).unwrap()
}

fn rgb(model: &Model, mode: Mode) -> Session {
    let options = SessionOptions { mode, ..SessionOptions::new(PixelFormat::Rgb24, SIZE) };
    Session::new(model, &options, Log::default()).unwrap()
}

/// Frame number `frame` of noise without a 0.
fn picture(frame: u32) -> Vec<u8> {
    let mut state = frame;
    let mut next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 24).max(1) as u8
    };
    (0..SIZE.pixels() * 3).map(|_| next()).collect()
}

fn process(session: &mut Session, pixels: &[u8]) -> Result<Vec<u8>> {
    let size = session.output_size();
    let mut out = vec![0; size.pixels() as usize * 3];
    let stride = |size: Size| size.width as isize * 3;
    let input = Frame::new(PixelFormat::Rgb24, SIZE, ColorTags::default(), &[(pixels, stride(SIZE))])?;
    let mut output = FrameMut::new(PixelFormat::Rgb24, size, vec![(&mut out, stride(size))])?;
    session.process(&input, &mut output)?;
    Ok(out)
}

/// The events that a file has, which must be whole.
fn events(path: &Path) -> Vec<Event> {
    let mut events = Vec::new();
    let verified = verify_file(path, |entry| {
        events.push(entry.record.event);
        Ok(())
    });
    assert_eq!(verified.unwrap().ending, Ending::Closed);
    events
}

/// The events of a run with a ledger in a file.
fn run(every: u32, body: impl FnOnce(&Ledger)) -> Vec<Event> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("run.jsonl");
    let options = LedgerOptions { path: Some(path.clone()), every: NonZero::new(every), log: Log::default() };
    body(&Ledger::open(options).unwrap());
    events(&path)
}

/// RV-ENG-1604, RV-LEDGER-1001
#[test]
fn runs_on_one_two_and_seven_threads_have_equal_records() {
    let records = |threads| {
        let ledger = every(1);
        let model = load("dyadic-2x", Mode::Strict, threads, &ledger);
        let mut session = rgb(&model, Mode::Strict);
        (0..5).for_each(|frame| drop(process(&mut session, &picture(frame)).unwrap()));
        drop(session);
        let lines = (0..ledger.lines()).map(|seq| ledger.line(seq).unwrap());
        lines.map(|line| line.split_once(",\"meta\":").unwrap().0.to_owned()).collect::<Vec<_>>()
    };
    let one = records(1);
    assert_eq!(one.len(), 1 + 1 + 1 + 5 + 1, "opened, model, session, frames, session closed");
    for threads in [1, 2, 7] {
        assert_eq!(one, records(threads), "{threads} threads");
    }
}

/// RV-ENG-1603
#[test]
fn model_library_geometry_and_options_are_taken_down() {
    let events = run(0, |ledger| {
        let model = load("fixed-64-2x", Mode::Hardened, 1, ledger);
        let options = SessionOptions {
            output_format: PixelFormat::Gbrp16,
            overlap: Some(8),
            dither: false,
            ..SessionOptions::new(PixelFormat::Rgb24, Size::new(100, 70))
        };
        Session::new(&model, &options, Log::default()).unwrap();
        Session::new(&model, &SessionOptions { overlap: Some(33), ..options }, Log::default()).unwrap_err();
        Model::load(
            Path::new("/no/such.onnx"),
            &ModelOptions { ledger: ledger.clone(), ..ModelOptions::default() },
        )
        .unwrap_err();
    });
    let bytes = std::fs::read(golden("fixed-64-2x")).unwrap();
    let Event::Model(model) = &events[1] else { panic!("{:?}", events[1]) };
    assert_eq!((model.sha256, model.bytes), (Digest::of(&bytes), bytes.len() as u64));
    assert_eq!((&model.backend[..], &model.values[..], &model.mode[..]), ("onnx", "unit", "hardened"));
    assert!(model.library.starts_with("rten ") && model.contract.contains("3x64x64"), "{model:?}");
    let Event::Session(session) = &events[2] else { panic!("{:?}", events[2]) };
    assert_eq!((&session.memory[..], &session.mode[..], session.dither), ("host", "strict", false));
    assert_eq!((&session.input_format[..], &session.output_format[..]), ("rgb24", "gbrp16le"));
    assert_eq!(
        (session.input_size, session.output_size, session.model_size),
        ([100, 70], [200, 140], [64, 64])
    );
    assert_eq!((session.tiles, session.tile, session.overlap), (4, None, Some(8)));
    assert!(matches!(&events[3], Event::SessionClosed(closed) if closed.session == 0));
    for (event, what, status) in
        [(&events[4], "session", "INVALID_PARAMETER"), (&events[5], "model", "FILE_NOT_FOUND")]
    {
        assert!(
            matches!(event, Event::Failed(failed) if failed.what == what && failed.status == status),
            "{event:?}"
        );
    }
    assert!(matches!(&events[6], Event::Closed(closed) if closed.counts.failures == 2));
}

/// RV-ENG-1603
#[test]
fn a_runtime_that_takes_the_place_of_a_missing_one_is_a_fall_back() {
    let events = run(0, |ledger| {
        let options = ModelOptions { ledger: ledger.clone(), ..ModelOptions::default() };
        Model::load(&golden("identity-1x"), &options).unwrap();
    });
    let Event::Model(model) = &events[1] else { panic!("{:?}", events[1]) };
    let fell_back = matches!(&events[2], Event::Fallback(fallback) if fallback.used == model.library);
    // Whether there is an ONNX Runtime is the machine's.
    assert_eq!(fell_back, model.library.starts_with("rten"), "{model:?}");
}

/// RV-ENG-1603, RV-LEDGER-1101
#[test]
fn every_second_frame_has_the_hashes_of_its_bytes_and_its_colours() {
    let mut outputs = Vec::new();
    let events = run(2, |ledger| {
        let model = load("replicate-2x", Mode::Strict, 1, ledger);
        let mut session = rgb(&model, Mode::Strict);
        outputs = (0..5).map(|frame| process(&mut session, &picture(frame)).unwrap()).collect();
    });
    let frames: Vec<&FrameDone> = events
        .iter()
        .filter_map(|event| if let Event::Frame(frame) = event { Some(frame) } else { None })
        .collect();
    assert_eq!(frames.iter().map(|frame| frame.frame).collect::<Vec<_>>(), [0, 2, 4]);
    for frame in frames {
        assert_eq!(frame.input, Digest::of(picture(frame.frame as u32)));
        assert_eq!(frame.output, Digest::of(&outputs[frame.frame as usize]));
        assert_eq!((frame.tags.matrix, frame.tags.range, frame.made.range), (2, 0, 2));
    }
}

/// RV-ENG-1603
#[test]
fn crops_tags_and_repeats_are_taken_down() {
    let tags = ColorTags { matrix: Some(Matrix::Bt2020), range: Some(Range::Full), siting: None };
    let events = run(1, |ledger| {
        let model = load("identity-1x", Mode::Strict, 1, ledger);
        let options = SessionOptions::new(PixelFormat::Gray8, Size::new(8, 6));
        let mut session = Session::new(&model, &options, Log::default()).unwrap();
        let pixels: Vec<u8> = (0..200).collect();
        let visible = Rect { x: 3, y: 2, size: Size::new(8, 6) };
        let frame = Frame::new(PixelFormat::Gray8, Size::new(20, 10), tags, &[(&pixels, 20)]).unwrap();
        let frame = frame.with_visible(visible).unwrap();
        let mut out = [0; 48];
        let mut output = FrameMut::new(PixelFormat::Gray8, Size::new(8, 6), vec![(&mut out, 8)]).unwrap();
        session.process(&frame, &mut output).unwrap();
        assert!(session.is_repeat(&frame, &frame));
    });
    let Event::Frame(frame) = &events[3] else { panic!("{:?}", events[3]) };
    assert_eq!(frame.crop, Some(Crop { stored: [20, 10], at: [3, 2] }));
    assert_eq!((frame.tags.tags().unwrap(), frame.read.matrix), (tags, 9));
    assert!(matches!(&events[4], Event::Repeat(repeat) if repeat.before == 1));
}

/// What becomes of frames of which those in `holes` have a pixel that the model makes NaN of.
fn with_holes(mode: Mode, holes: &[u32]) -> (Vec<Result<Vec<u8>>>, Vec<Event>) {
    let mut results = Vec::new();
    let events = run(0, |ledger| {
        let model = load("nan-of-zero", mode, 2, ledger);
        let mut session = rgb(&model, mode);
        for frame in 0..6 {
            let mut pixels = picture(frame);
            if holes.contains(&frame) {
                pixels[100] = 0;
            }
            results.push(process(&mut session, &pixels));
        }
        let stats = session.stats();
        let count =
            |counter: &std::sync::atomic::AtomicU64| counter.load(std::sync::atomic::Ordering::Relaxed);
        assert_eq!(stats.attempts(), 6);
        let with = |status| {
            results.iter().filter(|r| r.as_ref().is_err_and(|e| e.status() == status)).count() as u64
        };
        assert_eq!(count(&stats.lost_frames), with(Status::FrameLost));
        assert_eq!(count(&stats.failed_frames), with(Status::InferenceFailed));
        assert_eq!(ledger.counts().frames_lost, count(&stats.lost_frames));
        assert_eq!(ledger.counts().failures, count(&stats.failed_frames));
    });
    (results, events)
}

/// RV-ENG-1602, RV-ENG-1605
#[test]
fn in_hardened_mode_one_frame_without_a_result_is_left_out_and_two_in_a_row_are_an_error() {
    use Status::{FrameLost, InferenceFailed};
    for (mode, holes, statuses) in [
        (
            Mode::Strict,
            &[1, 2, 5][..],
            [None, Some(InferenceFailed), Some(InferenceFailed), None, None, Some(InferenceFailed)],
        ),
        (Mode::Hardened, &[1, 5], [None, Some(FrameLost), None, None, None, Some(FrameLost)]),
        (
            Mode::Hardened,
            &[1, 2, 4],
            [None, Some(FrameLost), Some(InferenceFailed), None, Some(FrameLost), None],
        ),
    ] {
        let (results, events) = with_holes(mode, holes);
        for (frame, (result, status)) in results.iter().zip(statuses).enumerate() {
            match result {
                Ok(pixels) => assert!(status.is_none() && *pixels == picture(frame as u32), "frame {frame}"),
                Err(error) => {
                    assert_eq!(Some(error.status()), status, "frame {frame}: {error}");
                    assert!(error.to_string().contains(&format!("frame {frame}: ")), "{error}");
                }
            }
        }
        let lost = |event: &&Event| matches!(event, Event::Act(rave_ledger::Act::FrameLost { .. }));
        let expected = statuses.iter().filter(|status| **status == Some(FrameLost)).count();
        assert_eq!(events.iter().filter(lost).count(), expected);
    }
}
