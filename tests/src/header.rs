//! What include/rave.h declares, read from its text.

/// A function of the header.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Function {
    /// Its name.
    pub name: String,
    /// What it returns, as `int32_t` or `const char *`.
    pub returns: String,
    /// Its parameters.
    pub parameters: Vec<Parameter>,
}

/// A parameter of a function.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parameter {
    /// Its name.
    pub name: String,
    /// Its type, as `uint32_t` or `const struct RaveFrame *`.
    pub kind: String,
}

impl Parameter {
    /// Whether it is a pointer.
    #[must_use]
    pub fn is_pointer(&self) -> bool {
        self.kind.contains('*')
    }
}

/// A structure of the header that is not opaque.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Structure {
    /// Its name.
    pub name: String,
    /// The names of its fields, in order.
    pub fields: Vec<String>,
}

/// The text of the header.
///
/// # Panics
/// When it cannot be read.
#[must_use]
pub fn text() -> String {
    std::fs::read_to_string(crate::root().join("include/rave.h")).expect("include/rave.h is readable")
}

/// The number that `#define NAME NUMBER` gives.
///
/// # Panics
/// When there is no such line.
#[must_use]
pub fn constant(header: &str, name: &str) -> u32 {
    let value = header.lines().find_map(|line| {
        let mut words = line.split_whitespace();
        (words.next() == Some("#define") && words.next() == Some(name))
            .then(|| words.next().and_then(|number| number.parse().ok()))
            .flatten()
    });
    value.unwrap_or_else(|| panic!("rave.h defines {name} as a number"))
}

/// Every function, in the order of the header.
///
/// # Panics
/// When a declaration is not of the form that cbindgen writes.
#[must_use]
pub fn functions(header: &str) -> Vec<Function> {
    let code = code(header);
    let (_, declarations) =
        code.split_once("extern \"C\" {").expect("the functions stand in an extern \"C\" block");
    declarations
        .split(';')
        .map(|text| text.split_whitespace().collect::<Vec<_>>().join(" "))
        .filter(|text| text.contains('('))
        .map(|text| function(&text))
        .collect()
}

/// Every structure that is not opaque, in the order of the header.
///
/// # Panics
/// When a declaration is not of the form that cbindgen writes.
#[must_use]
pub fn structures(header: &str) -> Vec<Structure> {
    let code = code(header);
    let declarations = code.split("typedef struct ").skip(1);
    declarations
        .filter_map(|text| {
            let (name, rest) = text.split_once(char::is_whitespace)?;
            let body = rest.trim_start().strip_prefix('{')?;
            let (body, _) = body.split_once('}').unwrap_or_else(|| panic!("struct {name} ends with a brace"));
            let fields = body.split(';').map(str::trim).filter(|field| !field.is_empty());
            Some(Structure { name: name.into(), fields: fields.map(field_name).collect() })
        })
        .collect()
}

/// The header without comments and without lines of the preprocessor.
fn code(header: &str) -> String {
    let mut text = String::new();
    let mut rest = header;
    while let Some(start) = rest.find('/') {
        text.push_str(&rest[..start]);
        rest = &rest[start..];
        let (kept, after) = match rest.get(..2) {
            Some("//") => ("", rest.find('\n').unwrap_or(rest.len())),
            Some("/*") => (" ", rest.find("*/").expect("every comment ends") + 2),
            _ => ("/", 1),
        };
        text.push_str(kept);
        rest = &rest[after..];
    }
    text.push_str(rest);
    let lines: Vec<&str> = text.lines().filter(|line| !line.starts_with('#')).collect();
    lines.join("\n")
}

/// `uint8_t *data[4]` as `data`.
fn field_name(declaration: &str) -> String {
    assert!(!declaration.contains(['(', ',', ':']), "`{declaration}` declares one plain field");
    split_name(declaration.split('[').next().unwrap_or_default()).1
}

fn function(text: &str) -> Function {
    let (head, parameters) = text
        .strip_suffix(')')
        .and_then(|text| text.split_once('('))
        .unwrap_or_else(|| panic!("`{text}` is a prototype"));
    let (returns, name) = split_name(head);
    let parameters = match parameters {
        "void" => Vec::new(),
        list => list
            .split(',')
            .map(|parameter| {
                let (kind, name) = split_name(parameter.trim());
                Parameter { name, kind }
            })
            .collect(),
    };
    Function { name, returns, parameters }
}

/// `const char *path` as its type and its name.
fn split_name(declaration: &str) -> (String, String) {
    let start =
        declaration.rfind(|c: char| !c.is_ascii_alphanumeric() && c != '_').map_or(0, |index| index + 1);
    let (kind, name) = declaration.split_at(start);
    (kind.trim().to_string(), name.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prototypes_are_read_over_line_ends_and_without_comments() {
        let header = "extern \"C\" {\n#endif\n// f(int);\nint32_t f(const struct A *a,\n   uint32_t **b);\nconst char *g(void);\n";
        let parameter = |name: &str, kind: &str| Parameter { name: name.into(), kind: kind.into() };
        assert_eq!(
            functions(header),
            [
                Function {
                    name: "f".into(),
                    returns: "int32_t".into(),
                    parameters: vec![parameter("a", "const struct A *"), parameter("b", "uint32_t **")],
                },
                Function { name: "g".into(), returns: "const char *".into(), parameters: vec![] },
            ]
        );
    }

    #[test]
    fn structures_are_read_with_every_field_and_opaque_ones_are_left_out() {
        let header = "/* typedef struct Not { int a; } // Not; */\ntypedef struct Opaque Opaque;\n\
            typedef struct A {\n    // int no; }\n    uint32_t size;\n    uint8_t *data[4];\n    Callback log;\n} A;\n";
        assert_eq!(
            structures(header),
            [Structure { name: "A".into(), fields: vec!["size".into(), "data".into(), "log".into()] }]
        );
    }
}
