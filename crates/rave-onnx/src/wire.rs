//! Reads the protocol buffer wire format in place, without allocating.
//!
//! A generated parser builds a tree first: it copies every weight, and an empty two-byte message becomes a struct of a
//! hundred bytes or more, so that a hostile file grows sixty-fold in memory before anything can look at it. The
//! checks of [`crate::preflight`] need neither the copies nor the tree.
//!
//! Source: Protocol Buffers documentation, "Encoding".

/// The bytes are not well-formed protocol buffers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Malformed;

/// The value of a field, as its wire type gives it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Value<'a> {
    /// Wire type 0: integers, booleans, enums.
    Varint(u64),
    /// Wire types 1 and 5: fixed-width numbers, little-endian, 8 or 4 bytes.
    Fixed(&'a [u8]),
    /// Wire type 2: bytes, strings, messages, packed repeated numbers.
    Bytes(&'a [u8]),
}

impl<'a> Value<'a> {
    /// The value as a signed integer.
    pub(crate) fn int(self) -> Result<i64, Malformed> {
        match self {
            // Negative numbers are sent as their two's complement in 64 bits.
            Value::Varint(bits) => Ok(bits.cast_signed()),
            _ => Err(Malformed),
        }
    }

    /// The value as bytes.
    pub(crate) fn bytes(self) -> Result<&'a [u8], Malformed> {
        match self {
            Value::Bytes(bytes) => Ok(bytes),
            _ => Err(Malformed),
        }
    }

    /// The value as UTF-8 text.
    pub(crate) fn text(self) -> Result<&'a str, Malformed> {
        std::str::from_utf8(self.bytes()?).map_err(|_| Malformed)
    }
}

/// The fields of one message, in the order in which they lie in the file.
#[derive(Clone, Debug)]
pub(crate) struct Fields<'a> {
    rest: &'a [u8],
}

impl<'a> Fields<'a> {
    /// The fields of the message in `bytes`.
    pub(crate) fn of(bytes: &'a [u8]) -> Self {
        Fields { rest: bytes }
    }

    fn field(&mut self) -> Result<(u32, Value<'a>), Malformed> {
        let tag = u32::try_from(varint(&mut self.rest)?).map_err(|_| Malformed)?;
        let number = tag >> 3;
        if number == 0 {
            return Err(Malformed);
        }
        let value = match tag & 7 {
            0 => Value::Varint(varint(&mut self.rest)?),
            1 => Value::Fixed(take(&mut self.rest, 8)?),
            2 => {
                let length = usize::try_from(varint(&mut self.rest)?).map_err(|_| Malformed)?;
                Value::Bytes(take(&mut self.rest, length)?)
            }
            5 => Value::Fixed(take(&mut self.rest, 4)?),
            // 3 and 4 are groups, which proto2 deprecated and ONNX never used; 6 and 7 do not exist.
            _ => return Err(Malformed),
        };
        Ok((number, value))
    }
}

impl<'a> Iterator for Fields<'a> {
    type Item = Result<(u32, Value<'a>), Malformed>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.is_empty() {
            return None;
        }
        let field = self.field();
        if field.is_err() {
            self.rest = &[];
        }
        Some(field)
    }
}

/// The integers of a repeated field's one occurrence: one number, or a packed run of them.
pub(crate) fn integers(value: Value<'_>) -> impl Iterator<Item = Result<i64, Malformed>> {
    let (mut single, mut packed) = match value {
        Value::Varint(bits) => (Some(Ok(bits.cast_signed())), &[][..]),
        Value::Bytes(bytes) => (None, bytes),
        Value::Fixed(_) => (Some(Err(Malformed)), &[][..]),
    };
    std::iter::from_fn(move || {
        if let Some(single) = single.take() {
            return Some(single);
        }
        if packed.is_empty() {
            return None;
        }
        let number = varint(&mut packed).map(u64::cast_signed);
        if number.is_err() {
            packed = &[];
        }
        Some(number)
    })
}

/// How many numbers one occurrence of a repeated field of `width`-byte numbers holds; `width` 0 means varints.
pub(crate) fn count(value: Value<'_>, width: usize) -> Result<u64, Malformed> {
    match (value, width) {
        (Value::Varint(_), 0) => Ok(1),
        (Value::Fixed(bytes), width) if bytes.len() == width => Ok(1),
        // The last byte of a varint, and only that, has its top bit clear.
        (Value::Bytes(bytes), 0) if bytes.last().is_none_or(|last| last & 0x80 == 0) => {
            Ok(bytes.iter().filter(|&byte| byte & 0x80 == 0).count() as u64)
        }
        (Value::Bytes(bytes), width) if width > 0 && bytes.len() % width == 0 => {
            Ok((bytes.len() / width) as u64)
        }
        _ => Err(Malformed),
    }
}

// RV-ONNX-1003
fn take<'a>(rest: &mut &'a [u8], length: usize) -> Result<&'a [u8], Malformed> {
    let (head, tail) = rest.split_at_checked(length).ok_or(Malformed)?;
    *rest = tail;
    Ok(head)
}

fn varint(rest: &mut &[u8]) -> Result<u64, Malformed> {
    let mut number = 0;
    for shift in (0..64).step_by(7) {
        let (&byte, tail) = rest.split_first().ok_or(Malformed)?;
        *rest = tail;
        // The tenth byte holds the 64th bit and nothing more.
        if shift == 63 && byte > 1 {
            return Err(Malformed);
        }
        number |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Ok(number);
        }
    }
    Err(Malformed)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(bytes: &[u8]) -> Result<Vec<(u32, Value<'_>)>, Malformed> {
        Fields::of(bytes).collect()
    }

    #[test]
    fn fields_of_every_wire_type_are_read_in_order() {
        let bytes = [
            0x08, 0x96, 0x01, // 1: varint 150
            0x12, 0x02, b'h', b'i', // 2: bytes
            0x1d, 1, 2, 3, 4, // 3: four bytes
            0x21, 1, 2, 3, 4, 5, 6, 7, 8, // 4: eight bytes
        ];
        assert_eq!(
            read(&bytes).unwrap(),
            [
                (1, Value::Varint(150)),
                (2, Value::Bytes(b"hi")),
                (3, Value::Fixed(&[1, 2, 3, 4])),
                (4, Value::Fixed(&[1, 2, 3, 4, 5, 6, 7, 8])),
            ]
        );
    }

    #[test]
    fn negative_integers_are_two_complement() {
        let minus_two = [0xfe, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01];
        let numbers: Result<Vec<_>, _> = integers(Value::Bytes(&minus_two)).collect();
        assert_eq!(numbers, Ok(vec![-2]));
        assert_eq!(count(Value::Bytes(&minus_two), 0), Ok(1));
    }

    #[test]
    fn malformed_bytes_end_the_reading() {
        for bytes in [
            &[0x08][..],                                                               // no value
            &[0x12, 0x05, b'a'], // shorter than its length
            &[0x0b],             // a group
            &[0x00, 0x00],       // field number 0
            &[0x08, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x02], // 65 bits
            &[0x12, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01, 0x00], // length 2^64 - 1
        ] {
            assert_eq!(read(bytes), Err(Malformed), "{bytes:?}");
        }
        assert_eq!(count(Value::Bytes(&[1, 2, 3]), 4), Err(Malformed));
        assert_eq!(count(Value::Bytes(&[0x80]), 0), Err(Malformed));
    }
}
