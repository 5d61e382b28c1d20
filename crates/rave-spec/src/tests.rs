//! Whole repositories, sound ones and ones with a fault planted in them.

use std::path::Path;
use std::process::Command;

use tempfile::TempDir;

use crate::{Fault, Outputs, trace};

/// In these fixtures `<1001>` stands for an id of the family DEMO, and `<A:1001>` for one of the family A: this file
/// itself must not name requirements that do not exist.
fn with_ids(text: &str) -> String {
    let mut parts = text.split('<');
    let mut made = parts.next().unwrap_or_default().to_string();
    for part in parts {
        match part.split_once('>') {
            Some((id, rest)) if id.ends_with(|c: char| c.is_ascii_digit()) => {
                let (family, number) = id.split_once(':').unwrap_or(("DEMO", id));
                made += &format!("RV-{family}-{number}{rest}");
            }
            _ => made += &format!("<{part}"),
        }
    }
    made
}

const SOUND: [(&str, &str); 10] = [
    (
        "crates/demo/SPEC.md",
        "# demo\n\nSee [the code](src/lib.rs) and [below](#second).\n\n## Second\n\n- **<1001>** It MUST hold,\n  \
         \"always\", as [the code](src/lib.rs) says.\n- **<1002>** It SHOULD be quick.\n- **<1003>** `MUST` MAY be code.\n",
    ),
    ("crates/demo/Cargo.toml", ""),
    (
        "crates/demo/src/lib.rs",
        "// <1001>\nfn hold() {}\n\nimpl Demo {\n    fn quick() {\n        // <1002>\n    }\n}\n",
    ),
    ("crates/demo/tests/it.rs", "/// <1001>\n#[test]\nfn it_holds() {}\n"),
    ("scripts/SPEC.md", "- **<SH:1001>** A script MUST work.\n- **<SH:1002>** Another MUST NOT fail.\n"),
    ("scripts/run.sh", "# <SH:1001>\nrun() {\n    true\n}\n"),
    (
        "tests/models/test_it.py",
        "class Files(unittest.TestCase):\n    def test_a(self):\n        # <SH:1001>\n        pass\n",
    ),
    ("tests/c/misuse.c", "/* <SH:1002> */\nstatic void misused(void)\n{\n}\n"),
    ("tests/gpu/run/kernels.py", "def kernels():\n    # <1002>\n    pass\n"),
    ("docs/CONTRACT.md", "- It holds [<1001>](COMPLIANCE.md#<DEMO:1001>).\n- Scripts work:\n  <SH:1001>.\n"),
];

/// A repository of `SOUND` with `changes` made: a file's content, or none to leave it out.
fn repository(changes: &[(&str, Option<&str>)]) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let git = Command::new("git").args(["init", "--quiet"]).current_dir(&folder).status().unwrap();
    assert!(git.success());
    let sound = SOUND.iter().filter(|(file, _)| !changes.iter().any(|(changed, _)| changed == file));
    let changed = changes.iter().filter_map(|(file, text)| Some((*file, (*text)?)));
    for (file, text) in sound.copied().chain(changed) {
        let path = folder.path().join(file);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        // Anchors are lower case.
        let text = with_ids(text).replace("#RV-DEMO-", "#rv-demo-");
        std::fs::write(path, text).unwrap();
    }
    folder
}

fn outputs(folder: &TempDir) -> Outputs {
    trace(folder.path()).unwrap_or_else(|faults| panic!("{faults:#?}"))
}

fn read(folder: &TempDir, file: &str) -> String {
    std::fs::read_to_string(folder.path().join(file)).unwrap()
}

/// The faults of a repository with one change, each as it is printed.
fn faults(file: &str, text: &str) -> Vec<String> {
    faults_of(&[(file, Some(text))])
}

fn faults_of(changes: &[(&str, Option<&str>)]) -> Vec<String> {
    let folder = repository(changes);
    trace(folder.path()).unwrap_err().iter().map(Fault::to_string).collect()
}

/// Fails unless there is one fault, at `place`, which says `found`.
fn assert_fault(faults: &[String], place: &str, found: &str) {
    let [fault] = faults else { panic!("one fault: {faults:#?}") };
    assert!(fault.starts_with(&format!("{place}: ")), "{fault}");
    assert!(fault.contains(&with_ids(found)), "{fault}");
    let (_, help) = fault.rsplit_once("; ").expect("what to do follows");
    assert!(!help.is_empty(), "{fault}");
}

