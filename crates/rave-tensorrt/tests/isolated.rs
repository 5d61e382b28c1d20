//! Engines built in a child process, which here is this very program again.

mod common;

use std::fs;
use std::io::Write;
use std::ops::ControlFlow;
use std::os::fd::AsFd;
use std::path::Path;
use std::process::Command;

use rave_core::{Error, Log, Result, Size, Status, ValueRange};
use rave_tensorrt::{
    BuildOptions, Builder, BuilderOptions, BuiltPlan, Library, NewEngine, SearchOptions, SizeRange, Tried,
    serve_builds,
};

const ROLE: &str = "RAVE_TEST_BUILD_ROLE";

fn builder() -> Option<Builder> {
    common::fetched("libtensorrt_onnxparser_rtx.so.1")?;
    let runtime_lib = Some(common::fetched("libtensorrt_rtx.so.1")?);
    let library = Library::open(&SearchOptions { runtime_lib }).unwrap();
    Some(Builder::new(&library, &BuilderOptions::default(), Log::default()).unwrap())
}

fn golden(name: &str) -> Vec<u8> {
    let models = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/golden/models");
    fs::read(models.join(format!("{name}.onnx"))).unwrap()
}

fn options() -> BuildOptions {
    let size = Size::new(64, 64);
    BuildOptions {
        sizes: Some(SizeRange { min: size, best: size, max: size }),
        compute_capabilities: vec![(8, 9)],
        ..BuildOptions::default()
    }
}

/// This program as a child that plays `role`.
fn child(role: &str) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", "the_child", "--nocapture"]).env(ROLE, role);
    command
}

/// What a child does; nothing in the parent.
#[test]
fn the_child() {
    let Some(role) = std::env::var_os(ROLE) else { return };
    match role.to_str().unwrap() {
        "build" => serve_builds(&|_| panic!("nobody asked for a trial")).unwrap(),
        "overflow" => serve_builds(&overflow).unwrap(),
        "refuse" => serve_builds(&|_| Err(Error::new(Status::InferenceFailed, "it was refused"))).unwrap(),
        "crash" => serve_builds(&|_| std::process::abort()).unwrap(),
        "die" => std::process::abort(),
        "leave" => std::process::exit(3),
        "babble" => {
            let mut parent = fs::File::from(std::io::stdin().as_fd().try_clone_to_owned().unwrap());
            // A message of 8 bytes, of a kind that is not known.
            parent.write_all(&[8, 0, 0, 0, 0, 0, 0, 0, 99, 0, 0, 0, 0, 0, 0, 0]).unwrap();
            hang();
        }
        pid_file => {
            // Hangs, and says who hangs.
            fs::write(pid_file, std::process::id().to_string()).unwrap();
            hang();
        }
    }
}

/// A trial that looks at what it is given, and finds as many bad elements as the plan has bytes.
fn overflow(engine: &NewEngine<'_>) -> Result<Tried> {
    assert_eq!((engine.name, engine.values), ("x.onnx", ValueRange::Byte));
    assert_eq!(engine.compute_capabilities, [(8, 9)]);
    assert!(engine.plan.starts_with(b"vtrt") && engine.library.exists());
    Ok(Tried::NotFinite { elements: engine.plan.len() as u64, of: u64::MAX, capability: (8, 9) })
}

fn hang() -> ! {
    loop {
        std::thread::park();
    }
}

/// RV-TRT-1313
#[test]
fn a_child_builds_the_same_engine_and_tells_how_far_it_is() {
    let Some(builder) = builder() else { return };
    let model = golden("dyadic-2x");
    let here = builder.build("x.onnx", &model, &options(), &mut |_| ControlFlow::Continue(())).unwrap();
    let (mut last, mut layers) = (0.0, 0);
    let there = builder
        .build_isolated(&mut child("build"), "x.onnx", &model, &options(), None, &mut |progress| {
            assert!(progress.fraction >= last, "{progress:?}");
            (last, layers) = (progress.fraction, progress.layers);
            ControlFlow::Continue(())
        })
        .unwrap();
    assert!(here.bytes == there.bytes && here.layers == there.layers);
    assert!(last > 0.8 && layers == there.layers, "{last}, {layers} layers");
}

