//! SPEC.md: one requirement in each bullet.

use std::collections::BTreeMap;

use crate::ids::Id;
use crate::markdown::{prose, without_code};
use crate::{Fault, MAX_COLUMNS, SPEC};

/// How binding a requirement is: the strongest of the words of RFC 2119 in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Level {
    Must,
    Should,
    May,
}

impl Level {
    pub(crate) const ALL: [Level; 3] = [Level::Must, Level::Should, Level::May];

    pub(crate) fn word(self) -> &'static str {
        match self {
            Level::Must => "MUST",
            Level::Should => "SHOULD",
            Level::May => "MAY",
        }
    }

    fn of(text: &str) -> Option<Self> {
        let text = without_code(text);
        let has = |word| text.split(|c: char| !c.is_alphanumeric()).any(|other| other == word);
        Level::ALL.into_iter().find(|level| has(level.word()))
    }
}

/// One bullet.
#[derive(Debug)]
pub(crate) struct Requirement {
    pub(crate) level: Level,
    /// Its Markdown in one line, without the id.
    pub(crate) text: String,
    pub(crate) line: usize,
}

impl Requirement {
    /// Whether only a GPU can show that it holds.
    pub(crate) fn on_a_gpu(&self) -> bool {
        without_code(&self.text).contains("(on a GPU)")
    }
}

/// One SPEC.md.
#[derive(Debug)]
pub(crate) struct Specification {
    /// Its path, relative to the repository's root.
    pub(crate) file: String,
    pub(crate) requirements: BTreeMap<Id, Requirement>,
}

impl Specification {
    /// The name of what is specified: the folder's.
    pub(crate) fn name(&self) -> &str {
        let folder = self.file.strip_suffix(SPEC).unwrap_or(&self.file).trim_end_matches('/');
        folder.rsplit('/').next().unwrap_or(folder)
    }

    /// Reads `text`, the content of `file`.
    // RV-SPEC-1005
    pub(crate) fn read(file: &str, text: &str, faults: &mut Vec<Fault>) -> Self {
        for (index, line) in text.lines().enumerate() {
            let columns = line.chars().count();
            if columns > MAX_COLUMNS {
                let found = format!("a line of {columns} columns");
                faults.push(Fault::new(file, index + 1, found, format!("break it at {MAX_COLUMNS}")));
            }
        }
        let mut specification = Specification { file: file.into(), requirements: BTreeMap::new() };
        for (line, bullet) in bullets(text) {
            if let Err((found, help)) = specification.add(line, &bullet) {
                faults.push(Fault::new(file, line, found, help));
            }
        }
        if specification.requirements.is_empty() {
            faults.push(Fault::new(
                file,
                0,
                "no requirement",
                "write what users rely on, or delete the file",
            ));
        }
        specification
    }

    fn add(&mut self, line: usize, bullet: &str) -> Result<(), (String, String)> {
        let (id, text) = bullet
            .strip_prefix("**")
            .and_then(|rest| rest.split_once("** "))
            .and_then(|(id, text)| Some((Id::parse(id)?, text)))
            .ok_or_else(|| {
                let found = "a bullet that does not begin with an id".to_string();
                (found, "write `- **RV-FAMILY-NNNN** ...` with four digits, or no bullet".into())
            })?;
        let level = Level::of(text).ok_or_else(|| {
            let found = format!("{} has no word of RFC 2119", id.as_str());
            (found, "say MUST, SHOULD or MAY, in capitals".into())
        })?;
        if let Some(first) = self.requirements.get(&id) {
            let found = format!("{} is defined again, after line {}", id.as_str(), first.line);
            return Err((found, "give one of the two another number".into()));
        }
        self.requirements.insert(id, Requirement { level, text: text.into(), line });
        Ok(())
    }
}

/// Every bullet of the first level with its line, its own lines joined.
fn bullets(text: &str) -> Vec<(usize, String)> {
    let mut bullets: Vec<(usize, String)> = Vec::new();
    let mut open = false;
    for (number, line) in prose(text) {
        if let Some(first) = line.strip_prefix("- ") {
            bullets.push((number, first.trim().into()));
            open = true;
        } else if line.starts_with("  ") && open {
            if let Some((_, bullet)) = bullets.last_mut() {
                bullet.push(' ');
                bullet.push_str(line.trim());
            }
        } else {
            open = false;
        }
    }
    bullets
}

/// Faults of the specifications together: an id, or a family of ids, belongs to one of them.
// RV-SPEC-1003
pub(crate) fn check_together(specifications: &[Specification], faults: &mut Vec<Fault>) {
    let mut families: BTreeMap<&str, &Specification> = BTreeMap::new();
    for specification in specifications {
        let mut own = None;
        for (id, requirement) in &specification.requirements {
            let owner = families.entry(id.family()).or_insert(specification);
            let mut fault = |found: String, help: &str| {
                faults.push(Fault::new(&specification.file, requirement.line, found, help));
            };
            if let Some(first) = owner.requirements.get(id).filter(|_| owner.file != specification.file) {
                let found = format!("{} is defined in {}:{} too", id.as_str(), owner.file, first.line);
                fault(found, "give one of the two another number");
            } else if owner.file != specification.file {
                let found = format!("{} is of the family of {}", id.as_str(), owner.file);
                fault(found, "move it there, or name it by this file's family");
            } else if *own.get_or_insert(id.family()) != id.family() {
                fault(format!("{} is of a second family", id.as_str()), "have one family in a file");
            }
        }
    }
}
