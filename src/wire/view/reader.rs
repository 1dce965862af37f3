//! The parts of a protobuf message, with the limits that prost has.

use super::Malformed;

/// How deep messages and groups may be in one another.
pub(super) const DEPTH_MAX: u32 = 100;

const VARINT: u32 = 0;
const SIXTY_FOUR_BITS: u32 = 1;
const LENGTH_DELIMITED: u32 = 2;
const GROUP_BEGINS: u32 = 3;
const GROUP_ENDS: u32 = 4;
const THIRTY_TWO_BITS: u32 = 5;

/// The key of a number, a truth value or an enum value.
pub(super) const fn number_key(field: u32) -> u32 {
    field << 3 | VARINT
}

/// The key of text or a message.
pub(super) const fn text_key(field: u32) -> u32 {
    field << 3 | LENGTH_DELIMITED
}

/// The last bits that a varint of ten bytes has room for.
const LAST_BYTE_MAX: u8 = 1;
const LAST_SHIFT: u32 = 63;

/// What is left of a message.
#[derive(Clone, Copy, Default)]
pub(super) struct FieldReader<'a> {
    left: &'a [u8],
    /// Number of levels of messages that may be nested below this one.
    depth: u32,
}

impl<'a> FieldReader<'a> {
    /// Reads a message, at the top where the depth is [`DEPTH_MAX`].
    pub(super) fn new(message: &'a [u8], depth: u32) -> Self {
        Self { left: message, depth }
    }

    /// The key of the next field; none at the end.
    #[inline]
    pub(super) fn key(&mut self) -> Result<Option<u32>, Malformed> {
        if self.left.is_empty() {
            return Ok(None);
        }
        let key = u32::try_from(self.varint()?).map_err(|_| Malformed)?;
        let is_field = key >> 3 != 0 && key & 7 <= THIRTY_TWO_BITS;
        if is_field { Ok(Some(key)) } else { Err(Malformed) }
    }

    #[inline]
    pub(super) fn varint(&mut self) -> Result<u64, Malformed> {
        match self.left {
            [first, left @ ..] if *first < 0x80 => {
                self.left = left;
                Ok(u64::from(*first))
            }
            _ => self.long_varint(),
        }
    }

    fn long_varint(&mut self) -> Result<u64, Malformed> {
        let mut value = 0;
        for shift in (0..=LAST_SHIFT).step_by(7) {
            let (byte, left) = self.left.split_first().ok_or(Malformed)?;
            self.left = left;
            value |= u64::from(byte & 0x7F) << shift;
            if shift == LAST_SHIFT && *byte > LAST_BYTE_MAX {
                return Err(Malformed);
            }
            if *byte < 0x80 {
                return Ok(value);
            }
        }
        Err(Malformed)
    }

    /// An enum value. Only the lower half counts, as everywhere in protobuf.
    #[inline]
    pub(super) fn number(&mut self) -> Result<i32, Malformed> {
        let [a, b, c, d, ..] = self.varint()?.to_le_bytes();
        Ok(i32::from_le_bytes([a, b, c, d]))
    }

    #[inline]
    pub(super) fn truth(&mut self) -> Result<bool, Malformed> {
        Ok(self.varint()? != 0)
    }

