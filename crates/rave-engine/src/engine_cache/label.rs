//! What the cache calls an entry: lines of text, and the hash of them.

use std::fmt::Write as _;

use sha2::{Digest, Sha256};

/// The version of labels and envelopes. Whatever changes the meaning of an entry's bytes raises it.
pub(super) const FORMAT: u32 = 1;

/// What an entry holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// A serialized engine.
    Engine,
    /// The timings that a builder took of one device.
    Timings,
}

impl Kind {
    /// How names of files end.
    pub(super) const fn extension(self) -> &'static str {
        match self {
            Kind::Engine => "engine",
            Kind::Timings => "timings",
        }
    }
}

/// The names of fields that have one value. A label has these, [`Kind`]'s and `format`, and fields whose names begin as
/// [`FAMILIES`] do; nothing else.
const FIELDS: [&str; 7] = [
    "model_sha256",
    "tensorrt_flavour",
    "tensorrt_version",
    "cuda_version",
    "driver_version",
    "compute_capabilities",
    "gpu_name",
];
/// The beginnings of the names of fields that a label may have any number of.
const FAMILIES: [&str; 2] = ["build.", "shape."];

/// The lines `name = value` that an entry is, in an order that follows from their meaning, and their SHA-256.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Label {
    kind: Kind,
    text: String,
}

impl Label {
    pub(super) fn new(kind: Kind) -> Label {
        let mut label = Label { kind, text: String::new() };
        label.add("format", &FORMAT.to_string());
        label.add("kind", kind.extension());
        label
    }

    /// Adds a line. Different names and values give different lines whatever they hold.
    pub(super) fn add(&mut self, name: &str, value: &str) {
        escape(&mut self.text, name, |byte| byte.is_ascii_alphanumeric() || b"_-./:".contains(&byte));
        self.text.push_str(" = ");
        escape(&mut self.text, value, |byte| (b' '..=b'~').contains(&byte));
        self.text.push('\n');
    }

    /// The label that `text` is, or what is wrong with it.
    // RV-ENG-1404
    pub(super) fn parse(text: Vec<u8>) -> Result<Label, String> {
        let text = String::from_utf8(text).map_err(|_| "its label is not UTF-8".to_owned())?;
        let mut lines = text.split_terminator('\n').map(|line| {
            line.split_once(" = ")
                .ok_or_else(|| format!("its label has the line `{}`", line.escape_default()))
        });
        match lines.next().transpose()? {
            Some(("format", version)) if version == FORMAT.to_string() => {}
            other => return Err(format!("its label begins with {other:?}")),
        }
        let kind = match lines.next().transpose()? {
            Some(("kind", "engine")) => Kind::Engine,
            Some(("kind", "timings")) => Kind::Timings,
            other => return Err(format!("its label goes on with {other:?}")),
        };
        let mut names = std::collections::BTreeSet::new();
        for line in lines {
            let (name, _) = line?;
            if !names.insert(name) {
                return Err(format!("its label has the field `{}` twice", name.escape_default()));
            }
            if !FIELDS.contains(&name) && !FAMILIES.iter().any(|family| name.starts_with(family)) {
                return Err(format!("its label has the unknown field `{}`", name.escape_default()));
            }
        }
        let label = Label { kind, text };
        let mut written = Label::new(kind);
        label.fields().iter().for_each(|(name, value)| written.add(name, value));
        if written != label {
            return Err("its label says what it says in another way than it is written".into());
        }
        Ok(label)
    }

    pub(super) fn kind(&self) -> Kind {
        self.kind
    }

    pub(super) fn text(&self) -> &str {
        &self.text
    }

    /// The names and values, but for the format's and the kind's.
    pub(super) fn fields(&self) -> Vec<(String, String)> {
        let lines = self.text.lines().skip(2).filter_map(|line| line.split_once(" = "));
        lines.map(|(name, value)| (unescape(name), unescape(value))).collect()
    }

    pub(super) fn hash(&self) -> [u8; 32] {
        Sha256::digest(&self.text).into()
    }

    /// The hash in hexadecimal digits: the name of the entry's files but for their extension.
    pub(super) fn stem(&self) -> String {
        hex(&self.hash())
    }
}

/// Lower-case hexadecimal digits of `bytes`.
pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(2 * bytes.len()), |mut digits, byte| {
        let _ = write!(digits, "{byte:02x}"); // to a String: cannot fail
        digits
    })
}

/// Appends `raw`, with `%` and every byte that is not `plain` as `%` and two digits.
fn escape(text: &mut String, raw: &str, plain: impl Fn(u8) -> bool) {
    for byte in raw.bytes() {
        if plain(byte) && byte != b'%' {
            text.push(char::from(byte));
        } else {
            let _ = write!(text, "%{byte:02x}"); // to a String: cannot fail
        }
    }
}

