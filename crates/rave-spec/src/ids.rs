//! Ids of requirements: `RV-`, a family of capital letters, `-` and four digits.

/// An id, such as that of the second requirement of rave-core.
///
/// Ids are compared as text: families alphabetically, then numbers, which all have four digits.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Id(String);

impl Id {
    /// The id that is exactly `text`.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let (family, number) = text.strip_prefix("RV-")?.split_once('-')?;
        let letters = !family.is_empty() && family.bytes().all(|byte| byte.is_ascii_uppercase());
        let digits = number.len() == 4 && number.bytes().all(|byte| byte.is_ascii_digit());
        (letters && digits).then(|| Id(text.into()))
    }

    pub(crate) fn family(&self) -> &str {
        self.0["RV-".len()..].split('-').next().unwrap_or_default()
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

/// Everything in `line` that is an id or means to be one: a number of another length is returned as well, so that a slip
/// of the pen is found out.
pub(crate) fn mentions(line: &str) -> Vec<&str> {
    let mut found = Vec::new();
    for (start, _) in line.match_indices("RV-") {
        let within_a_word = line[..start].ends_with(|c: char| c.is_alphanumeric() || c == '-' || c == '_');
        let rest = &line[start + "RV-".len()..];
        let family = rest.len() - rest.trim_start_matches(|c: char| c.is_ascii_uppercase()).len();
        let Some(number) = rest[family..].strip_prefix('-') else { continue };
        let digits = number.len() - number.trim_start_matches(|c: char| c.is_ascii_digit()).len();
        if family > 0 && digits > 0 && !within_a_word {
            found.push(&line[start..start + "RV-".len() + family + 1 + digits]);
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `tail` behind the prefix, so that this file itself mentions no id.
    fn rv(tail: &str) -> String {
        format!("RV-{tail}")
    }

    #[test]
    fn an_id_has_a_family_and_four_digits() {
        assert_eq!(Id::parse(&rv("CORE-1001")).unwrap().family(), "CORE");
        for wrong in ["CORE-101", "CORE-10011", "-1001", "core-1001", "CORE1001", "CORE-1O01"] {
            assert_eq!(Id::parse(&rv(wrong)), None, "{wrong}");
        }
    }

    #[test]
    fn mentions_are_found_anywhere_in_a_line_but_not_inside_words() {
        let line = format!("/// {}: ({}), x{}, RV- and RV-A", rv("A-1001"), rv("BC-22"), rv("A-1002"));
        assert_eq!(mentions(&line), [rv("A-1001"), rv("BC-22")]);
    }
}
