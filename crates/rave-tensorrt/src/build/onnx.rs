//! What RAVE looks for in an ONNX file itself before the vendor's parser gets it, and what that parser does not tell.
//!
//! The parser takes an empty file for a model, follows links to other files for weights, and names a refused node
//! without the version of its operator. Numbers of fields are those of onnx.proto (ONNX 1.19, IR version 12).

use std::fmt;

use rave_core::{Error, Result, Status};

/// How deep messages may lie in each other: the parser's own protobuf stops at 100.
const MAX_DEPTH: u32 = 100;

/// The messages that lead to tensors.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Message {
    Model,
    Graph,
    Node,
    Attribute,
    Tensor,
    SparseTensor,
    Function,
    Training,
}

impl Message {
    /// The message in a field of this one, where it is one of these.
    fn field(self, number: u32) -> Option<Message> {
        Some(match (self, number) {
            (Message::Model, 7) | (Message::Attribute, 6 | 11) | (Message::Training, 1 | 2) => Message::Graph,
            (Message::Model, 20) => Message::Training,
            (Message::Model, 25) => Message::Function,
            (Message::Graph, 1) | (Message::Function, 7) => Message::Node,
            (Message::Node, 5) | (Message::Function, 11) => Message::Attribute,
            (Message::Graph, 5) | (Message::Attribute, 5 | 10) | (Message::SparseTensor, 1 | 2) => {
                Message::Tensor
            }
            (Message::Graph, 15) | (Message::Attribute, 22 | 23) => Message::SparseTensor,
            _ => return None,
        })
    }
}

/// The operator sets that a model imports, and which one each node of its graph is from.
#[derive(Clone, Debug, Default)]
pub(super) struct Opsets {
    imported: Vec<(String, i64)>,
    domains: Vec<String>,
}

impl Opsets {
    /// The operator set of a node of the graph, by its index.
    pub(super) fn of_node(&self, node: i32) -> OpsetOf<'_> {
        let domain = usize::try_from(node).ok().and_then(|node| self.domains.get(node));
        OpsetOf { opsets: self, domain: domain.map_or("", String::as_str) }
    }
}

/// One operator set, in words.
pub(super) struct OpsetOf<'a> {
    opsets: &'a Opsets,
    domain: &'a str,
}

impl fmt::Display for OpsetOf<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // "ai.onnx" is the long name of the default one.
        let short = |domain: &str| if domain == "ai.onnx" { String::new() } else { domain.to_owned() };
        let domain = short(self.domain);
        if !domain.is_empty() {
            write!(f, "{domain} ")?;
        }
        match self.opsets.imported.iter().find(|(imported, _)| short(imported) == domain) {
            Some((_, version)) => write!(f, "opset {version}"),
            None => f.write_str("opset not imported"),
        }
    }
}

// RV-TRT-1309
/// Makes sure that the bytes are whole protobuf messages with all their weights inside, and reads the operator sets.
pub(super) fn inspect(model: &[u8]) -> Result<Opsets> {
    let mut opsets = Opsets::default();
    if model.is_empty() {
        return Err(Error::new(Status::ModelLoadFailed, "the file is empty").expected("an ONNX model"));
    }
    visit(Message::Model, model, 0, &mut opsets)?;
    Ok(opsets)
}

// RV-TRT-1310
fn visit(message: Message, bytes: &[u8], depth: u32, opsets: &mut Opsets) -> Result<()> {
    if depth > MAX_DEPTH {
        return Err(Error::new(Status::ModelLoadFailed, "its graphs lie too deep in each other")
            .expected(format!("at most {MAX_DEPTH} messages")));
    }
    let mut rest = bytes;
    let mut domain = String::new();
    while !rest.is_empty() {
        let Some((number, value)) = next_field(&mut rest) else {
            return Err(Error::new(Status::ModelLoadFailed, "it is not an ONNX model, or not a whole one")
                .help("export or copy it again"));
        };
        match (message, number, value) {
            (Message::Model, 8, Value::Bytes(import)) => opsets.imported.push(operator_set(import)),
            (Message::Node, 7, Value::Bytes(text)) => domain = String::from_utf8_lossy(text).into_owned(),
            (Message::Tensor, 13, _) => return Err(external()),
            (Message::Tensor, 14, Value::Int(location)) if location != 0 => return Err(external()),
            (_, _, Value::Bytes(inner)) => {
                if let Some(inner_message) = message.field(number) {
                    visit(inner_message, inner, depth + 1, opsets)?;
                }
            }
            _ => {}
        }
    }
    // The graph's own nodes lie two messages deep, in the order of their indices.
    if message == Message::Node && depth == 2 {
        opsets.domains.push(domain);
    }
    Ok(())
}

fn external() -> Error {
    Error::new(Status::Untrusted, "some of its weights are in another file").help(
        "save it with its weights inside: onnx.save(onnx.load(path), path, save_as_external_data=False)",
    )
}

