//! Items of Rust, from its tokens: a `#[test]` is found inside a macro such as `proptest!` too.

use proc_macro2::{Delimiter, LineColumn, TokenStream, TokenTree};

use super::{Item, with_comments_above};

/// The items, or the line and the message of what could not be read.
pub(super) fn items(text: &str) -> Result<Vec<Item>, (usize, String)> {
    let tokens: TokenStream = text
        .parse()
        .map_err(|error: proc_macro2::LexError| (error.span().start().line, error.to_string()))?;
    let lines: Vec<&str> = text.lines().collect();
    let mut items = Vec::new();
    collect(tokens, "", &mut items);
    for item in &mut items {
        let is_comment = |line: &str| line.starts_with("//") && !line.starts_with("//!");
        let first = with_comments_above(&lines, *item.lines.start(), is_comment);
        item.lines = first..=*item.lines.end();
    }
    Ok(items)
}

/// What stands before the keyword of an item.
#[derive(Default)]
struct Head {
    first_line: Option<usize>,
    test: bool,
}

impl Head {
    fn begins(&mut self, at: LineColumn) {
        self.first_line.get_or_insert(at.line);
    }
}

fn collect(tokens: TokenStream, path: &str, items: &mut Vec<Item>) {
    let tokens: Vec<TokenTree> = tokens.into_iter().collect();
    let mut head = Head::default();
    let mut index = 0;
    while index < tokens.len() {
        let token = &tokens[index];
        if let (Some(attribute), true) = (attribute(&tokens[index..]), is_punct(token, '#')) {
            head.begins(token.span().start());
            head.test |= attribute.ends_with("test");
            index += 2;
            continue;
        }
        if is_modifier(&tokens[index..]) {
            head.begins(token.span().start());
            index += 1;
            continue;
        }
        let head = std::mem::take(&mut head);
        let Some((name, last)) = item(&tokens[index..]).filter(|_| begins_an_item(&tokens[..index])) else {
            if let TokenTree::Group(group) = token {
                collect(group.stream(), path, items);
            }
            index += 1;
            continue;
        };
        let name = if path.is_empty() { name } else { format!("{path}::{name}") };
        let first = head.first_line.unwrap_or(token.span().start().line);
        for inner in &tokens[index..=index + last] {
            if let TokenTree::Group(group) = inner {
                collect(group.stream(), &name, items);
            }
        }
        let lines = first..=tokens[index + last].span().end().line;
        items.push(Item { name, lines, test: head.test });
        index += last + 1;
    }
}

/// The path of the attribute that `tokens` begin with: `cfg` of `#[cfg(test)]`, `tokio::test` of `#[tokio::test]`.
fn attribute(tokens: &[TokenTree]) -> Option<String> {
    match tokens {
        [first, TokenTree::Group(group), ..]
            if is_punct(first, '#') && group.delimiter() == Delimiter::Bracket =>
        {
            let path = group
                .stream()
                .into_iter()
                .take_while(|token| matches!(token, TokenTree::Ident(_)) || is_punct(token, ':'));
            Some(path.map(|token| token.to_string()).collect())
        }
        _ => None,
    }
}

/// Whether `tokens` begin with a word that comes before an item's keyword.
fn is_modifier(tokens: &[TokenTree]) -> bool {
    let before_fn =
        || matches!(tokens.get(1), Some(TokenTree::Ident(next)) if *next == "fn" || *next == "unsafe");
    match &tokens[0] {
        TokenTree::Ident(word) if *word == "const" => before_fn(),
        TokenTree::Ident(word) => ["pub", "unsafe", "async", "extern"].iter().any(|other| word == other),
        TokenTree::Group(group) => {
            // `(crate)` of `pub(crate)`.
            group.delimiter() == Delimiter::Parenthesis
                && matches!(group.stream().into_iter().next(),
                    Some(TokenTree::Ident(word)) if word == "crate" || word == "super" || word == "in")
        }
        // `"C"` of `extern "C"`.
        TokenTree::Literal(literal) => literal.to_string() == "\"C\"",
        TokenTree::Punct(_) => false,
    }
}