/// RV-SPEC-1001
#[test]
fn requirements_are_written_with_the_code_and_the_tests_that_name_them() {
    let folder = repository(&[]);
    outputs(&folder).write().unwrap();
    let yaml = read(&folder, "docs/requirements/demo.yaml");
    let expected = with_ids(
        "# Made by `cargo run -p rave-spec`; change crates/demo/SPEC.md and the ids in sources instead.\n\
         specification: \"crates/demo/SPEC.md\"\n\
         requirements:\n\
         \x20 - id: \"<1001>\"\n\
         \x20   level: \"MUST\"\n\
         \x20   text: \"It MUST hold, \\\"always\\\", as the code says.\"\n\
         \x20   code:\n\
         \x20     - \"crates/demo/src/lib.rs hold\"\n\
         \x20   tests:\n\
         \x20     - \"crates/demo/tests/it.rs it_holds\"\n\
         \x20   gpu_tests: []\n\
         \x20 - id: \"<1002>\"\n\
         \x20   level: \"SHOULD\"\n\
         \x20   text: \"It SHOULD be quick.\"\n\
         \x20   code:\n\
         \x20     - \"crates/demo/src/lib.rs Demo::quick\"\n\
         \x20   tests: []\n\
         \x20   gpu_tests:\n\
         \x20     - \"tests/gpu/run/kernels.py kernels\"\n\
         \x20 - id: \"<1003>\"\n\
         \x20   level: \"MAY\"\n\
         \x20   text: \"`MUST` MAY be code.\"\n\
         \x20   code: []\n\
         \x20   tests: []\n\
         \x20   gpu_tests: []\n",
    );
    assert_eq!(yaml, expected);
    let scripts = read(&folder, "docs/requirements/scripts.yaml");
    for place in ["scripts/run.sh run", "tests/models/test_it.py Files.test_a", "tests/c/misuse.c misused"] {
        assert!(scripts.contains(&format!("- \"{place}\"\n")), "{place}: {scripts}");
    }
    let compliance = read(&folder, "docs/COMPLIANCE.md");
    for line in [
        "| [demo](../crates/demo/SPEC.md) | 1 | 1 | 1 | 1 of 3 | 1 |",
        "### <1001>",
        "MUST: It MUST hold, \"always\", as the code says.",
        "- code: [crates/demo/src/lib.rs](../crates/demo/src/lib.rs) `hold`",
        "- test: [tests/c/misuse.c](../tests/c/misuse.c) `misused`",
        "- test on a GPU: [tests/gpu/run/kernels.py](../tests/gpu/run/kernels.py) `kernels`",
        "- no test",
    ] {
        assert!(compliance.lines().any(|other| other == with_ids(line)), "{line}: {compliance}");
    }
}

/// RV-SPEC-1002
#[test]
fn a_second_run_changes_no_byte_and_what_is_stale_is_told() {
    let folder = repository(&[]);
    let files = ["docs/COMPLIANCE.md", "docs/requirements/demo.yaml", "docs/requirements/scripts.yaml"];
    assert_eq!(outputs(&folder).differences().unwrap(), files);
    assert_eq!(outputs(&folder).write().unwrap(), files);
    assert!(outputs(&folder).write().unwrap().is_empty());
    assert!(outputs(&folder).differences().unwrap().is_empty());

    std::fs::write(folder.path().join("docs/requirements/gone.yaml"), "").unwrap();
    std::fs::write(folder.path().join(files[1]), "x").unwrap();
    let stale = [files[1], "docs/requirements/gone.yaml"];
    assert_eq!(outputs(&folder).differences().unwrap(), stale);
    outputs(&folder).write().unwrap();
    assert!(!folder.path().join("docs/requirements/gone.yaml").exists());
}

