//! The header compiles by itself in every language it is for, and C finds each field where rave-ffi puts it.

use std::fmt::Write;
use std::path::{Path, PathBuf};

use rave_tests::command::{installed, succeed};
use rave_tests::compiler::Compiler;
use rave_tests::header::{self, Structure};
use rave_tests::root;
use tempfile::TempDir;

/// The compilers to try with a language's standards and the ending of its sources; those of GNU are required.
const LANGUAGES: [(&str, &[&str], &str); 4] = [
    ("gcc", &["c99", "c11"], "c"),
    ("clang", &["c99", "c11"], "c"),
    ("g++", &["c++17"], "cpp"),
    ("clang++", &["c++17"], "cpp"),
];

/// A structure of the table in rave-ffi/src/layout.rs.
#[derive(Debug, PartialEq, Eq)]
struct Layout {
    name: String,
    size: usize,
    fields: Vec<(String, usize)>,
}

/// The `layout!(Name SIZE { field OFFSET, ... })` of a source.
fn layouts(source: &str) -> Vec<Layout> {
    let number = |text: &str| text.parse().unwrap_or_else(|_| panic!("`{text}` is a number"));
    let pair = |text: &str| {
        let (name, value) = text.trim().split_once(' ').expect("a name and a number");
        (name.to_string(), number(value.trim()))
    };
    source
        .split("\nlayout!(")
        .skip(1)
        .map(|text| {
            let (head, body) = text.split_once('{').expect("a brace begins the fields");
            let (body, _) = body.split_once('}').expect("a brace ends the fields");
            let (name, size) = pair(head);
            let fields = body.split(',').filter(|field| !field.trim().is_empty());
            Layout { name, size, fields: fields.map(pair).collect() }
        })
        .collect()
}

fn table() -> Vec<Layout> {
    let path = root().join("rave-ffi/src/layout.rs");
    layouts(&std::fs::read_to_string(path).expect("rave-ffi/src/layout.rs is readable"))
}

/// A program of C11 that compiles only when every structure has its size and every field its offset, and ends where
/// the next one begins.
fn assertions(table: &[Layout]) -> String {
    let mut text = String::from("#include \"rave.h\"\n\n");
    for Layout { name, size, fields } in table {
        writeln!(text, "_Static_assert(sizeof({name}) == {size}, \"size of {name}\");").unwrap();
        let ends = fields.iter().skip(1).map(|(_, offset)| *offset).chain([*size]);
        for ((field, offset), end) in fields.iter().zip(ends) {
            let place = format!("offsetof({name}, {field})");
            writeln!(
                text,
                "_Static_assert({place} == {offset}, \"offset of {name}.{field}\");\n\
                 _Static_assert({place} + sizeof((({name} *)0)->{field}) == {end}, \"padding after {name}.{field}\");"
            )
            .unwrap();
        }
    }
    text
}

/// A program that initialises every structure by its macro and fails when more than its size is set.
fn initialisers(header: &str) -> String {
    let mut body = String::new();
    for (macro_name, structure) in init_macros(header) {
        writeln!(
            body,
            "    {{\n        {structure} value = {macro_name};\n        \
             const unsigned char *bytes = (const unsigned char *)&value;\n        \
             if (value.struct_size != sizeof value)\n            return 1;\n        \
             for (size_t index = sizeof value.struct_size; index < sizeof value; index++)\n            \
             if (bytes[index] != 0)\n                return 1;\n    }}"
        )
        .unwrap();
    }
    format!("#include \"rave.h\"\n\nint main(void)\n{{\n{body}    return 0;\n}}\n")
}

/// Every `#define RAVE_..._INIT {sizeof(Structure), ...`: the macro and the structure.
fn init_macros(header: &str) -> Vec<(String, String)> {
    header
        .lines()
        .filter_map(|line| line.strip_prefix("#define ")?.split_once(" {sizeof("))
        .map(|(name, rest)| {
            let (structure, _) = rest.split_once(')').expect("a parenthesis ends sizeof");
            (name.to_string(), structure.to_string())
        })
        .collect()
}

