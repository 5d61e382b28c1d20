//! The public items of one crate, a line each.

use std::collections::BTreeSet;
use std::fmt;
use std::path::Path;

/// The public items of one crate, in the order of a crate's tree.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Listing(Vec<String>);

impl Listing {
    /// What rustdoc's JSON at `path` tells. Traits that every type has, and those that the compiler finds by itself, are
    /// left out; of a derived trait there is its name without its functions.
    pub(crate) fn of(path: &Path) -> Self {
        let items = |derived: bool| -> Vec<String> {
            let items = public_api::Builder::from_rustdoc_json(path)
                .omit_blanket_impls(true)
                .omit_auto_trait_impls(true)
                .omit_auto_derived_impls(!derived)
                .build()
                .unwrap_or_else(|error| panic!("{}: {error}", path.display()));
            items.items().map(ToString::to_string).collect()
        };
        let written: BTreeSet<String> = items(false).into_iter().collect();
        let named = |line: &String| line.starts_with("impl") && !line.contains("StructuralPartialEq");
        Listing(items(true).into_iter().filter(|line| written.contains(line) || named(line)).collect())
    }

    /// A listing as it was written.
    pub(crate) fn read(text: &str) -> Self {
        Listing(text.lines().map(str::to_owned).collect())
    }
}

impl fmt::Display for Listing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|line| writeln!(f, "{line}"))
    }
}

/// Every item that one of them has and the other has not, and where only their order differs, that.
pub(crate) fn differences(listed: &Listing, is: &Listing) -> Vec<String> {
    let set = |listing: &Listing| listing.0.iter().cloned().collect::<BTreeSet<String>>();
    let (before, after) = (set(listed), set(is));
    let gone = before.difference(&after).map(|item| format!("gone:  {item}"));
    let new = after.difference(&before).map(|item| format!("new:   {item}"));
    let mut found: Vec<String> = gone.chain(new).collect();
    if found.is_empty() && listed != is {
        found.push("the items are the same in another order or number".to_owned());
    }
    found
}

/// RV-TEST-1107
#[test]
fn an_item_that_is_new_changed_or_gone_is_named() {
    let listed = Listing::read("pub fn a::f()\npub fn a::g(u32)\n");
    let is = Listing::read("pub fn a::f()\npub fn a::g(u64)\npub struct a::S\n");
    assert_eq!(
        differences(&listed, &is),
        ["gone:  pub fn a::g(u32)", "new:   pub fn a::g(u64)", "new:   pub struct a::S"]
    );
    assert_eq!(differences(&is, &is), [""; 0]);
    let turned = Listing::read("pub fn a::g(u32)\npub fn a::f()\n");
    assert_eq!(differences(&listed, &turned).len(), 1);
}
