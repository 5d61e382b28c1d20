//! The messages of onnx.proto that the tests write, with its field numbers (ONNX IR version 8). Like the exporters, which
//! use proto2, they pack only the numbers of tensors.

use prost::Message;

#[derive(Clone, PartialEq, Message)]
pub struct Model {
    #[prost(int64, tag = "1")]
    pub ir_version: i64,
    #[prost(message, optional, tag = "7")]
    pub graph: Option<Graph>,
    #[prost(message, repeated, tag = "8")]
    pub opset_import: Vec<Opset>,
    #[prost(message, repeated, tag = "20")]
    pub training_info: Vec<Training>,
    #[prost(message, repeated, tag = "25")]
    pub functions: Vec<Function>,
}

impl Model {
    /// A model of opset 13.
    pub fn of(graph: Graph) -> Self {
        Model {
            ir_version: 8,
            graph: Some(graph),
            opset_import: vec![Opset { domain: String::new(), version: 13 }],
            ..Model::default()
        }
    }

    pub fn encode(&self) -> Vec<u8> {
        self.encode_to_vec()
    }

    pub fn graph(&mut self) -> &mut Graph {
        self.graph.as_mut().expect("every model of the tests has a graph")
    }
}

#[derive(Clone, PartialEq, Message)]
pub struct Opset {
    #[prost(string, tag = "1")]
    pub domain: String,
    #[prost(int64, tag = "2")]
    pub version: i64,
}

#[derive(Clone, PartialEq, Message)]
pub struct Training {
    #[prost(message, optional, tag = "1")]
    pub initialization: Option<Graph>,
}

#[derive(Clone, PartialEq, Message)]
pub struct Function {
    #[prost(string, tag = "1")]
    pub name: String,
    #[prost(message, repeated, tag = "7")]
    pub node: Vec<Node>,
    #[prost(string, tag = "10")]
    pub domain: String,
}

#[derive(Clone, PartialEq, Message)]
pub struct Graph {
    #[prost(message, repeated, tag = "1")]
    pub node: Vec<Node>,
    #[prost(string, tag = "2")]
    pub name: String,
    #[prost(message, repeated, tag = "5")]
    pub initializer: Vec<Tensor>,
    #[prost(message, repeated, tag = "11")]
    pub input: Vec<ValueInfo>,
    #[prost(message, repeated, tag = "12")]
    pub output: Vec<ValueInfo>,
    #[prost(message, repeated, tag = "13")]
    pub value_info: Vec<ValueInfo>,
    #[prost(message, repeated, tag = "15")]
    pub sparse_initializer: Vec<SparseTensor>,
}

#[derive(Clone, PartialEq, Message)]
pub struct Node {
    #[prost(string, repeated, tag = "1")]
    pub input: Vec<String>,
    #[prost(string, repeated, tag = "2")]
    pub output: Vec<String>,
    #[prost(string, tag = "4")]
    pub op_type: String,
    #[prost(message, repeated, tag = "5")]
    pub attribute: Vec<Attribute>,
    #[prost(string, tag = "7")]
    pub domain: String,
}

impl Node {
    pub fn new(op_type: &str, input: &[&str], output: &str) -> Self {
        Node {
            input: input.iter().map(ToString::to_string).collect(),
            output: vec![output.into()],
            op_type: op_type.into(),
            ..Node::default()
        }
    }

    pub fn with(mut self, attribute: Attribute) -> Self {
        self.attribute.push(attribute);
        self
    }
}

#[derive(Clone, PartialEq, Message)]
pub struct Attribute {
    #[prost(string, tag = "1")]
    pub name: String,
    #[prost(int64, optional, tag = "3")]
    pub i: Option<i64>,
    #[prost(bytes = "vec", optional, tag = "4")]
    pub s: Option<Vec<u8>>,
    #[prost(message, optional, tag = "5")]
    pub t: Option<Tensor>,
    #[prost(message, optional, boxed, tag = "6")]
    pub g: Option<Box<Graph>>,
    #[prost(int64, repeated, packed = "false", tag = "8")]
    pub ints: Vec<i64>,
    #[prost(message, repeated, tag = "10")]
    pub tensors: Vec<Tensor>,
    #[prost(message, repeated, tag = "11")]
    pub graphs: Vec<Graph>,
    #[prost(int32, tag = "20")]
    pub r#type: i32,
    #[prost(message, optional, tag = "22")]
    pub sparse_tensor: Option<SparseTensor>,
}

