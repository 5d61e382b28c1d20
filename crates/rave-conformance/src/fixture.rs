//! The files of tests/conformance: what is checked, against what, and how far apart the two may be.

use std::path::{Path, PathBuf};

use rave_core::{Error, Result, Status};
use serde::Deserialize;
use serde::de::DeserializeOwned;

/// The version of the files that this program reads; others are refused.
pub(crate) const SCHEMA: u64 = 1;

/// A family of cases: groups that share an oracle and a tolerance.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Family<G> {
    #[serde(rename = "schema")]
    _schema: u64,
    pub(crate) family: String,
    #[serde(rename = "about")]
    _about: String,
    pub(crate) groups: Vec<G>,
}

/// How far a result may be from its oracle's.
#[derive(Clone, Debug, Deserialize, serde::Serialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Tolerance {
    /// The largest difference of a sample.
    pub(crate) worst: f64,
    /// In what it is counted.
    pub(crate) unit: Unit,
    /// The largest part of a group's samples that may differ at all; 1 where nothing is said.
    #[serde(default = "all")]
    pub(crate) share: f64,
    /// Why it is not 0.
    pub(crate) because: String,
}

fn all() -> f64 {
    1.0
}

/// What differences are counted in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Unit {
    /// Parts of white.
    White,
    /// Parts of all codes (2^depth) beyond what rounding to a code explains.
    BeyondRounding,
    /// Codes.
    Codes,
    /// 1 where two things are not equal.
    Unequal,
}

impl Unit {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Unit::White => "of white",
            Unit::BeyondRounding => "of all codes beyond rounding",
            Unit::Codes => "codes",
            Unit::Unequal => "unequal",
        }
    }
}

/// Reads `folder/name.json`.
///
/// # Errors
/// [`Status::FileNotFound`] and its kin; [`Status::InvalidParameter`] for what is no family of this version, naming file,
/// line and field.
// RV-CONF-1002
pub(crate) fn read<G: DeserializeOwned>(folder: &Path, name: &str) -> Result<Family<G>> {
    let path = folder.join(format!("{name}.json"));
    let text = std::fs::read_to_string(&path).map_err(|error| Error::io(&path, &error))?;
    let family = parse::<G>(&text, &path)?;
    if family.family != name || family.groups.is_empty() {
        let found =
            format!("{}: family {:?} of {} groups", path.display(), family.family, family.groups.len());
        return Err(Error::new(Status::InvalidParameter, found).expected(format!("some groups of {name:?}")));
    }
    Ok(family)
}

/// The family that the text of the file at `path` is, whatever its name.
///
/// # Errors
/// As [`read`].
pub(crate) fn parse<G: DeserializeOwned>(text: &str, path: &Path) -> Result<Family<G>> {
    parse_json(text, path, SCHEMA)
}

/// Reads a JSON file of ours, whose member `schema` says its version.
///
/// # Errors
/// As [`read`].
pub(crate) fn read_json<T: DeserializeOwned>(path: &Path, schema: u64) -> Result<T> {
    let text = std::fs::read_to_string(path).map_err(|error| Error::io(path, &error))?;
    parse_json(&text, path, schema)
}

pub(crate) fn parse_json<T: DeserializeOwned>(text: &str, path: &Path, schema: u64) -> Result<T> {
    #[derive(Deserialize)]
    struct Head {
        schema: u64,
    }
    let refused = |why: String| Error::new(Status::InvalidParameter, format!("{}: {why}", path.display()));
    // The version first: the fields of another one may be others.
    let head: Head = serde_json::from_str(text).map_err(|error| refused(error.to_string()))?;
    if head.schema != schema {
        return Err(refused(format!("schema {}", head.schema)).expected(format!("schema {schema}")));
    }
    serde_json::from_str(text).map_err(|error| refused(error.to_string()))
}

/// The root of the repository that this was built in.
#[must_use]
pub fn root() -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    // Without dots, for messages; where this was built elsewhere, there is none.
    root.canonicalize().unwrap_or(root)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Group {
        #[serde(rename = "name")]
        _name: String,
    }

    fn refusal(text: &str) -> String {
        parse_json::<Family<Group>>(text, Path::new("x.json"), SCHEMA).unwrap_err().to_string()
    }

    /// RV-CONF-1002
    #[test]
    fn another_version_an_unknown_field_and_what_is_no_json_are_refused_by_name() {
        let family = |extra: &str| {
            format!(r#"{{"schema": 1, "family": "x", "about": "", "groups": [{{"name": "g"{extra}}}]}}"#)
        };
        assert!(parse_json::<Family<Group>>(&family(""), Path::new("x.json"), SCHEMA).is_ok());
        assert!(refusal(&family(r#", "nmae": 1"#)).contains("unknown field `nmae`"));
        let other = family("").replace("\"schema\": 1", "\"schema\": 2, \"new\": 0");
        assert!(refusal(&other).contains("x.json: schema 2"), "{}", refusal(&other));
        assert!(refusal("{\"schema\": 1").contains("x.json"));
        assert!(refusal("{}").contains("missing field `schema`"));
    }
}
