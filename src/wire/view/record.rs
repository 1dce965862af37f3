//! One record, borrowed.

use std::fmt;

use super::Malformed;
use super::reader::{FieldReader, number_key, text_key};
use crate::wire::v1;

/// The fields of `Record` are numbered from one to this.
const RECORD_FIELDS: u32 = 8;

/// And so are those of `OutsourcedService`.
const OUTSOURCING_FIELDS: u32 = 2;

/// What is said of one record. Empty = unset.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RecordView<'a> {
    /// The document's set id.
    pub id: &'a str,
    /// The OID of the register that holds it.
    pub register: &'a str,
    /// The service event or transaction.
    pub service_event: &'a str,
    /// The recording day.
    pub recorded_on: &'a str,
    /// What it is, as a number.
    pub kind: i32,
    /// The service tasks it names.
    pub service_tasks: ServiceTasks<'a>,
    /// The OID of the controller before a merger moved it.
    pub original_controller: &'a str,
    /// Where it was generated, if in an outsourced service.
    pub outsourcing: Option<OutsourcingView<'a>>,
}

/// Where an outsourced record was generated. Empty = unset.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct OutsourcingView<'a> {
    /// The organiser's OID.
    pub organiser: &'a str,
    /// The producer's OID.
    pub producer: &'a str,
}

/// The service tasks of a record. InlineList records have any, so they are found
/// again where they are needed.
#[derive(Clone, Copy)]
pub struct ServiceTasks<'a>(Tasks<'a>);

#[derive(Clone, Copy)]
enum Tasks<'a> {
    None,
    /// In the bytes of the record, which have been read before.
    Of(FieldReader<'a>),
    Listed(&'a [String]),
}

const SERVICE_TASKS: u32 = text_key(6);

impl<'a> RecordView<'a> {
    /// Reads the bytes of a record in the place of what was here.
    #[inline]
    pub(super) fn read(&mut self, mut message: FieldReader<'a>) -> Result<(), Malformed> {
        const ID: u32 = text_key(1);
        const REGISTER: u32 = text_key(2);
        const SERVICE_EVENT: u32 = text_key(3);
        const RECORDED_ON: u32 = text_key(4);
        const KIND: u32 = number_key(5);
        const ORIGINAL_CONTROLLER: u32 = text_key(7);
        const OUTSOURCING: u32 = text_key(RECORD_FIELDS);
        let whole = message;
        // Almost always the whole record is: then its texts need no check of their own.
        let as_text = message.as_text();
        *self = Self::default();
        while let Some(key) = message.key()? {
            match key {
                ID => self.id = message.text_of(as_text)?,
                REGISTER => self.register = message.text_of(as_text)?,
                SERVICE_EVENT => self.service_event = message.text_of(as_text)?,
                RECORDED_ON => self.recorded_on = message.text_of(as_text)?,
                KIND => self.kind = message.number()?,
                SERVICE_TASKS => {
                    message.text()?;
                    self.service_tasks = ServiceTasks(Tasks::Of(whole));
                }
                ORIGINAL_CONTROLLER => self.original_controller = message.text_of(as_text)?,
                OUTSOURCING => self.outsourcing.get_or_insert_default().merge(message.message()?)?,
                unknown => message.pass_over(unknown, RECORD_FIELDS)?,
            }
        }
        Ok(())
    }
}

impl<'a> ServiceTasks<'a> {
    /// Whether the record names none.
    #[must_use]
    pub fn is_empty(self) -> bool {
        matches!(self.0, Tasks::None | Tasks::Listed([]))
    }

    /// One after the other.
    pub fn iter(self) -> impl Iterator<Item = &'a str> {
        let (mut reader, listed) = match self.0 {
            Tasks::None => (FieldReader::default(), [].as_slice()),
            Tasks::Of(reader) => (reader, [].as_slice()),
            Tasks::Listed(listed) => (FieldReader::default(), listed),
        };
        let found = std::iter::from_fn(move || next_task(&mut reader));
        found.chain(listed.iter().map(String::as_str))
    }
}

/// The next task in a record, which has been read before and so is not malformed.
fn next_task<'a>(record: &mut FieldReader<'a>) -> Option<&'a str> {
    while let Some(key) = record.key().ok()? {
        if key == SERVICE_TASKS {
            return record.text().ok();
        }
        record.pass_over(key, 0).ok()?;
    }
    None
}

impl Default for ServiceTasks<'_> {
    fn default() -> Self {
        Self(Tasks::None)
    }
}

impl PartialEq for ServiceTasks<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.iter().eq(other.iter())
    }
}

impl Eq for ServiceTasks<'_> {}

impl fmt::Debug for ServiceTasks<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}

impl<'a> OutsourcingView<'a> {
    fn merge(&mut self, mut message: FieldReader<'a>) -> Result<(), Malformed> {
        const ORGANISER: u32 = text_key(1);
        const PRODUCER: u32 = text_key(OUTSOURCING_FIELDS);
        while let Some(key) = message.key()? {
            match key {
                ORGANISER => self.organiser = message.text()?,
                PRODUCER => self.producer = message.text()?,
                unknown => message.pass_over(unknown, OUTSOURCING_FIELDS)?,
            }
        }
        Ok(())
    }
}

impl<'a> From<&'a v1::Record> for RecordView<'a> {
    fn from(message: &'a v1::Record) -> Self {
        let v1::Record {
            id,
            register,
            service_event,
            recorded_on,
            kind,
            service_tasks,
            original_controller,
            outsourcing,
        } = message;
        Self {
            id,
            register,
            service_event,
            recorded_on,
            kind: *kind,
            service_tasks: ServiceTasks(Tasks::Listed(service_tasks)),
            original_controller,
            outsourcing: outsourcing
                .as_ref()
                .map(|v1::OutsourcedService { organiser, producer }| OutsourcingView { organiser, producer }),
        }
    }
}

#[cfg(test)]
mod tests {
    use prost::Message;

    use super::*;

    fn with_tasks(tasks: &[&str]) -> v1::Record {
        let service_tasks = tasks.iter().map(|task| (*task).to_owned()).collect();
        v1::Record { id: "document-1".to_owned(), service_tasks, ..v1::Record::default() }
    }

    #[test]
    fn tasks_are_found_in_bytes_as_in_a_message() {
        for tasks in [&[][..], &["0101"], &["0101", "0202"]] {
            let message = with_tasks(tasks);
            let bytes = message.encode_to_vec();
            let mut read = RecordView::default();
            read.read(FieldReader::new(&bytes, 1)).expect("a record");
            for found in [read.service_tasks, RecordView::from(&message).service_tasks] {
                // One more than there are, if it were so.
                assert_eq!(found.iter().take(tasks.len() + 1).collect::<Vec<_>>(), tasks);
                assert_eq!(found.is_empty(), tasks.is_empty());
                assert_eq!(format!("{found:?}"), format!("{tasks:?}"));
            }
        }
        assert_ne!(RecordView::from(&with_tasks(&["0101"])), RecordView::from(&with_tasks(&["0202"])));
    }
}
