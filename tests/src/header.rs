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
    let code: String = header
        .lines()
        .map(|line| line.split("//").next().unwrap_or_default())
        .filter(|line| !line.starts_with('#'))
        .collect::<Vec<_>>()
        .join("\n");
    let (_, declarations) = code
        .split_once("extern \"C\" {")
        .expect("the functions stand in an extern \"C\" block");
    declarations
        .split(';')
        .map(|text| text.split_whitespace().collect::<Vec<_>>().join(" "))
        .filter(|text| text.contains('('))
        .map(|text| function(&text))
        .collect()
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
    Function {
        name,
        returns,
        parameters,
    }
}

/// `const char *path` as its type and its name.
fn split_name(declaration: &str) -> (String, String) {
    let start = declaration
        .rfind(|c: char| !c.is_ascii_alphanumeric() && c != '_')
        .map_or(0, |index| index + 1);
    let (kind, name) = declaration.split_at(start);
    (kind.trim().to_string(), name.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prototypes_are_read_over_line_ends_and_without_comments() {
        let header = "extern \"C\" {\n#endif\n// f(int);\nint32_t f(const struct A *a,\n   uint32_t **b);\nconst char *g(void);\n";
        let parameter = |name: &str, kind: &str| Parameter {
            name: name.into(),
            kind: kind.into(),
        };
        assert_eq!(
            functions(header),
            [
                Function {
                    name: "f".into(),
                    returns: "int32_t".into(),
                    parameters: vec![parameter("a", "const struct A *"), parameter("b", "uint32_t **")],
                },
                Function {
                    name: "g".into(),
                    returns: "const char *".into(),
                    parameters: vec![]
                },
            ]
        );
    }
}
