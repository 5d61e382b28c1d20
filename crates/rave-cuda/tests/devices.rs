//! GPUs that are not there or cannot be had, as the driver tells of them. A library in the driver's place stands in for it;
//! each case is a process of its own, since a process asks its driver once.

use std::process::Command;

use rave_core::Status;
use rave_cuda::Device;

/// The number of the GPU that this program, started again, is to make a context on.
const NUMBER: &str = "RAVE_CUDA_TEST_GPU";

struct Case {
    number: u32,
    /// What the stand-in answers.
    answers: &'static [(&'static str, &'static str)],
    status: Status,
    /// What the message has in it.
    words: &'static [&'static str],
}

const CASES: [Case; 7] = [
    Case { number: 1, answers: &[("GPUS", "2")], status: Status::Ok, words: &[] },
    Case {
        number: 0,
        answers: &[("INIT", "100")],
        status: Status::DeviceNotFound,
        words: &["cuInit: CUDA error 100", "nvidia-smi"],
    },
    Case {
        number: 0,
        answers: &[("GPUS", "0")],
        status: Status::DeviceNotFound,
        words: &["no GPU", "CUDA_VISIBLE_DEVICES"],
    },
    Case {
        number: 7,
        answers: &[("GPUS", "2")],
        status: Status::InvalidDevice,
        words: &["GPU number 7", "below 2"],
    },
    Case {
        number: u32::MAX,
        answers: &[("GPUS", "2")],
        status: Status::InvalidDevice,
        words: &["GPU number 4294967295", "below 2"],
    },
    Case {
        number: 1,
        answers: &[("GPUS", "2"), ("GET", "101")],
        status: Status::InvalidDevice,
        words: &["GPU number 1, of 2", "cuDeviceGet: CUDA error 101"],
    },
    Case {
        number: 1,
        answers: &[("GPUS", "2"), ("CREATE", "46")],
        status: Status::InvalidDevice,
        words: &["GPU number 1, of 2", "cuCtxCreate: CUDA error 46", "another process has this GPU"],
    },
];

/// RV-CUDA-1206
#[test]
fn a_gpu_that_is_missing_or_taken_is_told_with_its_number_and_how_many_there_are() {
    const THIS: &str = "a_gpu_that_is_missing_or_taken_is_told_with_its_number_and_how_many_there_are";
    if let Ok(number) = std::env::var(NUMBER) {
        let made = Device::create(number.parse().unwrap());
        let (status, text) =
            made.map_or_else(|error| (error.status(), error.to_string()), |_| (Status::Ok, String::new()));
        println!("\n{}: {text}", status.code());
        return;
    }
    let driver = rave_tests::gpu_standin::driver();
    for Case { number, answers, status, words } in CASES {
        let mut program = Command::new(std::env::current_exe().unwrap());
        program.args(["--exact", THIS, "--nocapture"]);
        program.env(NUMBER, number.to_string()).env("LD_LIBRARY_PATH", driver.path());
        program.envs(answers.iter().map(|(name, value)| (format!("RAVE_STANDIN_{name}"), value)));
        let said = rave_tests::command::stdout_of(&mut program);
        let begin = format!("{}: ", status.code());
        let line = said.lines().find(|line| line.starts_with(&begin));
        let line =
            line.unwrap_or_else(|| panic!("GPU {number}, {answers:?}: no status {status:?} in {said}"));
        for word in words {
            assert!(line.contains(word), "GPU {number}, {answers:?}: no `{word}` in {line}");
        }
    }
}