fn write(folder: &TempDir, name: &str, text: &str) -> PathBuf {
    let path = folder.path().join(name);
    std::fs::write(&path, text).unwrap();
    path
}

/// Compiles `text` by every compiler in every standard and hands the compiler, the source and a name for a program on.
fn in_every_language(text: &str, then: impl Fn(&Compiler, &Path, &Path)) {
    let folder = tempfile::tempdir().unwrap();
    for (program, standards, ending) in LANGUAGES {
        if program.starts_with("clang") && !installed(program) {
            eprintln!("skipped: {program} is not installed");
            continue;
        }
        let source = write(&folder, &format!("source.{ending}"), text);
        for standard in standards {
            let target = folder.path().join(format!("{program}-{standard}"));
            then(&Compiler::new(program, standard), &source, &target);
        }
    }
}

/// RV-FFI-1202
#[test]
fn the_table_has_every_structure_and_field_of_the_header() {
    let of_table: Vec<Structure> = table()
        .into_iter()
        .map(|layout| Structure {
            name: layout.name,
            fields: layout.fields.into_iter().map(|(name, _)| name).collect(),
        })
        .collect();
    let of_header = header::structures(&header::text());
    for structure in &of_header {
        let same = of_table.iter().find(|other| other.name == structure.name);
        assert_eq!(same, Some(structure), "in rave-ffi/src/layout.rs");
    }
    assert_eq!(
        of_table.len(),
        of_header.len(),
        "rave-ffi/src/layout.rs lays out what the header does not declare, or lays it out twice"
    );
}

/// RV-FFI-1202
#[test]
fn every_field_has_the_size_and_the_offset_in_c_that_it_has_in_rust() {
    let folder = tempfile::tempdir().unwrap();
    let source = write(&folder, "layout.c", &assertions(&table()));
    for program in ["gcc", "clang"] {
        if program == "gcc" || installed(program) {
            Compiler::new(program, "c11").check(&source);
        }
    }
}

/// RV-TEST-1106
#[test]
fn a_wrong_size_and_a_wrong_offset_do_not_compile() {
    let refused = |change: fn(&mut Layout)| {
        let mut table = table();
        change(&mut table[0]);
        let folder = tempfile::tempdir().unwrap();
        let source = write(&folder, "layout.c", &assertions(&table));
        std::panic::catch_unwind(|| Compiler::new("gcc", "c11").check(&source)).is_err()
    };
    assert!(refused(|layout| layout.size += 8));
    assert!(refused(|layout| layout.fields[1].1 += 4));
}

/// RV-FFI-1203
#[test]
fn the_header_compiles_alone_and_twice_without_warnings_in_c_and_cpp() {
    in_every_language("#include \"rave.h\"\n", |compiler, source, _| {
        compiler.check(source);
    });
    in_every_language("#include \"rave.h\"\n#include \"rave.h\"\n", |compiler, source, _| {
        compiler.check(source);
    });
}

/// RV-FFI-1204
#[test]
fn every_structure_has_one_initialiser_which_sets_its_size_and_nothing_else() {
    let text = header::text();
    let mut initialised: Vec<String> = init_macros(&text).into_iter().map(|(_, name)| name).collect();
    let mut declared: Vec<String> =
        header::structures(&text).into_iter().map(|structure| structure.name).collect();
    initialised.sort();
    declared.sort();
    assert_eq!(initialised, declared);
    in_every_language(&initialisers(&text), |compiler, source, target| {
        succeed(&mut compiler.build(source, target).command());
    });
}

#[test]
fn the_table_is_read_with_and_without_a_last_comma() {
    let source = "macro_rules! layout {\n}\n\nlayout!(A 8 { size 0, b 4 });\nlayout!(B 16 {\n    size 0,\n    c 8,\n});\n";
    let layout = |name: &str, size, fields: [(&str, usize); 2]| Layout {
        name: name.into(),
        size,
        fields: fields.map(|(name, offset)| (name.into(), offset)).into(),
    };
    assert_eq!(
        layouts(source),
        [layout("A", 8, [("size", 0), ("b", 4)]), layout("B", 16, [("size", 0), ("c", 8)])]
    );
}
