//! Exit codes: the classes of failures that FFmpeg's exit code tells apart when the filter fails.

use clap::Command;
use rave_core::Status;

/// What clap exits with for a command line that it does not take.
const USAGE: u8 = 2;

/// Exit code, what it means, and the statuses of that class.
// RV-CLI-1002
const CLASSES: [(u8, &str, &[Status]); 14] = [
    (254, "a file is not there", &[Status::FileNotFound]),
    (251, "a file cannot be read or written", &[Status::Io]),
    (
        243,
        "a file may not be read or written, or is refused as untrusted",
        &[Status::PermissionDenied, Status::Untrusted],
    ),
    (183, "the model or engine cannot be used", &[Status::ModelLoadFailed]),
    (237, "no GPU, or not that one", &[Status::DeviceNotFound, Status::InvalidDevice]),
    (
        218,
        "a library is missing or unusable, or the engine is for another",
        &[Status::RuntimeLibraryMissing, Status::EngineMismatch],
    ),
    (
        234,
        "an option or its value is impossible with this model or library",
        &[Status::InvalidParameter, Status::UnsupportedFormat, Status::AbiMismatch, Status::InvalidHandle],
    ),
    (
        187,
        "the model failed while it ran, or the GPU did",
        &[
            Status::InferenceFailed,
            Status::KernelLaunchFailed,
            Status::VramResidencyFailed,
            Status::DeviceLost,
            Status::FrameLost,
        ],
    ),
    (244, "not enough memory", &[Status::OutOfMemory]),
    (240, "busy", &[Status::Busy]),
    (130, "interrupted by Ctrl-C (other signals: 128 and the signal's number)", &[Status::Cancelled]),
    (171, "the driver or a library failed without saying why", &[Status::Unknown]),
    (190, "a fault in rave itself", &[Status::Panic]),
    (0, "done", &[Status::Ok]),
];

/// The exit code for a failure of class `status`.
pub(crate) fn of(status: Status) -> u8 {
    let class = CLASSES.iter().find(|(_, _, statuses)| statuses.contains(&status));
    // A status that is newer than this table.
    class.map_or(190, |class| class.0)
}

/// Ends the long help of `command`, and of every command below it, with the table.
// RV-CLI-1002
pub(crate) fn in_every_help(command: Command) -> Command {
    let help = match command.get_after_long_help() {
        Some(examples) => format!("{examples}\n\n{}", help()),
        None => help(),
    };
    command.after_long_help(help).mut_subcommands(in_every_help)
}

/// The table.
pub(crate) fn help() -> String {
    let mut codes: Vec<_> = CLASSES.iter().map(|&(code, meaning, _)| (code, meaning)).collect();
    codes.push((1, "doctor: there is something to do"));
    codes.push((USAGE, "the command line is wrong"));
    codes.sort_unstable();
    let lines: Vec<_> = codes.iter().map(|(code, meaning)| format!("  {code:>3}  {meaning}")).collect();
    format!("Exit codes:\n{}", lines.join("\n"))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RV-CLI-1002
    #[test]
    fn every_status_has_one_code_and_the_help_lists_it() {
        for status in Status::ALL {
            let classes = CLASSES.iter().filter(|(_, _, statuses)| statuses.contains(&status));
            assert_eq!(classes.count(), 1, "{status:?}");
            assert!(help().contains(&format!("{:>3}  ", of(status))), "{status:?}");
        }
    }

    /// RV-CLI-1002
    #[test]
    fn codes_are_those_of_ffmpeg_with_the_filter() {
        // What README.md says of the filter.
        for (status, code) in [
            (Status::FileNotFound, 254),
            (Status::PermissionDenied, 243),
            (Status::Untrusted, 243),
            (Status::ModelLoadFailed, 183),
            (Status::DeviceNotFound, 237),
            (Status::RuntimeLibraryMissing, 218),
            (Status::InvalidParameter, 234),
            (Status::UnsupportedFormat, 234),
            (Status::InferenceFailed, 187),
        ] {
            assert_eq!(of(status), code, "{status:?}");
        }
    }
}
