//! Requirements, traced to the code that enforces them and the tests that prove them.
//!
//! A requirement is a bullet of a SPEC.md, such as rave-core's, with an id and a word of RFC 2119. Sources name the id:
//! in a comment at the place that enforces the requirement, and in the comment above or the body of each test that proves
//! it. [`trace`] reads all of these and gives what docs/requirements and docs/COMPLIANCE.md must be, or every [`Fault`]
//! that it found.
//!
//! What is a test: a `#[test]` of Rust, a method `test_...` of Python's unittest, and every program in C and script in a
//! folder called `tests`. Those in `tests/gpu` run on a GPU, which not every machine has: they prove a MUST only where its
//! bullet says `(on a GPU)`.

#![forbid(unsafe_code)]

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

mod contract;
mod fault;
mod ids;
mod items;
mod links;
pub mod markdown;
mod outputs;
mod repository;
mod specification;
#[cfg(test)]
mod tests;
mod trace;

pub use fault::Fault;
use repository::Repository;
use specification::{Level, Specification};

/// The name of a specification.
const SPEC: &str = "SPEC.md";
/// The longest line of a specification.
const MAX_COLUMNS: usize = 100;

/// The files that follow from specifications and sources.
#[derive(Debug, PartialEq, Eq)]
pub struct Outputs {
    root: PathBuf,
    files: BTreeMap<String, String>,
}

/// Traces the repository at `root`.
///
/// # Errors
/// Everything that is wrong, in the order of files and lines.
pub fn trace(root: &Path) -> Result<Outputs, Vec<Fault>> {
    let repository = Repository::open(root).map_err(|fault| vec![fault])?;
    let mut faults = Vec::new();

    let mut texts = Vec::new();
    for file in repository.files().filter(|file| file.rsplit('/').next() == Some(SPEC)) {
        match repository.read(file) {
            Ok(text) => texts.push((file, text)),
            Err(fault) => faults.push(fault),
        }
    }
    let specifications: Vec<Specification> =
        texts.iter().map(|(file, text)| Specification::read(file, text, &mut faults)).collect();
    specification::check_together(&specifications, &mut faults);
    faults.extend(unspecified(&repository));

    let defined: BTreeSet<_> = specifications.iter().flat_map(|one| one.requirements.keys()).collect();
    let traces = trace::traces(&repository, &defined, &mut faults);
    faults.extend(untested(&specifications, &traces));

    let files = outputs::outputs(&specifications, &traces);
    match repository.read(contract::FILE) {
        Ok(text) => {
            contract::check(&text, &defined, &mut faults);
            links::check(&repository, &files, contract::FILE, &text, &mut faults);
        }
        Err(fault) => faults.push(fault),
    }
    for (file, text) in &texts {
        links::check(&repository, &files, file, text, &mut faults);
    }
    faults.sort();
    if faults.is_empty() { Ok(Outputs { root: root.into(), files }) } else { Err(faults) }
}

/// Manifests of packages without a specification beside them. The root's is the workspace's.
// RV-SPEC-1008
fn unspecified(repository: &Repository) -> impl Iterator<Item = Fault> {
    repository.files().filter_map(|file| {
        let folder = file.strip_suffix("/Cargo.toml")?;
        let help = "write what its users rely on, one bullet for each requirement";
        (!repository.has(&format!("{folder}/{SPEC}")))
            .then(|| Fault::new(file, 0, format!("there is no {SPEC} beside it"), help))
    })
}

/// Requirements of level MUST that no test names, or none that runs where they say.
// RV-SPEC-1004, RV-SPEC-1009
fn untested(specifications: &[Specification], traces: &trace::Traces) -> Vec<Fault> {
    let all = specifications.iter().flat_map(|one| one.requirements.iter().map(|entry| (&one.file, entry)));
    let musts = all.filter(|(_, (_, requirement))| requirement.level == Level::Must);
    musts
        .filter_map(|(file, (id, requirement))| {
            let on_a_gpu = requirement.on_a_gpu();
            let tests = traces.get(id).map(|trace| if on_a_gpu { &trace.gpu_tests } else { &trace.tests });
            let (what, help) = match on_a_gpu {
                false => {
                    ("a test", "name it above the test that proves it, or write that test, or say SHOULD")
                }
                true => ("a test on a GPU", "name it in tests/gpu where it is proven, or say SHOULD"),
            };
            let found = format!("{} is a MUST without {what}", id.as_str());
            let untested = tests.is_none_or(|tests| tests.is_empty());
            untested.then(|| Fault::new(file, requirement.line, found, help))
        })
        .collect()
}

impl Outputs {
    /// Writes what differs from the files on disk, and removes what does not belong there; the paths of both, relative
    /// to the root.
    ///
    /// # Errors
    /// The file that cannot be written.
    pub fn write(&self) -> Result<Vec<String>, Fault> {
        let changed = self.differences()?;
        for file in &changed {
            let path = self.root.join(file);
            let done = match self.files.get(file) {
                Some(text) => std::fs::create_dir_all(path.parent().unwrap_or(&self.root))
                    .and_then(|()| std::fs::write(&path, text)),
                None => std::fs::remove_file(&path),
            };
            done.map_err(|error| unwritable(file, &error))?;
        }
        Ok(changed)
    }

    /// The paths, relative to the root, of what is not on disk as it must be.
    ///
    /// # Errors
    /// A folder that cannot be read.
    // RV-SPEC-1002
    pub fn differences(&self) -> Result<Vec<String>, Fault> {
        let mut different: Vec<String> = self
            .files
            .iter()
            .filter(|(file, text)| {
                std::fs::read(self.root.join(file)).ok().as_deref() != Some(text.as_bytes())
            })
            .map(|(file, _)| file.clone())
            .collect();
        let folder = self.root.join(outputs::FOLDER);
        if folder.is_dir() {
            for entry in std::fs::read_dir(&folder).map_err(|error| unwritable(outputs::FOLDER, &error))? {
                let entry = entry.map_err(|error| unwritable(outputs::FOLDER, &error))?;
                let file = format!("{}/{}", outputs::FOLDER, entry.file_name().to_string_lossy());
                if !self.files.contains_key(&file) {
                    different.push(file);
                }
            }
        }
        different.sort();
        Ok(different)
    }
}

fn unwritable(file: &str, error: &std::io::Error) -> Fault {
    Fault::new(file, 0, error.to_string(), "make the folder readable and writable")
}
