//! Encoding of numbers and texts: little-endian, lengths first.

/// Writes to a buffer.
#[derive(Debug, Default)]
pub(in crate::index) struct Output(Vec<u8>);

/// Reads from a buffer; each method returns none where the bytes do not suffice.
#[derive(Debug)]
pub(in crate::index) struct Input<'b>(&'b [u8]);

impl Output {
    pub(in crate::index) fn number(&mut self, number: u64) {
        self.0.extend_from_slice(&number.to_le_bytes());
    }

    /// The number of them, then each.
    pub(in crate::index) fn numbers(&mut self, numbers: impl ExactSizeIterator<Item = u64>) {
        self.number(numbers.len() as u64);
        self.0.reserve(numbers.len() * size_of::<u64>());
        numbers.for_each(|number| self.number(number));
    }

    pub(in crate::index) fn text(&mut self, text: &str) {
        self.number(text.len() as u64);
        self.0.extend_from_slice(text.as_bytes());
    }

    pub(in crate::index) fn raw(&mut self, bytes: &[u8]) {
        self.0.extend_from_slice(bytes);
    }

    pub(in crate::index) fn into_bytes(self) -> Vec<u8> {
        self.0
    }
}

impl<'b> Input<'b> {
    pub(in crate::index) fn new(bytes: &'b [u8]) -> Self {
        Self(bytes)
    }

    pub(in crate::index) fn number(&mut self) -> Option<u64> {
        let (number, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(u64::from_le_bytes(*number))
    }

    /// A length; none if it exceeds the bytes that are left.
    pub(in crate::index) fn count(&mut self) -> Option<usize> {
        usize::try_from(self.number()?).ok().filter(|count| *count <= self.0.len())
    }

    pub(in crate::index) fn numbers(&mut self) -> Option<impl ExactSizeIterator<Item = u64> + use<'b>> {
        let count = self.count()?;
        let (numbers, rest) = self.0.split_at_checked(count.checked_mul(size_of::<u64>())?)?;
        self.0 = rest;
        let (numbers, _) = numbers.as_chunks();
        Some(numbers.iter().map(|number| u64::from_le_bytes(*number)))
    }

    pub(in crate::index) fn text(&mut self) -> Option<&'b str> {
        let length = self.count()?;
        std::str::from_utf8(self.raw(length)?).ok()
    }

    pub(in crate::index) fn raw(&mut self, length: usize) -> Option<&'b [u8]> {
        let (bytes, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(bytes)
    }

    /// Whether everything has been read.
    pub(in crate::index) fn is_at_end(&self) -> bool {
        self.0.is_empty()
    }
}
