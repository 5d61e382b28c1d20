//! An ONNX model on CUDA frames: the real filter and the real TensorRT-RTX, over a driver that stands in for a GPU.

use std::io::{BufRead, BufReader};
use std::os::unix::fs::PermissionsExt;
use std::process::{Command, Stdio};

use rave_tests::command::succeed;
use rave_tests::ffmpeg::{Ffmpeg, Run, builds, clip_and_model, golden_model};
use rave_tests::gpu_standin::GpuStandin;

/// What the filter runs on.
struct Machine(GpuStandin);

impl Machine {
    /// `None`, visibly, where it cannot be had.
    fn new() -> Option<Machine> {
        GpuStandin::new().map(Machine)
    }

    /// The arguments that put CUDA frames through `model` with further options.
    fn arguments(&self, model: &str, options: &str) -> Vec<String> {
        let (library, cache) = (self.0.tensorrt().display(), self.0.cache());
        let rave = format!("rave={model}:runtime_lib={library}:cache={}:{options}", cache.display());
        let filters = format!("format=nv12,hwupload_cuda,{rave}");
        let head = ["-init_hw_device", "cuda=gpu", "-filter_hw_device", "gpu", "-f", "lavfi"];
        let tail = ["-i", "color=s=320x180:d=0.1", "-vf", &filters, "-f", "null", "-"];
        head.into_iter().chain(tail).map(str::to_owned).collect()
    }

    fn run(&self, ffmpeg: &Ffmpeg, options: &str) -> Run {
        ffmpeg.run_with(self.arguments(&model(), options), |command| {
            command.env("LD_LIBRARY_PATH", self.0.folder());
        })
    }

