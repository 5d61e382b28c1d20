//! Classes and functions of Python, told by their indentation. A test is a method of unittest: `test_...` in a class.

use super::{Item, with_comments_above};

pub(super) fn items(text: &str) -> Vec<Item> {
    let lines: Vec<&str> = text.lines().collect();
    let mut items: Vec<Item> = Vec::new();
    for (index, line) in lines.iter().enumerate() {
        let indent = indentation(line);
        let words = line.trim_start().trim_start_matches("async ");
        let Some((keyword, rest)) =
            words.split_once(' ').filter(|(word, _)| matches!(*word, "def" | "class"))
        else {
            continue;
        };
        let name = rest.split(['(', ':']).next().unwrap_or(rest).trim();
        let outer = items.iter().rev().find(|item| {
            item.lines.contains(&(index + 1)) && indentation(lines[*item.lines.end() - 1]) >= indent
        });
        let in_class = outer.is_some();
        let name = outer.map_or_else(|| name.to_string(), |outer| format!("{}.{name}", outer.name));
        // The closing parenthesis of a head over several lines stands where the head begins.
        let inside = |line: &&str| {
            indentation(line) > indent || line.trim().is_empty() || line.trim_start().starts_with(')')
        };
        let body = lines[index + 1..].iter().take_while(|line| inside(line)).count();
        let blank = lines[..=index + body].iter().rev().take_while(|line| line.trim().is_empty()).count();
        let above = |line: &str| line.starts_with(['#', '@']);
        let first = with_comments_above(&lines, index + 1, above);
        let test = keyword == "def" && in_class && name.contains(".test_");
        items.push(Item { name, lines: first..=index + 1 + body - blank, test });
    }
    items
}

fn indentation(line: &str) -> usize {
    line.len() - line.trim_start().len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn methods_that_unittest_runs_are_tests() {
        let text = "\
import unittest


def helper(
    a,
):
    return a


class Files(unittest.TestCase):
    # Why.
    def test_it_holds(self) -> None:
        \"\"\"A promise.\"\"\"
        helper(1)

    def other(self):
        pass


if __name__ == \"__main__\":
    unittest.main()
";
        let found: Vec<_> = items(text).into_iter().map(|item| (item.name, item.lines, item.test)).collect();
        let expected = [
            ("helper", 4..=7, false),
            ("Files", 10..=17, false),
            ("Files.test_it_holds", 11..=14, true),
            ("Files.other", 16..=17, false),
        ];
        assert_eq!(found, expected.map(|(name, lines, test)| (name.to_string(), lines, test)));
    }
}
