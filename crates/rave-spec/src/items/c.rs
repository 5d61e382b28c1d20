//! Functions of C, C++ and CUDA, told by the form that they have here: their head begins in the first column, and the
//! brace that closes them stands there.

use super::Item;

pub(super) fn items(text: &str) -> Vec<Item> {
    let mut items = Vec::new();
    let (mut first, mut name, mut open) = (1, None, false);
    for (index, line) in text.lines().enumerate() {
        let number = index + 1;
        let closes = line.starts_with('}');
        if name.is_none() && line.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_') {
            name = function(line);
        }
        open |= line.contains('{');
        if let (Some(name), true) = (&name, closes) {
            items.push(Item { name: String::clone(name), lines: first..=number, test: false });
        }
        let declared = !open && line.trim_end().ends_with(';');
        if closes || declared || (name.is_none() && line.is_empty()) {
            (first, name, open) = (number + 1, None, false);
        }
    }
    items
}

/// The name of the function whose head `line` begins.
fn function(line: &str) -> Option<String> {
    line.match_indices('(').find_map(|(end, _)| {
        let before = line[..end].trim_end();
        let start = before.rfind(|c: char| !c.is_alphanumeric() && c != '_').map_or(0, |place| place + 1);
        let word = &before[start..];
        // `__launch_bounds__(256)` and `__attribute__((...))` come before the name.
        (!word.is_empty() && !word.starts_with("__")).then(|| word.to_string())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn functions_are_told_with_the_comments_above_them() {
        let text = "\
#include <stdio.h>

static int declared(int a,
                    int b);

struct Pair {
    int a;
};

/* What it does. */
static int
defined(int a)
{
    if (a) {
        return 1;
    }
    return 0;
}

__global__ void __launch_bounds__(256) kernel(int a) {
}
";
        let found: Vec<_> = items(text).into_iter().map(|item| (item.name, item.lines)).collect();
        assert_eq!(found, [("defined".to_string(), 10..=18), ("kernel".to_string(), 20..=21)]);
    }
}
