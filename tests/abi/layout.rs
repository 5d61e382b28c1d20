//! The structures of the header are laid out in C as in Rust, and the header stands alone in every language.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use rave_tests::command::installed;
use rave_tests::compiler::Compiler;
use rave_tests::{header, root};

/// A structure's size, and its fields with their offsets.
type Layouts = BTreeMap<String, (u32, Vec<(String, u32)>)>;

/// The table in rave-ffi/src/layout.rs, which the Rust compiler holds to the Rust structures.
fn table() -> Layouts {
    let text = std::fs::read_to_string(root().join("rave-ffi/src/layout.rs")).unwrap();
    text.split("\nlayout!(")
        .skip(1)
        .map(|entry| {
            let (head, rest) = entry.split_once('{').expect("layout!(Name size { ... })");
            let (name, size) = head.trim().split_once(' ').expect("a name and a size");
            let fields = rest.split_once('}').expect("a closing brace").0;
            let fields = fields
                .split(',')
                .map(str::trim)
                .filter(|field| !field.is_empty())
                .map(|field| {
                    let (field, offset) = field.split_once(' ').expect("a field and its offset");
                    (field.to_string(), offset.parse().unwrap())
                });
            (name.to_string(), (size.trim().parse().unwrap(), fields.collect()))
        })
        .collect()
}

/// The structures of the header and their fields, in order.
fn declared() -> BTreeMap<String, Vec<String>> {
    let text = header::text();
    let bodies = text.split("typedef struct ").skip(1).filter_map(|entry| {
        let (name, body) = entry.split_once(" {\n")?;
        name.chars()
            .all(char::is_alphanumeric)
            .then(|| (name.to_string(), body.split("\n}").next().unwrap()))
    });
    bodies
        .map(|(name, body)| {
            let fields = body
                .lines()
                .map(str::trim)
                .filter(|line| line.ends_with(';'))
                .map(|line| {
                    let field = line.trim_end_matches(';').split('[').next().unwrap();
                    field.rsplit([' ', '*']).next().unwrap().to_string()
                });
            (name, fields.collect())
        })
        .collect()
}

#[test]
fn every_structure_and_field_of_the_header_is_in_the_table() {
    let table: BTreeMap<String, Vec<String>> = table()
        .into_iter()
        .map(|(name, (_, fields))| (name, fields.into_iter().map(|(field, _)| field).collect()))
        .collect();
    assert_eq!(declared(), table);
    assert_eq!(table.len(), 6);
}

#[test]
fn sizes_and_offsets_are_those_of_the_table_in_c() {
    let mut program = String::from("#include <rave.h>\n");
    for (name, (size, fields)) in table() {
        writeln!(program, "_Static_assert(sizeof({name}) == {size}, \"{name}\");").unwrap();
        for (field, offset) in fields {
            writeln!(
                program,
                "_Static_assert(offsetof({name}, {field}) == {offset}, \"{name}.{field}\");"
            )
            .unwrap();
        }
    }
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("layout.c");
    std::fs::write(&file, &program).unwrap();
    Compiler::new("gcc", "c11").check(&file);
    // The same with one number changed must not compile, or the assertions would assert nothing.
    let wrong = program.replacen("== 112", "== 120", 1);
    assert_ne!(wrong, program);
    std::fs::write(&file, wrong).unwrap();
    assert!(std::panic::catch_unwind(|| Compiler::new("gcc", "c11").check(&file)).is_err());
}

#[test]
fn the_header_compiles_alone_and_its_initialisers_fit_in_every_language() {
    let uses = declared().into_keys().fold(String::from("#include <rave.h>\n#include <rave.h>\n"), |mut text, name| {
        // RaveModelConfig -> RAVE_MODEL_CONFIG_INIT
        let upper = name.chars().fold(String::new(), |mut upper, c| {
            if c.is_uppercase() && !upper.is_empty() {
                upper.push('_');
            }
            upper.extend(c.to_uppercase());
            upper
        });
        writeln!(text, "{name} make_{name}(void);\n{name} make_{name}(void) {{ {name} made = {upper}_INIT; return made; }}")
            .unwrap();
        text
    });
    let folder = tempfile::tempdir().unwrap();
    let languages = [("gcc", "c99", "c"), ("gcc", "c11", "c"), ("g++", "c++17", "cpp")];
    let others = [
        ("clang", "c99", "c"),
        ("clang", "c11", "c"),
        ("clang++", "c++17", "cpp"),
    ];
    let others = others.into_iter().filter(|(compiler, ..)| installed(compiler));
    for (compiler, standard, extension) in languages.into_iter().chain(others) {
        let file = folder.path().join("alone").with_extension(extension);
        for text in ["#include <rave.h>\nextern int not_empty;\n", &uses] {
            std::fs::write(&file, text).unwrap();
            Compiler::new(compiler, standard).check(&file);
        }
    }
}
