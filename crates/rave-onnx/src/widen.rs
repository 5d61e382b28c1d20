//! A model that was saved in fp16, in fp32: the same numbers, with room for larger ones between them.

use half::f16;
use rave_core::Result;

use crate::preflight::damaged;
use crate::wire::{self, Fields, Value};

/// `TensorProto.DataType` (onnx.proto).
const FLOAT: u64 = 1;
const FLOAT16: u64 = 10;

/// The model in `bytes` with every fp16 tensor, declaration and conversion in fp32, or `None` where it has none. Every
/// fp16 number is one of fp32, so nothing is rounded.
///
/// `bytes` are a model that passed the checks of [`ModelSummary::read`](crate::ModelSummary::read): its graphs nest only
/// so deep.
///
/// # Errors
/// [`Status::ModelLoadFailed`](rave_core::Status::ModelLoadFailed) for what is no model.
// RV-ONNX-1106
pub fn widened(bytes: &[u8]) -> Result<Option<Vec<u8>>> {
    let mut widen = Widen { changed: false };
    let model = widen.message(bytes, Widen::of_model)?;
    Ok(widen.changed.then_some(model))
}

/// What is done with a field of a message: it is written in another way, or, when nothing is returned, copied.
type Edit = fn(&mut Widen, u32, Value<'_>) -> Result<Option<Vec<u8>>>;

struct Widen {
    changed: bool,
}

impl Widen {
    /// The message in `bytes` with each field as `edit` has it.
    fn message(&mut self, bytes: &[u8], edit: Edit) -> Result<Vec<u8>> {
        let mut out = Vec::with_capacity(bytes.len());
        for field in Fields::of(bytes) {
            let (number, value) = field.map_err(damaged)?;
            match edit(self, number, value)? {
                Some(edited) => out.extend(edited),
                None => write(&mut out, number, value),
            }
        }
        Ok(out)
    }

    /// The field `number` that holds a message, with each field of that as `edit` has it.
    fn inside(&mut self, number: u32, value: Value<'_>, edit: Edit) -> Result<Option<Vec<u8>>> {
        let inner = self.message(value.bytes().map_err(damaged)?, edit)?;
        Ok(Some(field(number, Value::Bytes(&inner))))
    }

    /// The field `number` that holds a data type.
    fn data_type(&mut self, number: u32, value: Value<'_>) -> Option<Vec<u8>> {
        let half = value == Value::Varint(FLOAT16);
        self.changed |= half;
        half.then(|| field(number, Value::Varint(FLOAT)))
    }

    fn of_model(&mut self, number: u32, value: Value<'_>) -> Result<Option<Vec<u8>>> {
        match number {
            7 => self.inside(number, value, Widen::of_graph),
            25 => self.inside(number, value, Widen::of_function),
            _ => Ok(None),
        }
    }

    fn of_graph(&mut self, number: u32, value: Value<'_>) -> Result<Option<Vec<u8>>> {
        match number {
            1 => self.inside(number, value, Widen::of_node),
            5 => self.of_tensor(number, value),
            11..=13 => self.inside(number, value, Widen::of_value_info),
            _ => Ok(None),
        }
    }

    fn of_function(&mut self, number: u32, value: Value<'_>) -> Result<Option<Vec<u8>>> {
        match number {
            7 => self.inside(number, value, Widen::of_node),
            11 => self.of_attribute(number, value),
            12 => self.inside(number, value, Widen::of_value_info),
            _ => Ok(None),
        }
    }

    fn of_node(&mut self, number: u32, value: Value<'_>) -> Result<Option<Vec<u8>>> {
        if number == 5 { self.of_attribute(number, value) } else { Ok(None) }
    }

    /// An `AttributeProto`: a tensor, a graph, or the data type of what `Cast` and its like make.
    fn of_attribute(&mut self, number: u32, value: Value<'_>) -> Result<Option<Vec<u8>>> {
        let mut name = "";
        for field in Fields::of(value.bytes().map_err(damaged)?) {
            if let (1, value) = field.map_err(damaged)? {
                name = value.text().map_err(damaged)?;
            }
        }
        let of_type = ["to", "dtype", "output_dtype"].contains(&name);
        self.inside(number, value, if of_type { Widen::of_type_attribute } else { Widen::of_content })
    }

    fn of_type_attribute(&mut self, number: u32, value: Value<'_>) -> Result<Option<Vec<u8>>> {
        Ok(if number == 3 { self.data_type(number, value) } else { None })
    }

    fn of_content(&mut self, number: u32, value: Value<'_>) -> Result<Option<Vec<u8>>> {
        match number {
            5 | 10 => self.of_tensor(number, value),
            6 | 11 => self.inside(number, value, Widen::of_graph),
            _ => Ok(None),
        }
    }

    /// A `TensorProto`, whose fp16 elements are raw bytes, or bits in 32-bit integers.
    fn of_tensor(&mut self, number: u32, value: Value<'_>) -> Result<Option<Vec<u8>>> {
        let half = (2, Value::Varint(FLOAT16));
        let bytes = value.bytes().map_err(damaged)?;
        if Fields::of(bytes).all(|field| field != Ok(half)) {
            return Ok(None);
        }
        self.inside(number, value, |widen, number, value| match number {
            2 => Ok(widen.data_type(number, value)),
            5 => {
                let bits = wire::integers(value).collect::<Result<Vec<_>, _>>().map_err(damaged)?;
                let elements = bits.into_iter().map(|bits| f16::from_bits(bits as u16));
                Ok(Some(field(4, Value::Bytes(&floats(elements)))))
            }
            9 => {
                let (bits, _) = value.bytes().map_err(damaged)?.as_chunks();
                let elements = bits.iter().map(|&bits| f16::from_le_bytes(bits));
                Ok(Some(field(9, Value::Bytes(&floats(elements)))))
            }
            _ => Ok(None),
        })
    }

    fn of_value_info(&mut self, number: u32, value: Value<'_>) -> Result<Option<Vec<u8>>> {
        if number == 2 { self.inside(number, value, Widen::of_type) } else { Ok(None) }
    }

    fn of_type(&mut self, number: u32, value: Value<'_>) -> Result<Option<Vec<u8>>> {
        let of_tensor_type: Edit =
            |widen, number, value| Ok(if number == 1 { widen.data_type(number, value) } else { None });
        if number == 1 { self.inside(number, value, of_tensor_type) } else { Ok(None) }
    }
}

/// The elements in fp32, little-endian.
fn floats(elements: impl Iterator<Item = f16>) -> Vec<u8> {
    elements.flat_map(|element| element.to_f32().to_le_bytes()).collect()
}

fn field(number: u32, value: Value<'_>) -> Vec<u8> {
    let mut out = Vec::new();
    write(&mut out, number, value);
    out
}

/// Writes a field as it was read.
fn write(out: &mut Vec<u8>, number: u32, value: Value<'_>) {
    let kind = match value {
        Value::Varint(_) => 0,
        Value::Fixed(bytes) if bytes.len() == 8 => 1,
        Value::Bytes(_) => 2,
        Value::Fixed(_) => 5,
    };
    varint(out, u64::from(number) << 3 | kind);
    match value {
        Value::Varint(bits) => varint(out, bits),
        Value::Fixed(bytes) => out.extend(bytes),
        Value::Bytes(bytes) => {
            varint(out, bytes.len() as u64);
            out.extend(bytes);
        }
    }
}

fn varint(out: &mut Vec<u8>, mut bits: u64) {
    while bits >= 0x80 {
        out.push(bits as u8 | 0x80);
        bits >>= 7;
    }
    out.push(bits as u8);
}

#[cfg(test)]
mod tests {
    use rave_core::{ElementType, Elements, ElementsMut, Size};

    use super::*;
    use crate::golden::golden;
    use crate::{LoadOptions, ModelSummary, OnnxModel};

    /// RV-ONNX-1106
    #[test]
    fn a_model_in_half_precision_gives_the_same_numbers_in_single() {
        let wide = widened(&golden("identity-1x-fp16")).unwrap().unwrap();
        let summary = ModelSummary::read(&wide, "x.onnx").unwrap();
        assert_eq!((summary.input.element, summary.output.element), (ElementType::F32, ElementType::F32));
        let model =
            std::sync::Arc::new(OnnxModel::from_bytes(&wide, "x.onnx", &LoadOptions::default()).unwrap());
        let mut session = model.session(Size::new(4, 1)).unwrap();
        // The last is more than fp16 holds.
        let numbers = [0.0, 1.0, -0.5, 0.1, 1.0 / 3.0, 3.0, 9.0, 27.0, 81.0, 243.0, 65504.0, 1e9];
        let ElementsMut::F32(input) = session.input() else { panic!("single precision") };
        input.copy_from_slice(&numbers);
        session.run().unwrap();
        let Elements::F32(output) = session.output() else { panic!("single precision") };
        assert_eq!(output, numbers);
    }

    /// RV-ONNX-1106
    #[test]
    fn what_has_nothing_in_half_precision_needs_no_other_model() {
        for name in ["identity-1x", "dyadic-2x", "int-input", "half-1x2"] {
            assert_eq!(widened(&golden(name)).unwrap(), None, "{name}");
        }
        let wide = widened(&golden("identity-1x-fp16")).unwrap().unwrap();
        assert_eq!(widened(&wide).unwrap(), None);
    }

    fn bytes(number: u32, content: &[u8]) -> Vec<u8> {
        field(number, Value::Bytes(content))
    }

    /// A `ModelProto` of the graph of these fields.
    fn model(graph: &[u8]) -> Vec<u8> {
        [&[0x08, 8][..], &bytes(7, graph)].concat()
    }

    /// RV-ONNX-1106
    #[test]
    fn weights_constants_declarations_and_conversions_are_all_changed_wherever_they_are() {
        // Name, data type, and elements of a tensor: 1 and -2 as raw bytes, or in integers, packed or not.
        let tensor = |data_type: u8, elements: &[u8]| [&[0x08, 2, 0x10, data_type][..], elements].concat();
        let halves = [
            (bytes(9, &[0x00, 0x3c, 0x00, 0xc0]), bytes(9, &[0, 0, 0x80, 0x3f, 0, 0, 0, 0xc0])),
            (bytes(5, &[0x80, 0x78, 0x80, 0x80, 0x03]), bytes(4, &[0, 0, 0x80, 0x3f, 0, 0, 0, 0xc0])),
        ];
        let unpacked = vec![0x28, 0x80, 0x78, 0x28, 0x80, 0x80, 0x03];
        let apart = [bytes(4, &[0, 0, 0x80, 0x3f]), bytes(4, &[0, 0, 0, 0xc0])].concat();
        let node = |attribute: Vec<u8>| bytes(1, &bytes(5, &attribute));
        let declared = |data_type: u8| bytes(11, &bytes(2, &bytes(1, &[0x08, data_type])));
        let cast = |to: u8| node([bytes(1, b"to"), vec![0x18, to]].concat());
        for (half, single) in halves.into_iter().chain([(unpacked, apart)]) {
            let (half, single) = (tensor(10, &half), tensor(1, &single));
            let within = |graph: Vec<u8>| node([bytes(1, b"then_branch"), bytes(6, &graph)].concat());
            for place in [
                &|tensor: &[u8]| bytes(5, tensor) as Vec<u8>,
                &|tensor: &[u8]| node(bytes(5, tensor)),
                &|tensor: &[u8]| within(bytes(5, tensor)),
            ] as [&dyn Fn(&[u8]) -> Vec<u8>; 3]
            {
                assert_eq!(widened(&model(&place(&half))).unwrap(), Some(model(&place(&single))));
                assert_eq!(widened(&model(&place(&single))).unwrap(), None);
            }
        }
        assert_eq!(widened(&model(&declared(10))).unwrap(), Some(model(&declared(1))));
        assert_eq!(widened(&model(&cast(10))).unwrap(), Some(model(&cast(1))));
        assert_eq!(widened(&model(&cast(7))).unwrap(), None);
        // A 10 that is no data type.
        let axis = node([bytes(1, b"axis"), vec![0x18, 10]].concat());
        assert_eq!(widened(&model(&axis)).unwrap(), None);
    }

    /// RV-ONNX-1106
    #[test]
    fn whatever_is_cut_or_changed_is_a_model_or_an_error() {
        let whole = golden("identity-1x-fp16");
        for length in 0..whole.len() {
            let _ = widened(&whole[..length]);
            let mut changed = whole.clone();
            changed[length] ^= 0x55;
            let _ = widened(&changed);
        }
    }
}
