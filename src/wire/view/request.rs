//! A question but for its records, borrowed; and its records one by one.

use std::borrow::Cow;

use prost::Message;

use super::reader::{DEPTH_MAX, FieldReader, number_key, text_key};
use super::{Malformed, RecordView};
use crate::wire::limits::CLAIMS_MAX;
use crate::wire::v1;

/// The fields of `DecideRequest` are numbered from one to this.
const REQUEST_FIELDS: u32 = 9;

/// And so are those of `ClientId`.
const CLIENT_FIELDS: u32 = 2;

/// And of `Requester`.
const REQUESTER_FIELDS: u32 = 4;

const RECORDS: u32 = text_key(7);

/// What is said once for all records. Empty = unset.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RequestView<'a> {
    /// The client whose data is requested.
    pub client: Option<ClientView<'a>>,
    /// On whose behalf data is read.
    pub requester: Option<RequesterView<'a>>,
    /// How the data travels, as a number.
    pub channel: i32,
    /// Whether the professional has the access right.
    pub access_right: bool,
    /// Why the client's data is handled, as a number.
    pub ground: i32,
    /// Legal grounds instead of consent: rare, and decoded by prost. Of more
    /// than [`CLAIMS_MAX`] the first ones, still too many.
    pub claims: Cow<'a, [v1::Claim]>,
    /// Number of records.
    pub record_count: usize,
    /// A consistency token.
    pub at_least: &'a str,
    /// The caller's own id for the request.
    pub request_id: &'a str,
}

/// The client whose data is requested.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ClientView<'a> {
    /// The identifier in its system.
    pub extension: &'a str,
    /// The OID of the system.
    pub root: &'a str,
}

/// On whose behalf data is read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RequesterView<'a> {
    /// The register's OID.
    pub register: &'a str,
    /// The organisation's OID.
    pub organisation: &'a str,
    /// The professional.
    pub professional: &'a str,
    /// The information system.
    pub system: &'a str,
}

impl<'a> RequestView<'a> {
    /// Reads a `DecideRequest` but for its records, which [`records`] reads.
    pub fn read(bytes: &'a [u8]) -> Result<Self, Malformed> {
        const CLIENT: u32 = text_key(1);
        const REQUESTER: u32 = text_key(2);
        const CHANNEL: u32 = number_key(3);
        const ACCESS_RIGHT: u32 = number_key(4);
        const GROUND: u32 = number_key(5);
        const CLAIMS: u32 = text_key(6);
        const AT_LEAST: u32 = text_key(8);
        const REQUEST_ID: u32 = text_key(REQUEST_FIELDS);
        let mut request = Self::default();
        let mut message = FieldReader::new(bytes, DEPTH_MAX);
        let mut field_begins_at = 0;
        while let Some(key) = message.key()? {
            match key {
                CLIENT => request.client.get_or_insert_default().merge(message.message()?)?,
                REQUESTER => request.requester.get_or_insert_default().merge(message.message()?)?,
                CHANNEL => request.channel = message.number()?,
                ACCESS_RIGHT => request.access_right = message.truth()?,
                GROUND => request.ground = message.number()?,
                CLAIMS => {
                    message.bytes()?;
                    let field = bytes.get(field_begins_at..bytes.len() - message.left()).ok_or(Malformed)?;
                    let claims = claims(field)?;
                    // Many are read, and refused: they need not be kept for that.
                    if request.claims.len() <= CLAIMS_MAX {
                        request.claims.to_mut().extend(claims);
                    }
                }
                RECORDS => {
                    message.bytes()?;
                    request.record_count += 1;
                }
                AT_LEAST => request.at_least = message.text()?,
                REQUEST_ID => request.request_id = message.text()?,
                unknown => message.pass_over(unknown, REQUEST_FIELDS)?,
            }
            field_begins_at = bytes.len() - message.left();
        }
        Ok(request)
    }
}

/// The claim of a field. It is read with its key, as a request of one claim, so
/// that it is as deep for prost as it is in the whole.
fn claims(field: &[u8]) -> Result<Vec<v1::Claim>, Malformed> {
    v1::DecideRequest::decode(field).map(|request| request.claims).map_err(|_| Malformed)
}

