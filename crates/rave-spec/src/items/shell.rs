//! Functions of shell scripts: `name() {` to the brace in the first column.

use super::{Item, with_comments_above};

pub(super) fn items(text: &str) -> Vec<Item> {
    let lines: Vec<&str> = text.lines().collect();
    let mut items = Vec::new();
    for (index, line) in lines.iter().enumerate() {
        let Some((name, body)) = line.split_once("() {") else { continue };
        let is_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
        if name.is_empty() || !name.chars().all(is_name) {
            continue;
        }
        let closed = body.trim_end().ends_with('}');
        let end = lines[index..].iter().position(|line| *line == "}").filter(|_| !closed);
        let first = with_comments_above(&lines, index + 1, |line| line.starts_with('#'));
        let last = index + 1 + end.unwrap_or(0);
        items.push(Item { name: name.into(), lines: first..=last, test: false });
    }
    items
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn functions_are_told_with_the_comments_above_them() {
        let text = "set -e\n\n# a does.\na() {\n    b\n}\nnote() { printf x; }\na\n";
        let found: Vec<_> = items(text).into_iter().map(|item| (item.name, item.lines)).collect();
        assert_eq!(found, [("a".to_string(), 3..=6), ("note".to_string(), 7..=7)]);
    }
}
