//! Links and headings of Markdown, as far as this repository writes it.

/// The lines of `text` outside of code blocks, with their numbers, counted from 1.
pub(crate) fn prose(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut fenced = false;
    text.lines().enumerate().filter_map(move |(index, line)| {
        let fence = line.trim_start().starts_with("```");
        fenced ^= fence;
        (!fenced && !fence).then_some((index + 1, line))
    })
}

/// `line` with what stands in code spans taken out.
pub(crate) fn without_code(line: &str) -> String {
    line.split('`').step_by(2).collect::<Vec<_>>().join("code")
}

/// The target of every `](target)` outside of code, with its line.
#[must_use]
pub fn links(text: &str) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    for (number, line) in prose(text) {
        let plain = without_code(line);
        let targets = plain.split("](").skip(1).filter_map(|rest| rest.split_once(')'));
        found.extend(targets.map(|(target, _)| (number, target.to_string())));
    }
    found
}

/// The anchors of all headings, as GitHub makes them: a heading that comes again gets a number.
#[must_use]
pub fn anchors(text: &str) -> Vec<String> {
    let mut anchors: Vec<String> = Vec::new();
    for (_, line) in prose(text).filter(|(_, line)| line.starts_with('#')) {
        let heading = line.trim_start_matches('#').trim().to_lowercase();
        let kept = heading.chars().filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'));
        let slug = kept.collect::<String>().replace(' ', "-");
        let again = (1..).map(|number| format!("{slug}-{number}"));
        let free = std::iter::once(slug.clone()).chain(again).find(|anchor| !anchors.contains(anchor));
        anchors.extend(free);
    }
    anchors
}

/// `text` with each link replaced by its label.
pub(crate) fn without_links(text: &str) -> String {
    let mut plain = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("](") {
        let Some((label, (_, behind))) = before.rsplit_once('[').zip(after.split_once(')')) else { break };
        plain.push_str(label.0);
        plain.push_str(label.1);
        rest = behind;
    }
    plain + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_are_found_outside_of_code_only() {
        let text = "[a](x.md) and [b](y.md#z)\n`[c](no.md)`\n```\n[d](no.md)\n```\n[e](z.md)\n";
        let expected = [(1, "x.md"), (1, "y.md#z"), (6, "z.md")];
        assert_eq!(links(text), expected.map(|(line, target)| (line, target.to_string())));
    }

    #[test]
    fn anchors_are_those_of_github() {
        assert_eq!(
            anchors("# The `house`, again\n\n## A_b-C\n\n# A_b-C\n"),
            ["the-house-again", "a_b-c", "a_b-c-1"]
        );
    }

    #[test]
    fn a_link_becomes_its_label() {
        assert_eq!(without_links("see [a](b.md), [c](d.md#e)."), "see a, c.");
        assert_eq!(without_links("f[0](1"), "f[0](1");
    }
}