/// RV-SPEC-1003
#[test]
fn an_id_that_is_defined_twice_is_a_fault() {
    let twice = "- **<1001>** It MUST.\n- **<1001>** It MAY.\n";
    let found = faults_of(&[
        ("crates/demo/SPEC.md", Some(twice)),
        ("crates/demo/src/lib.rs", None),
        ("tests/gpu/run/kernels.py", None),
    ]);
    assert_fault(&found, "crates/demo/SPEC.md:2", "<1001> is defined again, after line 1");

    let elsewhere = "- **<1001>** A script MUST work.\n- **<SH:1001>** It MUST.\n- **<SH:1002>** It MUST.\n";
    let found = faults("scripts/SPEC.md", elsewhere);
    assert_fault(&found, "scripts/SPEC.md:1", "<1001> is defined in crates/demo/SPEC.md:7 too");
    let found =
        faults("scripts/SPEC.md", &elsewhere.replace("<1001>", "<1009>").replace("A script MUST", "It MAY"));
    assert_fault(&found, "scripts/SPEC.md:1", "<1009> is of the family of crates/demo/SPEC.md");
    let found = faults(
        "scripts/SPEC.md",
        &elsewhere.replace("<1001>", "<A:1009>").replace("A script MUST", "It MAY"),
    );
    assert!(found.iter().any(|fault| fault.contains("of a second family")), "{found:#?}");
}

/// RV-SPEC-1003
#[test]
fn an_id_that_is_used_and_not_defined_is_a_fault() {
    let found = faults("scripts/run.sh", "true\n# <SH:1003>\n");
    assert_fault(&found, "scripts/run.sh:2", "<SH:1003> is defined nowhere");
    let found = faults("scripts/run.sh", "# <SH:101>\n");
    assert_fault(&found, "scripts/run.sh:1", "<SH:101> is defined nowhere");
    let found = faults("docs/CONTRACT.md", "- It holds (<1004>).\n");
    assert_fault(&found, "docs/CONTRACT.md:1", "<1004> is defined nowhere");
}

/// RV-SPEC-1004
#[test]
fn a_must_and_a_must_not_without_a_test_are_faults_and_a_should_is_not() {
    let found = faults("crates/demo/tests/it.rs", "#[test]\nfn it_holds() {}\n");
    assert_fault(&found, "crates/demo/SPEC.md:7", "<1001> is a MUST without a test");
    let found = faults("tests/c/misuse.c", "");
    assert_fault(&found, "scripts/SPEC.md:2", "<SH:1002> is a MUST without a test");
}

/// RV-SPEC-1004
#[test]
fn an_id_beside_a_test_proves_nothing() {
    let beside = "/// <1001>\nfn helper() {}\n\n#[test]\nfn it_holds() {}\n";
    let found = faults("crates/demo/tests/it.rs", beside);
    assert_eq!(found.len(), 2, "{found:#?}");
    assert!(found[0].contains("is a MUST without a test"), "{found:#?}");
    assert!(found[1].starts_with("crates/demo/tests/it.rs:1: "), "{found:#?}");
    assert!(found[1].contains("stands among tests, and in none of them"), "{found:#?}");

    let inside = "// <1001>\nfn hold() {}\n\nmod tests {\n    // <1002>\n    fn helper() {}\n}\n";
    let found = faults("crates/demo/src/lib.rs", inside);
    assert_fault(&found, "crates/demo/src/lib.rs:5", "<1002> stands among tests, and in none of them");
}

/// RV-SPEC-1009
#[test]
fn a_test_on_a_gpu_proves_a_must_only_where_it_says_so() {
    let demo = "crates/demo/SPEC.md";
    let must = |text: &str| SOUND[0].1.replace("It SHOULD be quick", text);
    assert_fault(
        &faults(demo, &must("It MUST be quick")),
        "crates/demo/SPEC.md:9",
        "<1002> is a MUST without a test;",
    );
    let on_a_gpu = must("(on a GPU) It MUST be quick");
    assert!(trace(repository(&[(demo, Some(&on_a_gpu))]).path()).is_ok());

    // What proves the tests of a GPU needs none, nor does a test of what evaluates them.
    let none = "<1002> is a MUST without a test on a GPU";
    let unittest = "class Bars(unittest.TestCase):\n    def test_a(self):\n        pass  # <1002>\n";
    for (file, text) in [
        ("tests/gpu/selftest/order.c", "/* <1002> */\n"),
        ("tests/gpu/selftest.sh", "# <1002>\n"),
        ("tests/gpu/run/test_bars.py", unittest),
        ("crates/demo/tests/it.rs", "/// <1001>, <1002>\n#[test]\nfn it_holds() {}\n"),
    ] {
        let changes = [(demo, Some(&*on_a_gpu)), ("tests/gpu/run/kernels.py", None), (file, Some(text))];
        assert_fault(&faults_of(&changes), "crates/demo/SPEC.md:9", none);
    }
}