    /// Runs until a line holds `word`, sends `signal`, and returns the exit code and what was said from then on.
    fn interrupted(&self, ffmpeg: &Ffmpeg, arguments: &[String], word: &str, signal: &str) -> (i32, String) {
        let mut command = ffmpeg.command();
        command.args(arguments).env("LD_LIBRARY_PATH", self.0.folder());
        let mut child = Bounded(command.stderr(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap());
        let mut lines = BufReader::new(child.0.stderr.take().unwrap()).lines().map_while(Result::ok);
        assert!(lines.any(|line| line.contains(word)), "FFmpeg {} says `{word}`", ffmpeg.version);
        succeed(Command::new("kill").arg(format!("-{signal}")).arg(child.0.id().to_string()));
        let rest: Vec<String> = lines.collect();
        (child.0.wait().unwrap().code().unwrap(), rest.join("\n"))
    }
}

fn model() -> String {
    golden_model("dyadic-2x").display().to_string()
}

/// The installed command, if it is there.
fn builder() -> Option<String> {
    let program = rave_tests::build_dir().join("prefix/bin/rave");
    program.is_file().then(|| format!("builder={}", program.display()))
}

fn count(run: &Run, words: &str) -> usize {
    run.stderr.matches(words).count()
}

/// RV-FILT-1110
#[test]
fn the_first_use_builds_and_says_so_and_the_next_finds_the_engine() {
    let Some(machine) = Machine::new() else { return };
    for ffmpeg in builds() {
        let missing = machine.run(&ffmpeg, "build=never");
        assert_eq!(missing.code, Some(254), "{}", missing.stderr);
        assert_eq!(count(&missing, "[FILE_NOT_FOUND] no engine of"), 1, "{}", missing.stderr);
        for options in ["build=only".to_owned()].into_iter().chain(builder().map(|path| path + ":build=only"))
        {
            let first = machine.run(&ffmpeg, &options);
            assert_eq!(count(&first, "building an engine of"), 1, "{}", first.stderr);
            assert_eq!(count(&first, "] built an engine of"), 1, "{}", first.stderr);
            assert!(first.stderr.contains("frames of 64x64 to 512x256"), "{}", first.stderr);
            assert_eq!(count(&first, "only that was wanted"), 1, "{}", first.stderr);
            let again = machine.run(&ffmpeg, &options);
            assert_eq!(count(&again, "building an engine of"), 0, "{}", again.stderr);
            assert_eq!(count(&again, "only that was wanted"), 1, "{}", again.stderr);
            let kept = machine.0.kept();
            assert!(kept.len() == 1 && kept[0].ends_with(".engine"), "{kept:?}");
            std::fs::remove_dir_all(machine.0.cache()).unwrap();
        }
        let unkept = machine.run(&ffmpeg, "cache=off:build=only");
        assert_eq!(unkept.code, Some(234), "{}", unkept.stderr);
    }
}

/// RV-FILT-1112
#[test]
fn the_command_beside_the_program_builds_unless_another_is_named() {
    let Some(machine) = Machine::new() else { return };
    for ffmpeg in builds() {
        let folder = tempfile::tempdir().unwrap();
        let ffmpeg = ffmpeg.copied_to(folder.path());
        // One that cannot build says which was started.
        let beside = folder.path().join("rave");
        std::fs::write(&beside, "#!/bin/sh\nexit 3\n").unwrap();
        std::fs::set_permissions(&beside, std::fs::Permissions::from_mode(0o755)).unwrap();
        let died = machine.run(&ffmpeg, "build=only");
        assert_eq!(died.code, Some(183), "{}", died.stderr);
        assert!(died.stderr.contains("the process that builds it died (exit status: 3)"), "{}", died.stderr);
        let missing = machine.run(&ffmpeg, "build=only:builder=/no/such/rave");
        assert_eq!(missing.code, Some(251), "{}", missing.stderr);
        assert!(missing.stderr.contains("cannot be started"), "{}", missing.stderr);
        assert!(machine.0.kept().is_empty(), "{:?}", machine.0.kept());
        if let Some(builder) = builder() {
            let built = machine.run(&ffmpeg, &format!("build=only:{builder}"));
            assert_eq!(count(&built, "] built an engine of"), 1, "{}", built.stderr);
            std::fs::remove_dir_all(machine.0.cache()).unwrap();
        }
    }
}

/// RV-FILT-1110
#[test]
fn a_damaged_engine_ends_the_run_or_is_built_again_once() {
    let Some(machine) = Machine::new() else { return };
    for ffmpeg in builds() {
        machine.run(&ffmpeg, "build=only");
        let name = machine.0.kept().remove(0);
        let entry = machine.0.cache().join(&name);
        let mut bytes = std::fs::read(&entry).unwrap();
        bytes[1000] ^= 1;
        std::fs::write(&entry, &bytes).unwrap();
        let strict = machine.run(&ffmpeg, "build=only");
        assert_eq!(strict.code, Some(183), "{}", strict.stderr);
        assert_eq!(count(&strict, &format!("{} is damaged", entry.display())), 1, "{}", strict.stderr);
        let hardened = machine.run(&ffmpeg, "build=only:mode=hardened");
        assert_eq!(count(&hardened, &format!("kept as {name}.bad")), 1, "{}", hardened.stderr);
        assert_eq!(count(&hardened, "] built an engine of"), 1, "{}", hardened.stderr);
        let sound = machine.run(&ffmpeg, "build=only");
        assert_eq!(count(&sound, "building"), 0, "{}", sound.stderr);
        std::fs::remove_dir_all(machine.0.cache()).unwrap();
    }
}

/// RV-FILT-1111
#[test]
fn an_interrupt_ends_the_wait_for_an_engine() {
    let Some(machine) = Machine::new() else { return };
    for ffmpeg in builds() {
        machine.run(&ffmpeg, "build=only");
        let name = machine.0.kept().remove(0);
        // Another process builds this engine, as far as anybody can tell, and never ends.
        std::fs::remove_file(machine.0.cache().join(&name)).unwrap();
        let lock = std::fs::File::create(machine.0.cache().join(name.replace(".engine", ".lock"))).unwrap();
        lock.lock().unwrap();
        for signal in ["INT", "TERM"] {
            let arguments = machine.arguments(&model(), "build=auto");
            let (code, said) = machine.interrupted(&ffmpeg, &arguments, "waiting for it to release", signal);
            // Its own handler has got the signal, too.
            assert_eq!(code, 255, "{said}");
            assert!(said.contains("[CANCELLED]"), "{said}");
        }
        drop(lock);
        std::fs::remove_dir_all(machine.0.cache()).unwrap();
    }
}

/// RV-FILT-1111
#[test]
fn an_interrupt_ends_a_build_and_nothing_of_it_stays() {
    let (Some(machine), Some((_, model))) = (Machine::new(), clip_and_model("animevideov3-x2")) else {
        return;
    };
    for ffmpeg in builds() {
        for options in ["build=only".to_owned()].into_iter().chain(builder().map(|path| path + ":build=only"))
        {
            // A build that was quicker than the signal tells nothing.
            let arguments = machine.arguments(&model, &options);
            let cancelled = (0..5).any(|_| {
                let (code, said) = machine.interrupted(&ffmpeg, &arguments, "building an engine of", "INT");
                assert_eq!(code, 255, "{said}");
                let cancelled = said.contains("[CANCELLED]") && said.contains("the build was cancelled");
                assert_eq!(machine.0.kept().is_empty(), cancelled, "{:?}: {said}", machine.0.kept());
                std::fs::remove_dir_all(machine.0.cache()).unwrap();
                cancelled
            });
            assert!(cancelled, "{options} on FFmpeg {}", ffmpeg.version);
        }
    }
}

/// A process that does not outlive its test.
struct Bounded(std::process::Child);

impl Drop for Bounded {
    fn drop(&mut self) {
        // One that has ended already is no harm.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