/// RV-TRT-1314
#[test]
fn a_child_runs_its_engine_once_when_it_is_asked_to() {
    let Some(builder) = builder() else { return };
    let model = golden("dyadic-2x");
    let build = |role: &str, trial| -> Result<BuiltPlan> {
        builder.build_isolated(&mut child(role), "x.onnx", &model, &options(), trial, &mut |_| {
            ControlFlow::Continue(())
        })
    };
    let built = build("overflow", Some(ValueRange::Byte)).unwrap();
    let found = Tried::NotFinite { elements: built.bytes.len() as u64, of: u64::MAX, capability: (8, 9) };
    assert_eq!(built.tried, Some(found));
    assert_eq!(build("build", None).unwrap().tried, None);
    let refused = build("refuse", Some(ValueRange::Unit)).unwrap_err();
    assert_eq!(
        (refused.status(), refused.to_string().contains("it was refused")),
        (Status::InferenceFailed, true)
    );
    let died = build("crash", Some(ValueRange::Unit)).unwrap_err();
    assert_eq!(died.status(), Status::ModelLoadFailed);
    let text = died.to_string();
    assert!(text.contains("was built, and the process that ran it died (signal 6)"), "{text}");
}

/// RV-TRT-1313
#[test]
fn an_error_in_the_child_is_the_error_of_the_parent() {
    let Some(builder) = builder() else { return };
    for name in ["two-inputs", "external-data", "huge-dims"] {
        let model = golden(name);
        let here = builder.build(name, &model, &options(), &mut |_| ControlFlow::Continue(())).unwrap_err();
        let there = builder
            .build_isolated(&mut child("build"), name, &model, &options(), None, &mut |_| {
                ControlFlow::Continue(())
            })
            .unwrap_err();
        assert_eq!((there.status(), there.to_string()), (here.status(), here.to_string()));
    }
}

/// RV-TRT-1313
#[test]
fn a_child_that_dies_or_talks_nonsense_is_an_error_that_says_how_it_ended() {
    let Some(builder) = builder() else { return };
    for (role, how) in [("die", "signal 6"), ("leave", "exit status: 3"), ("babble", "signal 9")] {
        let error = builder
            .build_isolated(&mut child(role), "x.onnx", &golden("dyadic-2x"), &options(), None, &mut |_| {
                ControlFlow::Continue(())
            })
            .unwrap_err();
        assert_eq!(error.status(), Status::ModelLoadFailed);
        assert!(error.to_string().contains(how) && error.to_string().contains("x.onnx"), "{error}");
    }
}

/// RV-TRT-1313
#[test]
fn a_program_that_is_not_there_is_an_error() {
    let Some(builder) = builder() else { return };
    let mut nobody = Command::new("/nonexistent/rave");
    let error = builder
        .build_isolated(&mut nobody, "x.onnx", &golden("dyadic-2x"), &options(), None, &mut |_| {
            ControlFlow::Continue(())
        })
        .unwrap_err();
    assert_eq!(error.status(), Status::Io);
}

/// Whether the process that wrote `file` has ended and was waited for.
fn is_gone(file: &Path) -> bool {
    !Path::new("/proc").join(fs::read_to_string(file).unwrap()).exists()
}

/// RV-TRT-1305
#[test]
fn a_child_that_hangs_is_asked_after_and_gone_when_it_is_broken_off() {
    let Some(builder) = builder() else { return };
    let folder = tempfile::tempdir().unwrap();
    let pid = folder.path().join("pid");
    let error = builder
        .build_isolated(
            &mut child(pid.to_str().unwrap()),
            "x.onnx",
            &golden("dyadic-2x"),
            &options(),
            None,
            &mut |_| {
                // It never says anything: these calls are the parent's own.
                if pid.exists() && fs::metadata(&pid).unwrap().len() > 0 {
                    ControlFlow::Break(())
                } else {
                    ControlFlow::Continue(())
                }
            },
        )
        .unwrap_err();
    assert_eq!(error.status(), Status::Cancelled);
    assert!(is_gone(&pid));
}

/// RV-TRT-1306
#[test]
fn a_panic_of_the_caller_leaves_no_child_behind() {
    let Some(builder) = builder() else { return };
    let folder = tempfile::tempdir().unwrap();
    let pid = folder.path().join("pid");
    let panicked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        let mut hanging = child(pid.to_str().unwrap());
        builder.build_isolated(&mut hanging, "x.onnx", &golden("dyadic-2x"), &options(), None, &mut |_| {
            assert!(!pid.exists() || fs::metadata(&pid).unwrap().len() == 0, "the caller's");
            ControlFlow::Continue(())
        })
    }));
    assert!(panicked.is_err());
    assert!(is_gone(&pid));
}

/// RV-TRT-1313
#[test]
fn a_program_that_was_not_started_for_it_does_not_serve() {
    let output = child("build").stdin(std::process::Stdio::null()).output().unwrap();
    let text = String::from_utf8_lossy(&output.stderr);
    assert!(
        !output.status.success() && text.contains("standard input: Socket operation on non-socket"),
        "{text}"
    );
}
