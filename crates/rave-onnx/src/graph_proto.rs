//! Walks the graphs, nodes and attributes of a model: every tensor is checked, wherever it is.

use std::collections::HashMap;
use std::ops::RangeInclusive;

use rave_core::{MAX_SIDE, Result};

use crate::preflight::{MAX_ELEMENTS, damaged, once, refused, shape_text};
use crate::tensor_proto::{self, Small, Tensor};
use crate::value_info::ValueInfo;
use crate::wire::{self, Fields, Value};

/// Graphs inside nodes inside graphs: the branches of `If`, the bodies of `Loop` and `Scan`.
const MAX_DEPTH: usize = 8;
/// Nodes, attributes, tensors and declarations of one model, all together. The runtimes turn each into an object of
/// some hundred bytes; the largest image models have a few ten thousand.
const MAX_PARTS: u32 = 1 << 20;
/// The largest factor by which one `Resize` or `Upsample` may scale.
const MAX_RESIZE: f32 = 32.0;
/// The most pixels that one kernel may span, or one padding add on a side.
const MAX_WINDOW: i64 = 1024;
/// The most groups that the channels of one operator may fall into.
const MAX_GROUPS: i64 = 1 << 16;

/// How much of the model may still be looked at.
#[derive(Debug)]
pub(crate) struct Budget {
    parts: u32,
}

impl Budget {
    pub(crate) fn new() -> Self {
        Budget { parts: MAX_PARTS }
    }

    // RV-ONNX-1005
    fn spend(&mut self) -> Result<()> {
        self.parts = self.parts.checked_sub(1).ok_or_else(|| {
            refused("the model has too many parts")
                .expected(format!("at most {MAX_PARTS} nodes, attributes and tensors"))
        })?;
        Ok(())
    }
}

/// The interface of a graph that passed the checks.
#[derive(Debug)]
pub(crate) struct Graph<'a> {
    /// Inputs that have no default value.
    pub(crate) inputs: Vec<ValueInfo<'a>>,
    /// Outputs.
    pub(crate) outputs: Vec<ValueInfo<'a>>,
    /// How many nodes it has.
    pub(crate) nodes: usize,
}

/// Constants with few elements, by name, innermost graph last.
type Scopes<'a> = Vec<HashMap<&'a str, Small>>;

/// Checks the `GraphProto` in `bytes` and everything inside it.
///
/// # Errors
/// [`rave_core::Status::Untrusted`] for a reference to another file, otherwise
/// [`rave_core::Status::ModelLoadFailed`].
pub(crate) fn check<'a>(bytes: &'a [u8], budget: &mut Budget) -> Result<Graph<'a>> {
    Walk { budget, scopes: Vec::new() }.graph(bytes)
}

/// Checks the `FunctionProto` in `bytes`: a named group of nodes.
///
/// # Errors
/// As [`check`].
pub(crate) fn check_function(bytes: &[u8], budget: &mut Budget) -> Result<()> {
    let mut walk = Walk { budget, scopes: vec![HashMap::new()] };
    for field in Fields::of(bytes) {
        let (number, value) = field.map_err(damaged)?;
        match number {
            7 => walk.node(value.bytes().map_err(damaged)?)?,
            11 => drop(walk.attribute(value.bytes().map_err(damaged)?, "")?),
            12 => drop(walk.value_info(value)?),
            _ => {}
        }
    }
    Ok(())
}

/// What an attribute says that the checks of its node need.
struct Attribute<'a> {
    name: &'a str,
    tensor: Option<Tensor<'a>>,
}

struct Walk<'a, 'b> {
    budget: &'b mut Budget,
    scopes: Scopes<'a>,
}