/// Whether an item can follow `before`: `const` is a keyword of types and generics too, and `fn` one of types.
fn begins_an_item(before: &[TokenTree]) -> bool {
    match before.last() {
        None | Some(TokenTree::Ident(_) | TokenTree::Group(_) | TokenTree::Literal(_)) => true,
        Some(TokenTree::Punct(punct)) => punct.as_char() == ';',
    }
}

/// The name of the item whose keyword `tokens` begin with, and the index of its last token.
fn item(tokens: &[TokenTree]) -> Option<(String, usize)> {
    let TokenTree::Ident(keyword) = &tokens[0] else { return None };
    let keyword = keyword.to_string();
    let ends_with_brace = match keyword.as_str() {
        "fn" | "mod" | "struct" | "enum" | "union" | "trait" | "impl" => true,
        "const" | "static" | "type" => false,
        _ => return None,
    };
    let last = tokens.iter().position(|token| match token {
        TokenTree::Group(group) => ends_with_brace && group.delimiter() == Delimiter::Brace,
        token => is_punct(token, ';'),
    })?;
    let name = match (keyword.as_str(), tokens.get(1)) {
        ("impl", _) => implemented(&tokens[1..last])?,
        (_, Some(TokenTree::Ident(name))) if *name != "mut" => name.to_string(),
        ("static", _) => tokens.get(2)?.to_string(),
        _ => return None,
    };
    Some((name, last))
}

/// The type of an `impl`, without its generics: `Cache` of `impl<T> Drop for Cache<T>`.
fn implemented(tokens: &[TokenTree]) -> Option<String> {
    let (mut depth, mut name) = (0_i32, None);
    let mut arrow = false;
    for token in tokens {
        match token {
            TokenTree::Punct(punct) => {
                match punct.as_char() {
                    '<' => depth += 1,
                    '>' if !arrow => depth -= 1,
                    _ => {}
                }
                arrow = punct.as_char() == '-';
            }
            TokenTree::Ident(word) if depth == 0 && word == "where" => break,
            TokenTree::Ident(word) if depth == 0 && word != "for" && word != "dyn" => {
                name = Some(word.to_string())
            }
            _ => {}
        }
    }
    name
}

fn is_punct(token: &TokenTree, wanted: char) -> bool {
    matches!(token, TokenTree::Punct(punct) if punct.as_char() == wanted)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(text: &str) -> Vec<(String, std::ops::RangeInclusive<usize>, bool)> {
        items(text).unwrap().into_iter().map(|item| (item.name, item.lines, item.test)).collect()
    }

    #[test]
    fn functions_methods_and_tests_are_told_with_the_comments_above_them() {
        let text = "\
use std::fmt;

// why
const A: usize = 1;

/// What it is.
#[derive(Debug)]
pub(crate) struct B<const N: usize>([u8; N]);

impl<const N: usize> fmt::Display for B<N> {
    // here
    fn fmt(&self, f: &mut dyn Fn(*const u8) -> bool) -> fmt::Result {
        todo!()
    }
}

#[cfg(test)]
mod tests {
    /// A promise.
    #[test]
    fn it_holds() {
        assert!(true);
    }

    proptest! {
        #[test]
        fn it_holds_for_all(x in 1..3) {
        }
    }
}
";
        let mut found = named(text);
        found.sort_by_key(|item| *item.1.start());
        let expected = [
            ("A", 3..=4, false),
            ("B", 6..=8, false),
            ("B", 10..=15, false),
            ("B::fmt", 11..=14, false),
            ("tests", 17..=30, false),
            ("tests::it_holds", 19..=23, true),
            ("tests::it_holds_for_all", 26..=28, true),
        ];
        assert_eq!(found, expected.map(|(name, lines, test)| (name.to_string(), lines, test)));
    }

    #[test]
    fn what_is_no_rust_is_told_with_its_line() {
        assert_eq!(items("fn a() {}\nfn b( {\n").unwrap_err().0, 2);
    }
}
