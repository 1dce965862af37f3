//! How much memory a message takes once it is decoded.
//!
//! Two bytes are enough for an empty message in a list, and decoded it takes some
//! hundreds. So the fields of a message are counted before it is decoded.

use std::mem::size_of;

use super::Malformed;
use super::reader::FieldReader;
use crate::wire::v1;

/// The most that a message in a list takes beside its own bytes: the largest one, and
/// as much again, because a list that grows may have room for twice its elements.
const MESSAGE_BYTES: u64 = {
    let mut largest = 0;
    let mut sizes: &[usize] = &[
        size_of::<v1::Record>(),
        size_of::<v1::StoredDeclaration>(),
        size_of::<v1::Organisation>(),
        size_of::<v1::Register>(),
        size_of::<v1::Claim>(),
        size_of::<v1::ClientId>(),
    ];
    while let Some((size, rest)) = sizes.split_first() {
        if *size > largest {
            largest = *size;
        }
        sizes = rest;
    }
    2 * largest as u64
};

/// The same of a text, with what the allocator adds.
const TEXT_BYTES: u64 = 2 * size_of::<String>() as u64 + 16;

/// Messages of the interface have lists down to this depth. What is deeper is unknown
/// to it, and prost passes over that.
const DEPTH_MAX: u32 = 8;

/// An upper bound of the memory that a message takes once it is decoded, or until it is
/// found that it cannot be. A text that could be a message counts as one.
#[must_use]
pub fn decoded_bytes(message: &[u8]) -> u64 {
    let (fields, _) = fields_in(message, DEPTH_MAX);
    fields.saturating_add(message.len() as u64)
}

/// What the fields of variable length take, with those within them, up to the first
/// byte that belongs to no field; and whether there is none.
fn fields_in(message: &[u8], depth: u32) -> (u64, bool) {
    let mut reader = FieldReader::new(message, depth);
    let mut bytes = 0_u64;
    loop {
        match reader.next_content() {
            Ok(Some(content)) => {
                let (within, could_be_message) =
                    if depth > 0 { fields_in(content, depth - 1) } else { (0, true) };
                bytes += within + if could_be_message { MESSAGE_BYTES } else { TEXT_BYTES };
            }
            Ok(None) => return (bytes, true),
            Err(Malformed) => return (bytes, false),
        }
    }
}

#[cfg(test)]
mod tests {
    use prost::Message;

    use super::*;

    #[test]
    fn many_empty_messages_count_for_what_they_become() {
        let declarations = vec![v1::StoredDeclaration::default(); 1000];
        let simulation = v1::SimulateRequest { declarations, ..v1::SimulateRequest::default() };
        let bytes = simulation.encode_to_vec();
        assert_eq!(bytes.len(), 2000);
        let takes = simulation.declarations.capacity() * size_of::<v1::StoredDeclaration>();
        assert!(decoded_bytes(&bytes) >= takes as u64, "{takes}");
    }

    #[test]
    fn lists_within_messages_count_too() {
        let directory = v1::Directory {
            organisations: vec![v1::Organisation::default(); 500],
            ..v1::Directory::default()
        };
        let simulation = v1::SimulateRequest { directory: Some(directory), ..v1::SimulateRequest::default() };
        assert!(decoded_bytes(&simulation.encode_to_vec()) >= 500 * size_of::<v1::Organisation>() as u64);
    }

    #[test]
    fn texts_do_not_count_as_messages() {
        let record = v1::Record { service_tasks: vec!["task-1".to_owned(); 1000], ..v1::Record::default() };
        assert!(decoded_bytes(&record.encode_to_vec()) < 1000 * 100);
    }

    #[test]
    fn what_is_decoded_before_a_fault_counts() {
        let directory = v1::Directory {
            organisations: vec![v1::Organisation::default(); 500],
            ..v1::Directory::default()
        };
        // The last byte starts a field that does not follow.
        let bytes = [directory.encode_to_vec(), vec![0x0A]].concat();
        assert!(decoded_bytes(&bytes) >= 500 * size_of::<v1::Organisation>() as u64);
    }

    #[test]
    fn whatever_is_sent_is_counted_without_end() {
        for seed in 0..1000_u32 {
            let bytes: Vec<u8> =
                (0..200).map(|place| (seed.wrapping_mul(2_654_435_761) >> (place % 25)) as u8).collect();
            assert!(decoded_bytes(&bytes) <= 200 + MESSAGE_BYTES * 200 * u64::from(DEPTH_MAX + 1));
        }
    }
}