impl Attribute {
    fn named(name: &str, r#type: i32) -> Self {
        Attribute { name: name.into(), r#type, ..Attribute::default() }
    }

    pub fn int(name: &str, value: i64) -> Self {
        Attribute { i: Some(value), ..Attribute::named(name, 2) }
    }

    pub fn text(name: &str, value: &str) -> Self {
        Attribute { s: Some(value.into()), ..Attribute::named(name, 3) }
    }

    pub fn tensor(name: &str, value: Tensor) -> Self {
        Attribute { t: Some(value), ..Attribute::named(name, 4) }
    }

    pub fn graph(name: &str, value: Graph) -> Self {
        Attribute { g: Some(Box::new(value)), ..Attribute::named(name, 5) }
    }

    pub fn ints(name: &str, values: &[i64]) -> Self {
        Attribute { ints: values.to_vec(), ..Attribute::named(name, 7) }
    }
}

#[derive(Clone, PartialEq, Message)]
pub struct Tensor {
    #[prost(int64, repeated, packed = "false", tag = "1")]
    pub dims: Vec<i64>,
    #[prost(int32, tag = "2")]
    pub data_type: i32,
    #[prost(float, repeated, tag = "4")]
    pub float_data: Vec<f32>,
    #[prost(int64, repeated, tag = "7")]
    pub int64_data: Vec<i64>,
    #[prost(string, tag = "8")]
    pub name: String,
    #[prost(bytes = "vec", optional, tag = "9")]
    pub raw_data: Option<Vec<u8>>,
    #[prost(message, repeated, tag = "13")]
    pub external_data: Vec<Entry>,
    #[prost(int32, optional, tag = "14")]
    pub data_location: Option<i32>,
}

impl Tensor {
    pub fn floats(name: &str, dims: &[i64], values: &[f32]) -> Self {
        Tensor {
            name: name.into(),
            dims: dims.to_vec(),
            data_type: 1,
            raw_data: Some(values.iter().flat_map(|value| value.to_le_bytes()).collect()),
            ..Tensor::default()
        }
    }

    pub fn halves(name: &str, dims: &[i64], values: &[f32]) -> Self {
        let bytes = values.iter().flat_map(|&value| half::f16::from_f32(value).to_le_bytes());
        Tensor { data_type: 10, raw_data: Some(bytes.collect()), ..Tensor::floats(name, dims, &[]) }
    }

    pub fn int64s(name: &str, values: &[i64]) -> Self {
        Tensor {
            name: name.into(),
            dims: vec![values.len() as i64],
            data_type: 7,
            int64_data: values.to_vec(),
            ..Tensor::default()
        }
    }

    /// Four fp32 weights that lie in the file `location`.
    pub fn external(name: &str, location: &str) -> Self {
        let entry = |key: &str, value: &str| Entry { key: key.into(), value: value.into() };
        Tensor {
            raw_data: None,
            external_data: vec![entry("location", location), entry("length", "16")],
            data_location: Some(1),
            ..Tensor::floats(name, &[4], &[])
        }
    }
}

#[derive(Clone, PartialEq, Message)]
pub struct SparseTensor {
    #[prost(message, optional, tag = "1")]
    pub values: Option<Tensor>,
    #[prost(message, optional, tag = "2")]
    pub indices: Option<Tensor>,
    #[prost(int64, repeated, packed = "false", tag = "3")]
    pub dims: Vec<i64>,
}

#[derive(Clone, PartialEq, Message)]
pub struct Entry {
    #[prost(string, tag = "1")]
    pub key: String,
    #[prost(string, tag = "2")]
    pub value: String,
}

#[derive(Clone, PartialEq, Message)]
pub struct ValueInfo {
    #[prost(string, tag = "1")]
    pub name: String,
    #[prost(message, optional, tag = "2")]
    pub r#type: Option<Type>,
}

/// A dimension of a test's tensor.
#[derive(Clone, Copy)]
pub enum Dim {
    Is(i64),
    Any(&'static str),
}

impl ValueInfo {
    pub fn new(name: &str, elem_type: i32, dims: &[Dim]) -> Self {
        let dim = dims
            .iter()
            .map(|dim| match dim {
                Dim::Is(value) => Dimension { dim_value: Some(*value), dim_param: None },
                Dim::Any(name) => Dimension { dim_value: None, dim_param: Some((*name).into()) },
            })
            .collect();
        ValueInfo {
            name: name.into(),
            r#type: Some(Type {
                tensor_type: Some(TensorType { elem_type, shape: Some(Shape { dim }) }),
                sequence_type: None,
            }),
        }
    }
}

#[derive(Clone, PartialEq, Message)]
pub struct Type {
    #[prost(message, optional, tag = "1")]
    pub tensor_type: Option<TensorType>,
    #[prost(message, optional, boxed, tag = "4")]
    pub sequence_type: Option<Box<Sequence>>,
}

#[derive(Clone, PartialEq, Message)]
pub struct Sequence {
    #[prost(message, optional, boxed, tag = "1")]
    pub elem_type: Option<Box<Type>>,
}

#[derive(Clone, PartialEq, Message)]
pub struct TensorType {
    #[prost(int32, tag = "1")]
    pub elem_type: i32,
    #[prost(message, optional, tag = "2")]
    pub shape: Option<Shape>,
}

#[derive(Clone, PartialEq, Message)]
pub struct Shape {
    #[prost(message, repeated, tag = "1")]
    pub dim: Vec<Dimension>,
}

#[derive(Clone, PartialEq, Message)]
pub struct Dimension {
    #[prost(int64, optional, tag = "1")]
    pub dim_value: Option<i64>,
    #[prost(string, optional, tag = "2")]
    pub dim_param: Option<String>,
}