impl<'a> Walk<'a, '_> {
    fn graph(&mut self, bytes: &'a [u8]) -> Result<Graph<'a>> {
        if self.scopes.len() == MAX_DEPTH {
            return Err(refused(format!("graphs nest deeper than {MAX_DEPTH}")));
        }
        self.scopes.push(HashMap::new());
        let mut inputs = Vec::new();
        let mut outputs = Vec::new();
        let mut initialized = Vec::new();
        let mut nodes = 0;
        // Initializers first: they come after the nodes that take them.
        for field in Fields::of(bytes) {
            let (number, value) = field.map_err(damaged)?;
            match number {
                5 => {
                    let tensor = self.tensor(value.bytes().map_err(damaged)?, "an initializer")?;
                    initialized.push(tensor.name);
                    if let Some(small) = tensor.small {
                        self.define(tensor.name, small);
                    }
                }
                15 => initialized.push(self.sparse_tensor(value)?),
                11 => inputs.push(self.value_info(value)?),
                12 => outputs.push(self.value_info(value)?),
                13 => drop(self.value_info(value)?),
                _ => {}
            }
        }
        for field in Fields::of(bytes) {
            let (number, value) = field.map_err(damaged)?;
            if number == 1 {
                nodes += 1;
                self.node(value.bytes().map_err(damaged)?)?;
            }
        }
        self.scopes.pop();
        // Before IR version 4 every initializer had to be an input too.
        initialized.sort_unstable();
        inputs.retain(|input| initialized.binary_search(&input.name).is_err());
        Ok(Graph { inputs, outputs, nodes })
    }

    fn node(&mut self, bytes: &'a [u8]) -> Result<()> {
        self.budget.spend()?;
        let mut operator = "";
        let mut inputs = Vec::new();
        let mut output = "";
        for field in Fields::of(bytes) {
            let (number, value) = field.map_err(damaged)?;
            match number {
                // No operator with a shape among its inputs has it beyond the fourth place.
                1 if inputs.len() < 4 => inputs.push(value.text().map_err(damaged)?),
                2 if output.is_empty() => output = value.text().map_err(damaged)?,
                4 => operator = value.text().map_err(damaged)?,
                _ => {}
            }
        }
        let place = || format!("node `{output}` ({operator})");
        for field in Fields::of(bytes) {
            let (number, value) = field.map_err(damaged)?;
            if number == 5 {
                let attribute = self.attribute(value.bytes().map_err(damaged)?, &place())?;
                if let ("Constant", "value", Some(Tensor { small: Some(small), .. })) =
                    (operator, attribute.name, attribute.tensor)
                {
                    self.define(output, small);
                }
            }
        }
        // RV-ONNX-1003
        if operator.is_empty() {
            return Err(refused(format!("node `{output}` names no operator")).expected("its op_type"));
        }
        let constant = |index: usize| inputs.get(index).and_then(|name| self.lookup(name));
        let product = |index: usize, what: &str| match constant(index) {
            // Reshape copies a dimension for 0 and works one out for -1.
            Some(Small::Ints(dims)) => {
                let dims: Vec<i64> =
                    dims.iter().map(|&dim| if matches!(dim, 0 | -1) { 1 } else { dim }).collect();
                match tensor_proto::elements(&dims) {
                    Some(_) => Ok(()),
                    None => Err(refused(format!("{} makes {what} {}", place(), shape_text(&dims)))
                        .expected(format!("at most {MAX_ELEMENTS} elements"))),
                }
            }
            _ => Ok(()),
        };
        match operator {
            "ConstantOfShape" => product(0, "a tensor of"),
            "Expand" | "Reshape" => product(1, "a tensor of"),
            "Tile" => product(1, "copies in number"),
            "Resize" => product(3, "a tensor of").and_then(|()| check_scales(constant(2), &place())),
            "Upsample" => check_scales(constant(1), &place()),
            "Pad" => match constant(1) {
                Some(Small::Ints(pads)) => pads
                    .iter()
                    .try_for_each(|&pad| check_size(pad, &(-MAX_WINDOW..=MAX_WINDOW), "pads", &place())),
                _ => Ok(()),
            },
            _ => Ok(()),
        }
    }

    fn attribute(&mut self, bytes: &'a [u8], place: &str) -> Result<Attribute<'a>> {
        self.budget.spend()?;
        let mut name = "";
        let mut tensor = None;
        let mut graph = None;
        let mut sparse = None;
        for field in Fields::of(bytes) {
            let (number, value) = field.map_err(damaged)?;
            match number {
                1 => name = value.text().map_err(damaged)?,
                5 => once(&mut tensor, value.bytes().map_err(damaged)?, "tensor")?,
                6 => once(&mut graph, value.bytes().map_err(damaged)?, "graph")?,
                10 => drop(self.tensor(value.bytes().map_err(damaged)?, place)?),
                11 => drop(self.graph(value.bytes().map_err(damaged)?)?),
                14 | 15 => ValueInfo::check_type(value.bytes().map_err(damaged)?)?,
                22 => {
                    once(&mut sparse, value.bytes().map_err(damaged)?, "sparse tensor")?;
                    self.sparse_tensor(value)?;
                }
                23 => drop(self.sparse_tensor(value)?),
                _ => {}
            }
        }
        if let Some(graph) = graph {
            self.graph(graph)?;
        }
        check_sizes(bytes, name, place)?;
        Ok(Attribute { name, tensor: tensor.map(|tensor| self.tensor(tensor, place)).transpose()? })
    }

    fn tensor(&mut self, bytes: &'a [u8], place: &str) -> Result<Tensor<'a>> {
        self.budget.spend()?;
        tensor_proto::check(bytes, place)
    }

    /// Checks a `SparseTensorProto` and returns the name of its values. Image models have none, and the runtimes make
    /// them dense at load, so its full size counts as well.
    fn sparse_tensor(&mut self, value: Value<'a>) -> Result<&'a str> {
        self.budget.spend()?;
        let mut name = "";
        let mut dims = Vec::new();
        for field in Fields::of(value.bytes().map_err(damaged)?) {
            let (number, value) = field.map_err(damaged)?;
            match number {
                1 => name = self.tensor(value.bytes().map_err(damaged)?, "a sparse tensor")?.name,
                2 => drop(self.tensor(value.bytes().map_err(damaged)?, "a sparse tensor")?),
                3 => {
                    for dim in wire::integers(value).take(32) {
                        dims.push(dim.map_err(damaged)?);
                    }
                }
                _ => {}
            }
        }
        match tensor_proto::elements(&dims) {
            Some(_) => Ok(name),
            None => Err(refused(format!(
                "sparse tensor `{name}` has impossible dimensions {}",
                shape_text(&dims)
            ))),
        }
    }

    fn value_info(&mut self, value: Value<'a>) -> Result<ValueInfo<'a>> {
        self.budget.spend()?;
        ValueInfo::read(value.bytes().map_err(damaged)?)
    }

    fn define(&mut self, name: &'a str, small: Small) {
        if let Some(scope) = self.scopes.last_mut() {
            scope.insert(name, small);
        }
    }

    fn lookup(&self, name: &str) -> Option<&Small> {
        self.scopes.iter().rev().find_map(|scope| scope.get(name))
    }
}

fn check_scales(scales: Option<&Small>, place: &str) -> Result<()> {
    if let Some(Small::Floats(scales)) = scales
        && let Some(scale) = scales.iter().find(|scale| !(0.0..=MAX_RESIZE).contains(*scale))
    {
        return Err(refused(format!("{place} scales by {scale}")).expected(format!("0 to {MAX_RESIZE}")));
    }
    Ok(())
}

/// Checks the attributes that say how large windows and blocks are. ONNX Runtime 1.23 divides by some of them
/// unchecked, so that a zero would end the process.
fn check_sizes(attribute: &[u8], name: &str, place: &str) -> Result<()> {
    let range = match name {
        "strides" | "dilations" | "kernel_shape" | "blocksize" => 1..=MAX_WINDOW,
        "group" | "num_groups" | "num_outputs" => 1..=MAX_GROUPS,
        "pads" => -MAX_WINDOW..=MAX_WINDOW,
        "output_padding" => 0..=MAX_WINDOW,
        "output_shape" => 0..=i64::from(MAX_SIDE),
        _ => return Ok(()),
    };
    for field in Fields::of(attribute) {
        if let (3 | 8, value) = field.map_err(damaged)? {
            for size in wire::integers(value) {
                check_size(size.map_err(damaged)?, &range, name, place)?;
            }
        }
    }
    Ok(())
}

/// Checks one size of a convolution's, pooling's or padding's window.
// RV-ONNX-1004
fn check_size(size: i64, range: &RangeInclusive<i64>, what: &str, place: &str) -> Result<()> {
    if !range.contains(&size) {
        return Err(refused(format!("{place} has {what} of {size}")).expected(format!(
            "{} to {}",
            range.start(),
            range.end()
        )));
    }
    Ok(())
}
