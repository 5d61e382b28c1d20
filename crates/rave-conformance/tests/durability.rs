//! What results are compared with does not rot unseen.

mod common;

use std::path::{Path, PathBuf};

use common::{conformance, conformance_with, root};
use rave_conformance::durability::{self, Health};
use rave_core::Status;

/// A file with a sidecar, in a folder of its own.
struct File {
    _folder: tempfile::TempDir,
    path: PathBuf,
    bytes: Vec<u8>,
}

impl File {
    /// Of that many bytes, each other than its neighbours.
    fn of(length: usize) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("golden.json");
        let bytes: Vec<u8> =
            (0..length as u32).map(|at| (at.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
        std::fs::write(&path, &bytes).unwrap();
        assert!(durability::protect(&path).unwrap());
        File { _folder: folder, path, bytes }
    }

    fn health(&self) -> Health {
        durability::scrub(&self.path).unwrap()
    }

    /// Flips one bit in each of these symbols.
    fn flip(&self, symbols: impl IntoIterator<Item = usize>) {
        let unit = self.health().symbol_bytes;
        let mut bytes = std::fs::read(&self.path).unwrap();
        for symbol in symbols {
            bytes[symbol * unit + symbol % unit] ^= 1 << (symbol % 8);
        }
        std::fs::write(&self.path, bytes).unwrap();
    }

    fn sidecar(&self) -> PathBuf {
        self.path.with_extension("json.fec")
    }

    /// The file is as it was made.
    fn is_whole(&self) -> bool {
        std::fs::read(&self.path).unwrap() == self.bytes
    }
}

/// RV-CONF-1203
#[test]
fn one_symbol_and_as_many_as_there_are_for_repair_come_back_one_more_does_not() {
    for length in [3000, 41_134, 300_000] {
        let symbols = File::of(length).health().symbols;
        assert!(symbols.1 >= 4 && 10 * symbols.1 >= symbols.0, "{symbols:?}: a tenth, and at least four");
        for damaged in [1, symbols.1] {
            let file = File::of(length);
            // Spread over the file, the last symbol among them.
            file.flip((0..damaged).map(|index| symbols.0 - 1 - index * (symbols.0 / damaged)));
            assert!(!file.is_whole());
            assert_eq!(file.health().damaged.len(), damaged, "{length}");
            assert!(durability::repair(&file.path).unwrap(), "{length} bytes, {damaged} symbols");
            assert!(file.is_whole() && file.health().is_good());
        }
        let file = File::of(length);
        file.flip(0..=symbols.1);
        let before = std::fs::read(&file.path).unwrap();
        let error = durability::repair(&file.path).unwrap_err();
        assert_eq!(error.status(), Status::Untrusted);
        assert!(error.to_string().contains("cannot be repaired"), "{error}");
        assert_eq!(std::fs::read(&file.path).unwrap(), before, "nothing was written");
    }
}

/// RV-CONF-1203
#[test]
fn a_file_that_was_cut_or_that_grew_comes_back() {
    let file = File::of(41_134);
    std::fs::write(&file.path, &file.bytes[..41_134 - 700]).unwrap();
    assert!(file.health().to_string().contains("40434 bytes, not 41134"), "{}", file.health());
    assert!(durability::repair(&file.path).unwrap() && file.is_whole());

    std::fs::write(&file.path, [&file.bytes[..], b"and more"].concat()).unwrap();
    assert!(!file.health().is_good());
    assert!(durability::repair(&file.path).unwrap() && file.is_whole());
    assert!(!durability::repair(&file.path).unwrap(), "there is nothing left to do");
}

/// A file of no more symbols than there are for repair comes back whole.
///
/// RV-CONF-1203
#[test]
fn a_small_file_that_is_gone_comes_back() {
    let file = File::of(200);
    std::fs::remove_file(&file.path).unwrap();
    assert!(durability::repair(&file.path).unwrap() && file.is_whole());
}

/// RV-CONF-1203
#[test]
fn damaged_repair_symbols_count_as_missing_and_what_is_left_is_used() {
    let file = File::of(3000);
    let text = std::fs::read_to_string(file.sidecar()).unwrap();
    let mut sidecar: serde_json::Value = serde_json::from_str(&text).unwrap();
    let data = sidecar["repair"][0]["data"].as_str().unwrap();
    let first = if data.starts_with('A') { "B" } else { "A" };
    sidecar["repair"][0]["data"] = format!("{first}{}", &data[1..]).into();
    std::fs::write(file.sidecar(), sidecar.to_string()).unwrap();

    assert_eq!(file.health().damaged_repair, [0]);
    let symbols = file.health().symbols;
    file.flip(0..symbols.1 - 1);
    assert!(durability::repair(&file.path).unwrap() && file.is_whole());
    file.flip(0..symbols.1);
    assert!(durability::repair(&file.path).is_err(), "one too few are left");
}

/// RV-CONF-1202
#[test]
fn sidecars_are_the_same_bytes_each_time() {
    let file = File::of(5000);
    assert!(!durability::protect(&file.path).unwrap());
    let other = File::of(5000);
    assert_eq!(std::fs::read(file.sidecar()).unwrap(), std::fs::read(other.sidecar()).unwrap());
}

/// What a sidecar says about numbers, names and versions is not believed before it fits together.
///
/// RV-CONF-1204
#[test]
fn a_sidecar_that_does_not_hold_together_is_refused_before_anything_is_decoded() {
    type Change = fn(&mut serde_json::Value);
    let changes: [(&str, Change); 14] = [
        ("schema 2", |s| s["schema"] = 2.into()),
        ("unknown field `time`", |s| s["time"] = 1.into()),
        ("it is of \"other\"", |s| s["file"] = "other".into()),
        ("0 bytes", |s| s["bytes"] = 0.into()),
        ("a file of 1099511627775 bytes", |s| s["bytes"] = 1_099_511_627_775u64.into()),
        ("50 hashes of 58 symbols", |s| s["bytes"] = 3700.into()),
        ("symbols of 0 bytes", |s| s["symbol_bytes"] = 0.into()),
        ("symbols of 63 bytes", |s| s["symbol_bytes"] = 63.into()),
        ("symbols of 65536 bytes", |s| s["symbol_bytes"] = 65536.into()),
        ("49 hashes of 50 symbols", |s| drop(s["source"].as_array_mut().unwrap().pop())),
        ("4 repair symbols; 50 have 5", |s| drop(s["repair"].as_array_mut().unwrap().pop())),
        ("is no SHA-256", |s| s["source"][0] = "12".into()),
        ("is no SHA-256", |s| s["sha256"] = "G".repeat(64).into()),
        ("missing field `data`", |s| drop(s["repair"][0].as_object_mut().unwrap().remove("data"))),
    ];
    for (says, change) in changes {
        let file = File::of(3200);
        let text = std::fs::read_to_string(file.sidecar()).unwrap();
        let mut sidecar = serde_json::from_str(&text).unwrap();
        change(&mut sidecar);
        std::fs::write(file.sidecar(), sidecar.to_string()).unwrap();
        for result in [durability::scrub(&file.path).map(drop), durability::repair(&file.path).map(drop)] {
            let error = result.unwrap_err();
            assert_eq!(error.status(), Status::Untrusted, "{error}");
            assert!(error.to_string().contains(says), "{says}: {error}");
        }
    }
}

/// Symbols of the wrong length or content never reach the decoder: the file is refused, and nothing panics.
///
/// RV-CONF-1204
#[test]
fn hostile_repair_symbols_and_hashes_end_in_a_refusal() {
    let hostile = |change: fn(&mut serde_json::Value)| {
        let file = File::of(3200);
        let text = std::fs::read_to_string(file.sidecar()).unwrap();
        let mut sidecar = serde_json::from_str(&text).unwrap();
        change(&mut sidecar);
        std::fs::write(file.sidecar(), sidecar.to_string()).unwrap();
        file.flip([7]);
        let before = std::fs::read(&file.path).unwrap();
        let refused = durability::repair(&file.path).is_err();
        assert!(refused && std::fs::read(&file.path).unwrap() == before);
    };
    for data in ["", "AA==", "not base64!"] {
        let file = File::of(3200);
        let text = std::fs::read_to_string(file.sidecar()).unwrap();
        let mut sidecar: serde_json::Value = serde_json::from_str(&text).unwrap();
        for symbol in sidecar["repair"].as_array_mut().unwrap() {
            symbol["data"] = data.into();
        }
        std::fs::write(file.sidecar(), sidecar.to_string()).unwrap();
        file.flip([7]);
        assert!(durability::repair(&file.path).is_err(), "{data:?}");
    }
    // Repair symbols in another order have good hashes and wrong numbers: what they decode to has another hash.
    hostile(|s| s["repair"].as_array_mut().unwrap().reverse());
    // A whole file that the symbols do not make.
    hostile(|s| s["sha256"] = "0".repeat(64).into());
}

/// RV-CONF-1202, RV-CONF-1205
#[test]
fn a_flipped_bit_in_a_golden_file_is_told_with_file_and_symbol() {
    let folder = tempfile::tempdir().unwrap();
    let golden = root().join("tests/golden/hashes.txt");
    let copy = folder.path().join("hashes.txt");
    let mut bytes = std::fs::read(&golden).unwrap();
    bytes[1000] ^= 4;
    std::fs::write(&copy, bytes).unwrap();
    std::fs::copy(golden.with_extension("txt.fec"), copy.with_extension("txt.fec")).unwrap();
    let file = copy.to_str().unwrap();

    let run = conformance(&["scrub", file]);
    assert_eq!(run.code, Some(1), "{}", run.said);
    let Health { symbols, symbol_bytes, .. } = durability::scrub(&golden).unwrap();
    let damaged = 1000 / symbol_bytes;
    let says = format!("hashes.txt: damaged symbols {damaged} of {}, {symbol_bytes} bytes each", symbols.0);
    assert!(run.said.contains(&says), "{says}: {}", run.said);
    assert!(run.said.contains("repair FILE"), "{}", run.said);
    let script = std::fs::read_to_string(root().join("scripts/test.sh")).unwrap();
    assert!(script.contains("rave-conformance -- scrub\n"), "scripts/test.sh begins with it");
    assert_eq!(conformance(&["repair", file]).code, Some(0));
    assert_eq!(std::fs::read(&copy).unwrap(), std::fs::read(&golden).unwrap());
    assert_eq!(conformance(&["scrub", file]).code, Some(0));
}

/// RV-CONF-1206
#[test]
fn under_ci_nothing_is_repaired_and_nothing_renewed() {
    let file = File::of(3000);
    file.flip([3]);
    let before = std::fs::read(&file.path).unwrap();
    let path = file.path.to_str().unwrap();
    for action in ["repair", "protect"] {
        let run = conformance_with(&[action, path], |command| {
            command.env("CI", "true");
        });
        assert_ne!(run.code, Some(0), "{}", run.said);
        assert!(run.said.contains("with CI set"), "{}", run.said);
        assert_eq!(std::fs::read(&file.path).unwrap(), before);
    }
    let run = conformance_with(&["scrub", path], |command| {
        command.env("CI", "true");
    });
    assert_eq!(run.code, Some(1), "it is told all the same: {}", run.said);
    assert!(run.said.contains("damaged symbols 3 of"), "{}", run.said);
}

/// RV-CONF-1201
#[test]
fn everything_that_results_are_compared_with_has_a_good_sidecar() {
    let files = durability::protected(&root()).unwrap();
    let has = |name: &str| files.iter().any(|file| file.ends_with(Path::new(name)));
    for name in [
        "tests/golden/hashes.txt",
        "tests/golden/models/dyadic-2x.onnx",
        "tests/gpu/golden.json",
        "tests/conformance/baseline.json",
        "tests/conformance/pixels.json",
    ] {
        assert!(has(name), "{name} carries a sidecar");
    }
    for file in files {
        let health = durability::scrub(&file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
        assert!(health.is_good(), "{}: {health}", file.display());
    }
}

/// RV-CONF-1201
#[test]
fn a_file_without_a_sidecar_and_a_sidecar_without_a_file_are_told() {
    let root = tempfile::tempdir().unwrap();
    let folder = root.path().join("tests/golden/models");
    std::fs::create_dir_all(&folder).unwrap();
    for name in ["bare.onnx", "gone.onnx.fec", "README.md"] {
        std::fs::write(folder.join(name), "x").unwrap();
    }
    let files = durability::protected(root.path()).unwrap();
    assert_eq!(files, [folder.join("bare.onnx"), folder.join("gone.onnx")]);
    assert_eq!(durability::scrub(&files[0]).unwrap_err().status(), Status::FileNotFound);
    assert_eq!(durability::scrub(&files[1]).unwrap_err().status(), Status::Untrusted);
}

#[test]
fn an_empty_file_is_not_protected() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("empty.json");
    std::fs::write(&file, "").unwrap();
    let error = durability::protect(&file).unwrap_err();
    assert_eq!(error.status(), Status::InvalidParameter, "{error}");
}