/// Domain and version of an OperatorSetIdProto.
fn operator_set(mut bytes: &[u8]) -> (String, i64) {
    let mut set = (String::new(), 0);
    while let Some((number, value)) = next_field(&mut bytes) {
        match (number, value) {
            (1, Value::Bytes(domain)) => set.0 = String::from_utf8_lossy(domain).into_owned(),
            (2, Value::Int(version)) => set.1 = version as i64,
            _ => {}
        }
    }
    set
}

enum Value<'a> {
    Int(u64),
    Bytes(&'a [u8]),
    /// Four or eight bytes that nothing here looks at.
    Fixed,
}

/// Takes one field off the front; `None` at the end and for what is no protobuf. Groups, which ONNX does not use, are
/// not taken.
fn next_field<'a>(bytes: &mut &'a [u8]) -> Option<(u32, Value<'a>)> {
    let key = varint(bytes)?;
    let number = u32::try_from(key >> 3).ok().filter(|&number| number > 0)?;
    let value = match key & 7 {
        0 => Value::Int(varint(bytes)?),
        1 => bytes.split_off(..8).map(|_| Value::Fixed)?,
        2 => {
            let length = usize::try_from(varint(bytes)?).ok()?;
            Value::Bytes(bytes.split_off(..length)?)
        }
        5 => bytes.split_off(..4).map(|_| Value::Fixed)?,
        _ => return None,
    };
    Some((number, value))
}

fn varint(bytes: &mut &[u8]) -> Option<u64> {
    let mut value = 0u64;
    for shift in (0..64).step_by(7) {
        let byte = *bytes.split_off_first()?;
        value |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Some(value);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A field of bytes, as protobuf writes it.
    fn field(number: u8, content: &[u8]) -> Vec<u8> {
        let mut bytes = vec![number << 3 | 2];
        let mut length = content.len();
        while length >= 0x80 {
            bytes.push(length as u8 | 0x80);
            length >>= 7;
        }
        bytes.push(length as u8);
        bytes.extend(content);
        bytes
    }

    fn wrapped(fields: &[u8], tensor: &[u8]) -> Vec<u8> {
        fields.iter().rev().fold(tensor.to_vec(), |inner, &number| field(number, &inner))
    }

    /// RV-TRT-1309
    #[test]
    fn weights_in_another_file_are_found_wherever_a_tensor_can_be() {
        let external = [&field(13, b"")[..], &[14 << 3, 1]];
        let inside = [14 << 3, 0];
        for path in [
            &[7, 5][..],       // an initializer
            &[7, 15, 1],       // a sparse one
            &[7, 1, 5, 5],     // a constant's value
            &[7, 1, 5, 6, 5],  // an initializer of a branch
            &[7, 1, 5, 11, 5], // of one of several
        ] {
            for tensor in external {
                let error = inspect(&wrapped(path, tensor)).unwrap_err();
                assert_eq!(error.status(), Status::Untrusted, "{path:?}");
            }
            inspect(&wrapped(path, &inside)).unwrap();
        }
        // Field numbers above 15 take two bytes: a function of the model.
        let function = wrapped(&[7, 5, 5], external[1]);
        let model = [&[0xca, 0x01, function.len() as u8], &function[..]].concat();
        assert_eq!(inspect(&model).unwrap_err().status(), Status::Untrusted);
    }

    /// RV-TRT-1308
    #[test]
    fn a_nodes_operator_set_is_the_one_of_its_domain() {
        let import = |domain: &str, version| {
            field(8, &[&field(1, domain.as_bytes())[..], &[2 << 3, version]].concat())
        };
        let node = |domain: &str| field(1, &field(7, domain.as_bytes()));
        let graph = field(7, &[node(""), node("com.example"), node("of.nobody"), node("ai.onnx")].concat());
        let opsets = inspect(&[import("", 17), import("com.example", 3), graph].concat()).unwrap();
        let of = |index| opsets.of_node(index).to_string();
        assert_eq!((of(0), of(1)), ("opset 17".into(), "com.example opset 3".into()));
        assert_eq!((of(2), of(3)), ("of.nobody opset not imported".into(), "opset 17".into()));
        assert_eq!((of(-1), of(99)), ("opset 17".into(), "opset 17".into()));
    }

    /// RV-TRT-1309
    #[test]
    fn what_is_no_protobuf_is_refused_and_deep_nesting_ends() {
        for bytes in
            [&b""[..], b"\x08", b"\x3a\x05abc", b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff", b"\x0b\x0c"]
        {
            assert_eq!(inspect(bytes).unwrap_err().status(), Status::ModelLoadFailed, "{bytes:?}");
        }
        // Graphs in attributes of nodes of graphs.
        let path: Vec<u8> = [7].into_iter().chain([1, 5, 6].into_iter().cycle().take(300)).collect();
        let error = inspect(&wrapped(&path, b"")).unwrap_err();
        assert!(error.to_string().contains("too deep"), "{error}");
    }
}
