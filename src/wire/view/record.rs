//! One record, borrowed.

use smallvec::SmallVec;

use super::Malformed;
use super::reader::{Reader, number_key, text_key};
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
    pub service_tasks: SmallVec<[&'a str; 4]>,
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

impl<'a> RecordView<'a> {
    pub(super) fn read(mut message: Reader<'a>) -> Result<Self, Malformed> {
        const ID: u32 = text_key(1);
        const REGISTER: u32 = text_key(2);
        const SERVICE_EVENT: u32 = text_key(3);
        const RECORDED_ON: u32 = text_key(4);
        const KIND: u32 = number_key(5);
        const SERVICE_TASKS: u32 = text_key(6);
        const ORIGINAL_CONTROLLER: u32 = text_key(7);
        const OUTSOURCING: u32 = text_key(RECORD_FIELDS);
        let mut record = Self::default();
        while let Some(key) = message.key()? {
            match key {
                ID => record.id = message.text()?,
                REGISTER => record.register = message.text()?,
                SERVICE_EVENT => record.service_event = message.text()?,
                RECORDED_ON => record.recorded_on = message.text()?,
                KIND => record.kind = message.number()?,
                SERVICE_TASKS => record.service_tasks.push(message.text()?),
                ORIGINAL_CONTROLLER => record.original_controller = message.text()?,
                OUTSOURCING => record.outsourcing.get_or_insert_default().merge(message.message()?)?,
                unknown => message.pass_over(unknown, RECORD_FIELDS)?,
            }
        }
        Ok(record)
    }
}

impl<'a> OutsourcingView<'a> {
    fn merge(&mut self, mut message: Reader<'a>) -> Result<(), Malformed> {
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
            service_tasks: service_tasks.iter().map(String::as_str).collect(),
            original_controller,
            outsourcing: outsourcing
                .as_ref()
                .map(|v1::OutsourcedService { organiser, producer }| OutsourcingView { organiser, producer }),
        }
    }
}