/// The records of a `DecideRequest`, one by one. The message is malformed if
/// one of them is.
#[must_use]
pub fn records(bytes: &[u8]) -> RecordViews<'_> {
    RecordViews(FieldReader::new(bytes, DEPTH_MAX))
}

/// The records of a `DecideRequest`, one by one.
#[derive(Clone)]
pub struct RecordViews<'a>(FieldReader<'a>);

impl<'a> RecordViews<'a> {
    /// Reads the next one into `record`, and returns its bytes; none if there is none.
    #[inline]
    pub fn read_next(&mut self, record: &mut RecordView<'a>) -> Result<Option<&'a [u8]>, Malformed> {
        while let Some(key) = self.0.key()? {
            if key == RECORDS {
                let message = self.0.message()?;
                record.read(message)?;
                return Ok(Some(message.as_bytes()));
            }
            self.0.pass_over(key, 0)?;
        }
        Ok(None)
    }
}

impl<'a> Iterator for RecordViews<'a> {
    type Item = Result<RecordView<'a>, Malformed>;

    fn next(&mut self) -> Option<Self::Item> {
        let mut record = RecordView::default();
        self.read_next(&mut record).map(|encoded| encoded.map(|_| record)).transpose()
    }
}

impl<'a> ClientView<'a> {
    fn merge(&mut self, mut message: FieldReader<'a>) -> Result<(), Malformed> {
        const EXTENSION: u32 = text_key(1);
        const ROOT: u32 = text_key(CLIENT_FIELDS);
        while let Some(key) = message.key()? {
            match key {
                EXTENSION => self.extension = message.text()?,
                ROOT => self.root = message.text()?,
                unknown => message.pass_over(unknown, CLIENT_FIELDS)?,
            }
        }
        Ok(())
    }
}

impl<'a> RequesterView<'a> {
    fn merge(&mut self, mut message: FieldReader<'a>) -> Result<(), Malformed> {
        const REGISTER: u32 = text_key(1);
        const ORGANISATION: u32 = text_key(2);
        const PROFESSIONAL: u32 = text_key(3);
        const SYSTEM: u32 = text_key(REQUESTER_FIELDS);
        while let Some(key) = message.key()? {
            match key {
                REGISTER => self.register = message.text()?,
                ORGANISATION => self.organisation = message.text()?,
                PROFESSIONAL => self.professional = message.text()?,
                SYSTEM => self.system = message.text()?,
                unknown => message.pass_over(unknown, REQUESTER_FIELDS)?,
            }
        }
        Ok(())
    }
}

impl<'a> From<&'a v1::ClientId> for ClientView<'a> {
    fn from(message: &'a v1::ClientId) -> Self {
        let v1::ClientId { extension, root } = message;
        Self { extension, root }
    }
}

impl<'a> From<&'a v1::Requester> for RequesterView<'a> {
    fn from(message: &'a v1::Requester) -> Self {
        let v1::Requester { register, organisation, professional, system } = message;
        Self { register, organisation, professional, system }
    }
}

impl<'a> From<&'a v1::DecideRequest> for RequestView<'a> {
    fn from(message: &'a v1::DecideRequest) -> Self {
        let v1::DecideRequest {
            client,
            requester,
            channel,
            access_right,
            ground,
            claims,
            records,
            at_least,
            request_id,
        } = message;
        Self {
            client: client.as_ref().map(ClientView::from),
            requester: requester.as_ref().map(RequesterView::from),
            channel: *channel,
            access_right: *access_right,
            ground: *ground,
            claims: Cow::Borrowed(claims.get(..=CLAIMS_MAX).unwrap_or(claims)),
            record_count: records.len(),
            at_least,
            request_id,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_are_read_one_by_one_to_the_last() {
        let record = |id: &str| v1::Record { id: id.to_owned(), ..v1::Record::default() };
        let message =
            v1::DecideRequest { records: vec![record("a"), record("b")], ..v1::DecideRequest::default() };
        let bytes = message.encode_to_vec();
        // One more than there are, if it were so.
        let ids: Vec<_> = records(&bytes).take(3).map(|record| record.map(|record| record.id)).collect();
        assert_eq!(ids, [Ok("a"), Ok("b")]);
    }
}
