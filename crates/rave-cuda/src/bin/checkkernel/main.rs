//! Compares every pixel kernel with rave-core's reference on a GPU, and measures it; see `--help`.

mod bench;
mod bench_frames;
mod case;
mod compare;
mod frame_pair;
mod frames;
mod image;
mod luma_case;
mod objects;
mod options;
mod random;
mod reference;
mod replay;
mod report;
mod suite;
mod tile_case;
mod tiles;

use std::process::ExitCode;

use rave_core::{PixelFormat, Result, Status};
use rave_cuda::{Device, PixelKernels, Stream};

use case::{Case, Content, ELEMENTS, FORMATS, FRAME_CONTENTS, TENSOR_CONTENTS};
use compare::Bed;
use luma_case::LumaCase;
use options::Options;
use random::Random;
use report::Report;

/// Failures that are printed and kept for each check; one is enough to go on, more show a pattern.
const KEPT_FAILURES: usize = 8;

fn main() -> ExitCode {
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    if arguments.iter().any(|argument| argument == "--help") {
        println!("{}", options::USAGE);
        return ExitCode::SUCCESS;
    }
    let options = match Options::parse(arguments.into_iter()) {
        Ok(options) => options,
        Err(message) => {
            eprintln!("checkkernel: {message}\n\n{}", options::USAGE);
            return ExitCode::from(2);
        }
    };
    match run(&options) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) if error.status() == Status::DeviceNotFound => {
            let required = std::env::var("RAVE_REQUIRE_GPU").is_ok_and(|value| value == "1");
            println!("skipped: {error}");
            if required { ExitCode::FAILURE } else { ExitCode::SUCCESS }
        }
        Err(error) => {
            eprintln!("checkkernel: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Runs what was asked for; whether all cases are equal.
fn run(options: &Options) -> Result<bool> {
    let device = Device::create(options.device)?;
    println!(
        "{device:?}, CUDA {}.{}",
        device.info().driver_cuda / 1000,
        device.info().driver_cuda % 1000 / 10
    );
    if options.lose_device {
        return objects::lose_device(&device).map(|()| true);
    }
    let bed = Bed { stream: Stream::create(&device)?, kernels: PixelKernels::load(&device)? };
    let mut report = Report {
        seed: options.seed,
        quick: options.quick,
        device: Some(device.info().clone()),
        kernel_driver: report::kernel_driver(),
        ..Report::default()
    };
    if options.check && options.only.is_none() && options.case.is_none() {
        for (name, check) in objects::CHECKS {
            let failure = check(&bed).err().map(|error| error.to_string());
            match &failure {
                Some(failure) => println!("FAILED {name}: {failure}"),
                None => println!("{name}"),
            }
            report.checks.push((name.into(), 1, failure.into_iter().collect()));
        }
    }
    if options.check {
        check_kernels(options, &bed, &mut report)?;
        replay::check(options, &bed, &mut report)?;
        tiles::check(options, &bed, &mut report)?;
        frames::check(options, &bed, &mut report)?;
        println!("{} cases, {} failures", report.cases(), report.failures());
    }
    if options.bench {
        let (bandwidth, measurements) = bench::run(&bed, |format| wanted(options, format))?;
        report.copy_bandwidth = Some(bandwidth);
        report.measurements = measurements;
        if options.only.is_none() {
            report.measurements.extend(bench_frames::tiles(&bed, bandwidth)?);
            report.measurements.extend(bench_frames::compare(&bed, bandwidth)?);
        }
        report.print_measurements();
    }
    if let Some(path) = &options.json {
        std::fs::write(path, report.json()).map_err(|error| rave_core::Error::io(path, &error))?;
    }
    Ok(report.failures() == 0)
}

fn wanted(options: &Options, format: PixelFormat) -> bool {
    options.only.as_ref().is_none_or(|only| format.name().contains(only.as_str()))
}

/// A direction's name, the contents it is tried with, and its comparison.
type Direction = (&'static str, &'static [Content], fn(&Bed, &Case, Random) -> Result<Option<String>>);

fn check_kernels(options: &Options, bed: &Bed, report: &mut Report) -> Result<()> {
    let directions: [Direction; 2] =
        [("unpack", &FRAME_CONTENTS, compare::unpack), ("pack", &TENSOR_CONTENTS, compare::pack)];
    // Every case is drawn by its number alone, so that one can be run again.
    let mut index = 0;
    let mut chosen = |format| {
        index += 1;
        (wanted(options, format) && options.case.is_none_or(|case| case == index)).then_some(index)
    };
    for (name, contents, compare) in directions {
        for format in FORMATS {
            for element in ELEMENTS {
                let mut check = Check::new(format!("{name} {format} {element}"));
                for axes in case::axes(options.quick, format, element, contents) {
                    let Some(index) = chosen(format) else { continue };
                    let (case, random) = Case::draw(options.seed, index, axes);
                    check.add(format!("{name} {case}"), compare(bed, &case, random))?;
                }
                check.finish(report);
            }
        }
    }
    for output in FORMATS {
        let mut check = Check::new(format!("luma {output}"));
        for axes in luma_case::luma_axes(options.quick, output) {
            let Some(index) = chosen(output) else { continue };
            let (case, random) = LumaCase::draw(options.seed, index, axes);
            check.add(format!("luma {case}"), compare::luma(bed, &case, random))?;
        }
        check.finish(report);
    }
    Ok(())
}

/// The cases of one name.
struct Check {
    name: String,
    cases: u64,
    failures: Vec<String>,
}

impl Check {
    fn new(name: String) -> Self {
        Check { name, cases: 0, failures: Vec::new() }
    }

    /// Counts a case; `difference` is what differed, if anything.
    fn add(&mut self, case: String, difference: Result<Option<String>>) -> Result<()> {
        self.cases += 1;
        if let Some(difference) = difference.map_err(|error| error.context(case.clone()))? {
            let failure = format!("{case}: {difference}");
            if self.failures.len() < KEPT_FAILURES {
                println!("FAILED {failure}");
            }
            self.failures.push(failure);
        }
        Ok(())
    }

    fn finish(mut self, report: &mut Report) {
        if self.cases > 0 {
            println!("{}: {} cases, {} failures", self.name, self.cases, self.failures.len());
            self.failures.truncate(KEPT_FAILURES);
            report.checks.push((self.name, self.cases, self.failures));
        }
    }
}