    #[inline]
    pub(super) fn bytes(&mut self) -> Result<&'a [u8], Malformed> {
        let length = usize::try_from(self.varint()?).map_err(|_| Malformed)?;
        let (bytes, left) = self.left.split_at_checked(length).ok_or(Malformed)?;
        self.left = left;
        Ok(bytes)
    }

    #[inline]
    pub(super) fn text(&mut self) -> Result<&'a str, Malformed> {
        std::str::from_utf8(self.bytes()?).map_err(|_| Malformed)
    }

    /// All that is left.
    #[inline]
    pub(super) fn as_bytes(&self) -> &'a [u8] {
        self.left
    }

    /// All that is left, where all of it is text.
    pub(super) fn as_text(&self) -> Option<&'a str> {
        std::str::from_utf8(self.left).ok()
    }

    /// The same as [`FieldReader::text`], cut out of the text that ends with the message.
    #[inline]
    pub(super) fn text_of(&mut self, message: Option<&'a str>) -> Result<&'a str, Malformed> {
        let Some(message) = message else { return self.text() };
        let length = self.bytes()?.len();
        let end = message.len() - self.left.len();
        // A cut within a character is text that is none.
        message.get(end - length..end).ok_or(Malformed)
    }

    /// A message within this one.
    #[inline]
    pub(super) fn message(&mut self) -> Result<Self, Malformed> {
        let depth = self.depth.checked_sub(1).ok_or(Malformed)?;
        Ok(Self { left: self.bytes()?, depth })
    }

    /// Number of bytes left.
    pub(super) fn left(&self) -> usize {
        self.left.len()
    }

    /// Passes over an unknown field. One of the fields that the message has,
    /// and so of another wire type than it should be, is malformed.
    pub(super) fn pass_over(&mut self, key: u32, fields_known: u32) -> Result<(), Malformed> {
        if key >> 3 <= fields_known { Err(Malformed) } else { self.skip(key, self.depth) }
    }

    /// The content of the next field of variable length, whichever it is. The others
    /// are passed over.
    pub(super) fn next_content(&mut self) -> Result<Option<&'a [u8]>, Malformed> {
        while let Some(key) = self.key()? {
            if key & 7 == LENGTH_DELIMITED {
                return self.bytes().map(Some);
            }
            self.skip(key, self.depth)?;
        }
        Ok(None)
    }

    fn skip(&mut self, key: u32, depth: u32) -> Result<(), Malformed> {
        let below = depth.checked_sub(1).ok_or(Malformed)?;
        match key & 7 {
            VARINT => self.varint().map(drop),
            SIXTY_FOUR_BITS => self.skip_bytes(8),
            LENGTH_DELIMITED => self.bytes().map(drop),
            GROUP_BEGINS => loop {
                let inner = self.key()?.ok_or(Malformed)?;
                if inner & 7 != GROUP_ENDS {
                    self.skip(inner, below)?;
                } else if inner >> 3 == key >> 3 {
                    return Ok(());
                } else {
                    return Err(Malformed);
                }
            },
            THIRTY_TWO_BITS => self.skip_bytes(4),
            _ => Err(Malformed),
        }
    }

    fn skip_bytes(&mut self, count: usize) -> Result<(), Malformed> {
        self.left = self.left.get(count..).ok_or(Malformed)?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Passes over everything, as over unknown fields.
    fn pass_over(bytes: &[u8]) -> Result<(), Malformed> {
        let mut message = FieldReader::new(bytes, DEPTH_MAX);
        while let Some(key) = message.key()? {
            message.pass_over(key, 0)?;
        }
        Ok(())
    }

    #[test]
    fn fields_have_a_number_and_a_wire_type_that_exists() {
        // Also in a group, whose content nothing else checks.
        let in_group = |bytes: &[u8]| [&[0x0B], bytes, &[0x0C]].concat();
        for field in [&[0x08, 0x01][..], &[0x0A, 0x01, 0x07], &[0xF8, 0xFF, 0xFF, 0xFF, 0x0F, 0x01]] {
            assert_eq!((pass_over(field), pass_over(&in_group(field))), (Ok(()), Ok(())), "{field:02X?}");
        }
        for field in [&[0x00, 0x01][..], &[0x02, 0x00], &[0x0E, 0x01], &[0x0F, 0x01]] {
            let expected = (Err(Malformed), Err(Malformed));
            assert_eq!((pass_over(field), pass_over(&in_group(field))), expected, "{field:02X?}");
        }
    }

    #[test]
    fn a_varint_has_sixty_four_bits_in_at_most_ten_bytes() {
        let of_ten = |last: u8| [[0xFF; 9].as_slice(), &[last, 0x07]].concat();
        for (bytes, expected) in [
            (vec![0x7F], Ok(0x7F)),
            (vec![0x80, 0x01], Ok(0x80)),
            (vec![0x80, 0x00], Ok(0)),
            (vec![0x80], Err(Malformed)),
            (of_ten(0x00), Ok(u64::MAX >> 1)),
            (of_ten(0x01), Ok(u64::MAX)),
            (of_ten(0x02), Err(Malformed)),
            (of_ten(0x81), Err(Malformed)),
        ] {
            assert_eq!(FieldReader::new(&bytes, DEPTH_MAX).varint(), expected, "{bytes:02X?}");
        }
    }
}