/// What [`escape`] was given.
fn unescape(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, tail @ ..] = rest {
        let escaped = (*first == b'%').then(|| tail.get(..2)).flatten();
        let escaped = escaped.and_then(|digits| std::str::from_utf8(digits).ok());
        match escaped.and_then(|digits| u8::from_str_radix(digits, 16).ok()) {
            Some(byte) => {
                bytes.push(byte);
                rest = &tail[2..];
            }
            None => {
                bytes.push(*first);
                rest = tail;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// RV-ENG-1401
    #[test]
    fn what_a_value_holds_cannot_pass_for_another_line() {
        let label = |fields: &[(&str, &str)]| {
            let mut label = Label::new(Kind::Engine);
            fields.iter().for_each(|(name, value)| label.add(name, value));
            label
        };
        let alike: [&[(&str, &str)]; 6] = [
            &[("build.a", "1"), ("build.b", "2")],
            &[("build.a", "1\nbuild.b = 2")],
            &[("build.a = 1\nbuild.b", "2")],
            &[("build.a", "1%0abuild.b = 2")],
            &[("build.a", "1 "), ("build.b", "2")],
            &[("build.a ", "1"), ("build.b", "2")],
        ];
        for (index, fields) in alike.iter().enumerate() {
            let ours = label(fields);
            assert!(alike[..index].iter().all(|other| label(other).hash() != ours.hash()), "{fields:?}");
            let read = Label::parse(ours.text().into()).unwrap();
            assert_eq!(read, ours);
            let told: Vec<(&str, &str)> = Vec::from(*fields);
            let fields = read.fields();
            assert_eq!(fields.iter().map(|(n, v)| (&n[..], &v[..])).collect::<Vec<_>>(), told);
        }
    }

    /// RV-ENG-1404
    #[test]
    fn unknown_fields_and_versions_are_refused() {
        let parse = |text: &str| Label::parse(text.into()).map(|_| ());
        assert_eq!(parse("format = 1\nkind = engine\ngpu_name = x\n"), Ok(()));
        for (text, named) in [
            ("", "None"),
            ("format = 2\nkind = engine\n", "\"2\""),
            ("kind = engine\nformat = 1\n", "\"kind\""),
            ("format = 1\nkind = model\n", "\"model\""),
            ("format = 1\nkind = engine\ncolour = red\n", "`colour`"),
            ("format = 1\nkind = engine\ngpu_name = x\ngpu_name = y\n", "`gpu_name` twice"),
            ("format = 1\nkind = engine\nbuild\n", "`build`"),
            ("format = 1\nkind = engine", "another way"),
            ("format = 1\nkind = engine\ngpu_name = %78\n", "another way"),
            ("format = 1\nkind = engine\ngpu_name = x\r\n", "another way"),
        ] {
            let wrong = parse(text).unwrap_err();
            assert!(wrong.contains(named), "{text:?}: {wrong}");
        }
        assert!(Label::parse(vec![0xff]).unwrap_err().contains("UTF-8"));
    }

    /// Text as of a damaged file: lines of names and values that are almost a label's.
    fn almost() -> impl Strategy<Value = Vec<u8>> {
        let word = prop_oneof![
            Just("format".to_owned()),
            Just("kind".to_owned()),
            Just("gpu_name".to_owned()),
            Just("build.level".to_owned()),
            Just("engine".to_owned()),
            Just("1".to_owned()),
            "[ -~]{0,12}",
            "%[0-9a-fA-F]{0,3}",
        ];
        let between = prop_oneof![3 => Just(" = "), 1 => Just("="), 1 => Just(" = = ")];
        let line = (word.clone(), between, word).prop_map(|(name, between, value)| name + between + &value);
        let lines = proptest::collection::vec(line, 0..6).prop_map(|lines| lines.join("\n") + "\n");
        let begun = lines.clone().prop_map(|rest| format!("format = 1\nkind = engine\n{rest}"));
        let any = proptest::collection::vec(any::<u8>(), 0..200);
        prop_oneof![lines.prop_map(String::into_bytes), begun.prop_map(String::into_bytes), any]
    }

    proptest! {
        /// RV-ENG-1404
        #[test]
        fn whatever_the_text_it_is_a_label_of_known_fields_or_refused(text in almost()) {
            match Label::parse(text.clone()) {
                Err(wrong) => prop_assert!(wrong.contains("its label"), "{}", wrong),
                Ok(label) => {
                    prop_assert_eq!(label.text().as_bytes(), &text[..]);
                    for (name, _) in label.fields() {
                        let family = FAMILIES.iter().any(|family| name.starts_with(family));
                        prop_assert!(family || FIELDS.contains(&name.as_str()), "{}", name);
                    }
                }
            }
        }
    }
}