/// RV-SPEC-1005
#[test]
fn a_bullet_without_an_id_or_a_word_of_rfc_2119_is_a_fault() {
    let with = |bullet: &str| {
        let text = format!("- **<SH:1001>** It MUST.\n- **<SH:1002>** It MUST.\n{bullet}\n");
        faults("scripts/SPEC.md", &text)
    };
    let no_word = with("- **<SH:1003>** It must, and `MUST` is code, and MUSTARD is none.");
    assert_fault(&no_word, "scripts/SPEC.md:3", "<SH:1003> has no word of RFC 2119");
    for no_id in ["- It MUST.", "- **<SH:13>** It MUST.", "- **<SH:1003>**, it MUST."] {
        assert_fault(&with(no_id), "scripts/SPEC.md:3", "a bullet that does not begin with an id");
    }
}

/// RV-SPEC-1005
#[test]
fn a_line_of_more_than_100_columns_is_a_fault() {
    let line = |columns: usize| format!("{}\n\n{}", "ü".repeat(columns), SOUND[4].1);
    assert!(trace(repository(&[("scripts/SPEC.md", Some(&line(100)))]).path()).is_ok());
    assert_fault(&faults("scripts/SPEC.md", &line(101)), "scripts/SPEC.md:1", "a line of 101 columns");
}

/// RV-SPEC-1006
#[test]
fn a_dead_link_or_anchor_is_a_fault() {
    let with = |line: &str| format!("{line}\n\n{}", SOUND[4].1);
    for (link, found) in [
        ("[a](no.sh)", "the link no.sh is dead: there is no scripts/no.sh"),
        ("[a](../crates/demo/SPEC.md#third)", "crates/demo/SPEC.md has no heading #third"),
        ("[a](#first)", "scripts/SPEC.md has no heading #first"),
        ("[a](../../outside)", "leads out of the repository"),
    ] {
        assert_fault(&faults("scripts/SPEC.md", &with(link)), "scripts/SPEC.md:1", found);
    }
    let sound =
        with("[a](run.sh) [b](../crates/demo/SPEC.md#second) [c](../tests/) [d](https://example.org/x)");
    assert!(trace(repository(&[("scripts/SPEC.md", Some(&sound))]).path()).is_ok());
    let found = faults("docs/CONTRACT.md", "- It holds [<1001>](COMPLIANCE.md#nothing).\n");
    assert_fault(&found, "docs/CONTRACT.md:1", "docs/COMPLIANCE.md has no heading #nothing");
}

/// RV-SPEC-1007
#[test]
fn a_promise_without_a_requirement_is_a_fault() {
    let found = faults("docs/CONTRACT.md", "- It holds (<1001>).\n- It is\n  good.\n");
    assert_fault(&found, "docs/CONTRACT.md:2", "a promise without a requirement");
    let found = faults("docs/CONTRACT.md", "- It holds [<1002>](COMPLIANCE.md#<DEMO:1001>).\n");
    assert_fault(&found, "docs/CONTRACT.md:1", "a link to <1001>, which its line does not name");
    let found = faults_of(&[("docs/CONTRACT.md", None)]);
    assert_fault(&found, "docs/CONTRACT.md", "cannot be read");
}

/// RV-SPEC-1008
#[test]
fn a_package_without_a_specification_is_a_fault() {
    let found = faults("crates/new/Cargo.toml", "");
    assert_fault(&found, "crates/new/Cargo.toml", "there is no SPEC.md beside it");
    let found = faults("crates/new/SPEC.md", "# new\n");
    assert_fault(&found, "crates/new/SPEC.md", "no requirement");
}

#[test]
fn what_is_no_repository_is_told() {
    let found = trace(Path::new("/nonexistent")).unwrap_err();
    assert!(found[0].to_string().contains("inside a clone"), "{found:?}");
}
