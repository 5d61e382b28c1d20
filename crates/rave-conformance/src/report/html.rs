//! One page that needs nothing else: no script, no network, pictures inside.

use std::fmt::Write;

use super::meta::Meta;
use super::{Since, Trend};
use crate::image::Sight;
use crate::tally::GroupReport;

const STYLE: &str = "
:root { color-scheme: light dark; --line: #8884; --good: #1a7f37; --bad: #cf222e; --dull: #8a8f98; }
body { font: 15px/1.5 system-ui, sans-serif; max-width: 82rem; margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.6rem; margin-bottom: .2rem; } h2 { font-size: 1.15rem; margin-top: 2.2rem; }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; }
th, td { text-align: left; padding: .35rem .6rem; border-bottom: 1px solid var(--line); vertical-align: top; }
td.n, th.n { text-align: right; white-space: nowrap; }
.ok { color: var(--good); } .failed { color: var(--bad); font-weight: 600; } .skipped, .dull { color: var(--dull); }
code { font-size: .9em; overflow-wrap: anywhere; } small { color: var(--dull); }
figure { margin: 1rem 0; } figure div { display: flex; gap: 1rem; flex-wrap: wrap; }
figure img { image-rendering: pixelated; width: 22rem; max-width: 100%; border: 1px solid var(--line); }
figcaption { margin-bottom: .4rem; } details { margin: .4rem 0; }
";

pub(super) fn page(groups: &[GroupReport], summary: &str, trend: (Since, &[Trend]), meta: &Meta) -> String {
    let mut out = String::from("<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n");
    let _ = write!(
        out,
        "<title>RAVE: conformance</title>\n<style>{STYLE}</style>\n<h1>RAVE: conformance</h1>\n\
         <p>{}</p>\n<p class=\"dull\">rave-conformance {}, on {}</p>\n",
        escaped(summary),
        escaped(meta.version),
        escaped(&meta.cpu)
    );
    table(&mut out, groups);
    worst(&mut out, groups);
    trends(&mut out, trend);
    out
}

fn table(out: &mut String, groups: &[GroupReport]) {
    *out += "<h2>What was checked</h2>\n<table>\n<tr><th>group<th>held against<th class=\"n\">cases\
             <th class=\"n\">samples<th class=\"n\">differ<th class=\"n\">worst<th class=\"n\">allowed<th>\n";
    for group in groups {
        let (class, word) = match (&group.skipped, group.failed) {
            (_, failed @ 1..) => ("failed", format!("{failed} failed")),
            (Some(_), _) => ("skipped", "skipped".into()),
            _ => ("ok", "ok".into()),
        };
        let _ = writeln!(
            out,
            "<tr><td><code>{}</code><br>{}<br><small>{}</small><td>{}<br><small>checked: {}</small>\
             <td class=\"n\">{}<td class=\"n\">{}<td class=\"n\">{:.3}&nbsp;%<td class=\"n\">{:.2e}\
             <td class=\"n\">{:.2e}<br><small>{}</small><td class=\"{class}\">{word}",
            escaped(&group.group),
            escaped(&group.about),
            escaped(&group.tolerance.because),
            escaped(&group.oracle),
            escaped(&group.subject),
            group.cases,
            group.samples,
            100.0 * group.share(),
            group.worst,
            group.tolerance.worst,
            group.tolerance.unit.name(),
        );
        for line in group.skipped.iter().chain(&group.failures) {
            let _ = writeln!(out, "<tr><td colspan=\"8\" class=\"{class}\"><code>{}</code>", escaped(line));
        }
    }
    *out += "</table>\n";
}

/// The case that comes nearest to what is allowed, or furthest beyond it; then the worst of every group.
fn worst(out: &mut String, groups: &[GroupReport]) {
    let strain = |group: &GroupReport| match group.tolerance.worst {
        0.0 if group.worst > 0.0 => f64::INFINITY,
        0.0 => 0.0,
        allowed => group.worst / allowed,
    };
    let mut seen: Vec<(&GroupReport, &Sight)> =
        groups.iter().filter_map(|group| group.sight.as_ref().map(|sight| (group, sight))).collect();
    seen.sort_by(|a, b| strain(b.0).total_cmp(&strain(a.0)));
    let mut seen = seen.into_iter();
    if let Some((group, sight)) = seen.next() {
        *out += "<h2>The worst frame</h2>\n";
        figure(out, group, sight);
    }
    *out += "<h2>The worst frame of each other group</h2>\n";
    for (group, sight) in seen {
        let _ = writeln!(out, "<details><summary><code>{}</code></summary>", escaped(&group.group));
        figure(out, group, sight);
        *out += "</details>\n";
    }
}

fn figure(out: &mut String, group: &GroupReport, sight: &Sight) {
    let [expected, found, difference] = &sight.pictures;
    let gain = match sight.gain {
        Some(gain) => format!("difference, times {gain:.3e}"),
        None => "no difference".into(),
    };
    let _ = write!(
        out,
        "<figure><figcaption><code>{}</code>, {}{}<br><small>{}; found; {gain}</small></figcaption>\n<div>",
        escaped(&sight.case),
        sight.size,
        group.worst_at.as_ref().map_or(String::new(), |at| format!("<br>{}", escaped(at))),
        escaped(&group.oracle),
    );
    for (name, picture) in [("expected", expected), ("found", found), ("difference", difference)] {
        let _ = write!(out, "<img alt=\"{name}\" src=\"{picture}\">");
    }
    *out += "</div></figure>\n";
}

fn trends(out: &mut String, (since, trend): (Since, &[Trend])) {
    let since = match since {
        Since::Report => "the report before",
        Since::Committed => "the committed result",
    };
    let _ = write!(out, "<h2>Since {since}</h2>\n<table>\n");
    *out += "<tr><th>group<th class=\"n\">cases<th class=\"n\">samples that differ<th class=\"n\">worst\n";
    for row in trend {
        let count = |pair: [Option<u64>; 2]| change(pair.map(|value| value.map(|value| value.to_string())));
        let worst = change(row.worst.map(|value| value.map(|value| format!("{value:.2e}"))));
        let _ = writeln!(
            out,
            "<tr><td><code>{}</code><td class=\"n\">{}<td class=\"n\">{}<td class=\"n\">{worst}",
            escaped(&row.group),
            count(row.cases),
            count(row.differing),
        );
    }
    *out += "</table>\n";
}

/// A value before and now; one where they are equal.
fn change([before, now]: [Option<String>; 2]) -> String {
    match (before, now) {
        (Some(before), Some(now)) if before == now => format!("<span class=\"dull\">{now}</span>"),
        (Some(before), Some(now)) => format!("{before} → <b>{now}</b>"),
        (None, Some(now)) => format!("<b>{now}</b> (new)"),
        (Some(before), None) => format!("{before} → <span class=\"failed\">gone</span>"),
        (None, None) => String::new(),
    }
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
