//! The fields of a `DecideRequest` that a route can set, by their paths in the
//! interface. A test holds the table to the descriptors, so that a new field of
//! the request cannot be forgotten here.

use std::iter;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::de::DeserializeOwned;

use crate::wire::v1;
use crate::wire::v1::claim::Kind;

/// A field of the request.
#[derive(Debug)]
pub(super) struct Part {
    /// Its path in the interface.
    pub(super) name: &'static str,
    pub(super) put: Put,
}

/// How the field is set. A setter that parses its value returns none if the
/// value is not valid.
#[derive(Clone, Copy, Debug)]
pub(super) enum Put {
    Text(fn(&mut Draft, String)),
    Flag(fn(&mut Draft, bool)),
    /// The name of an enum's value, in full.
    Name(fn(&mut Draft, &str) -> Option<()>),
    /// A list in protobuf's JSON, in base64url.
    List(fn(&mut Draft, &str) -> Option<()>),
    /// The text of one record.
    RecordText(fn(&mut v1::Record, String)),
    /// The name of an enum's value, of one record.
    RecordName(fn(&mut v1::Record, &str) -> Option<()>),
}

/// A request under construction.
#[derive(Debug, Default)]
pub(super) struct Draft {
    question: v1::DecideRequest,
    statutory_right: Option<v1::StatutoryRight>,
    authority: Option<v1::SocialWelfareAuthority>,
    joint_service: Option<v1::JointService>,
    unable: Option<v1::ClientUnableToDecide>,
    emergency: Option<v1::Emergency>,
}

/// Every field that can be set.
pub(super) static PARTS: [Part; 33] = [
    text("client.extension", |draft, text| client(draft).extension = text),
    text("client.root", |draft, text| client(draft).root = text),
    text("requester.register", |draft, text| requester(draft).register = text),
    text("requester.organisation", |draft, text| requester(draft).organisation = text),
    text("requester.professional", |draft, text| requester(draft).professional = text),
    text("requester.system", |draft, text| requester(draft).system = text),
    name("channel", |draft, name| {
        v1::Channel::from_str_name(name).map(|channel| draft.question.set_channel(channel))
    }),
    flag("access_right", |draft, flag| draft.question.access_right = flag),
    name("ground", |draft, name| {
        v1::Ground::from_str_name(name).map(|ground| draft.question.set_ground(ground))
    }),
    list("claims", |draft, text| {
        read_list(text).map(|claims| draft.question.claims.extend::<Vec<_>>(claims))
    }),
    text("claims.statutory_right.provision", |draft, text| {
        draft.statutory_right.get_or_insert_default().provision = text;
    }),
    name("claims.social_welfare_authority.purpose", |draft, name| {
        v1::Purpose::from_str_name(name)
            .map(|purpose| draft.authority.get_or_insert_default().set_purpose(purpose))
    }),
    flag("claims.social_welfare_authority.data_necessary", |draft, flag| {
        draft.authority.get_or_insert_default().data_necessary = flag;
    }),
    flag("claims.joint_service.delivered_jointly", |draft, flag| {
        draft.joint_service.get_or_insert_default().delivered_jointly = flag;
    }),
    flag("claims.joint_service.at_joint_service_point", |draft, flag| {
        draft.joint_service.get_or_insert_default().at_joint_service_point = flag;
    }),
    flag("claims.joint_service.professional_participates", |draft, flag| {
        draft.joint_service.get_or_insert_default().professional_participates = flag;
    }),
    flag("claims.joint_service.data_necessary", |draft, flag| {
        draft.joint_service.get_or_insert_default().data_necessary = flag;
    }),
    name("claims.client_unable_to_decide.cause", |draft, name| {
        v1::Cause::from_str_name(name).map(|cause| draft.unable.get_or_insert_default().set_cause(cause))
    }),
    flag("claims.client_unable_to_decide.has_legal_representative", |draft, flag| {
        draft.unable.get_or_insert_default().has_legal_representative = Some(flag);
    }),
    flag("claims.client_unable_to_decide.data_essential", |draft, flag| {
        draft.unable.get_or_insert_default().data_essential = flag;
    }),
    flag("claims.emergency.client_cannot_be_asked", |draft, flag| {
        draft.emergency.get_or_insert_default().client_cannot_be_asked = flag;
    }),
    list("records", |draft, text| {
        read_list(text).map(|records| draft.question.records.extend::<Vec<_>>(records))
    }),
    record_text("records.id", |record, text| record.id = text),
    record_text("records.register", |record, text| record.register = text),
    record_text("records.service_event", |record, text| record.service_event = text),
    record_text("records.recorded_on", |record, text| record.recorded_on = text),
    Part {
        name: "records.kind",
        put: Put::RecordName(|record, name| {
            v1::RecordKind::from_str_name(name).map(|kind| record.set_kind(kind))
        }),
    },
    record_text("records.service_tasks", |record, text| record.service_tasks.push(text)),
    record_text("records.original_controller", |record, text| record.original_controller = text),
    record_text("records.outsourcing.organiser", |record, text| {
        record.outsourcing.get_or_insert_default().organiser = text;
    }),
    record_text("records.outsourcing.producer", |record, text| {
        record.outsourcing.get_or_insert_default().producer = text;
    }),
    text("at_least", |draft, text| draft.question.at_least = text),
    text("request_id", |draft, text| draft.question.request_id = text),
];

/// Fields that every route must set.
pub(super) const REQUIRED: [&str; 4] = ["client.extension", "requester.register", "channel", "access_right"];

/// The number of its values is the number of records, unless records are taken whole.
pub(super) const RECORD_ID: &str = "records.id";

impl Put {
    /// What a caller must send.
    pub(super) fn expected(self) -> &'static str {
        match self {
            Self::Text(_) | Self::RecordText(_) => "text",
            Self::Flag(_) => "true or false",
            Self::Name(_) | Self::RecordName(_) => "the full name of an enum value of the interface",
            Self::List(_) => "a list in protobuf's JSON, in base64url without padding",
        }
    }

    /// Whether it is of a record.
    pub(super) fn is_of_record(self) -> bool {
        matches!(self, Self::RecordText(_) | Self::RecordName(_))
    }
}

impl Draft {
    /// Sets a field of the whole request; none if the value is not valid.
    pub(super) fn put(&mut self, put: Put, value: &str) -> Option<()> {
        match put {
            Put::Text(put) => put(self, value.to_owned()),
            Put::Flag(put) => match value {
                "true" => put(self, true),
                "false" => put(self, false),
                _ => return None,
            },
            Put::Name(put) | Put::List(put) => put(self, value)?,
            Put::RecordText(_) | Put::RecordName(_) => self.put_in_records(put, iter::repeat(value))?,
        }
        Some(())
    }

    /// Whether a value is valid.
    pub(super) fn takes(put: Put, value: &str) -> bool {
        let mut draft = Self::default();
        draft.add_records(1);
        draft.put(put, value).is_some()
    }

    /// Adds empty records whose fields are set afterwards.
    pub(super) fn add_records(&mut self, count: usize) {
        self.question.records.resize_with(count, v1::Record::default);
    }

    /// Sets a field of each record; none if one of the values is not valid.
    pub(super) fn put_in_records<'v>(
        &mut self,
        put: Put,
        values: impl Iterator<Item = &'v str>,
    ) -> Option<()> {
        for (record, value) in self.question.records.iter_mut().zip(values) {
            match put {
                Put::RecordText(put) => put(record, value.to_owned()),
                Put::RecordName(put) => put(record, value)?,
                Put::Text(_) | Put::Flag(_) | Put::Name(_) | Put::List(_) => {}
            }
        }
        Some(())
    }

    /// The request.
    pub(super) fn finish(self) -> v1::DecideRequest {
        let Self { mut question, statutory_right, authority, joint_service, unable, emergency } = self;
        let claims = [
            statutory_right.map(Kind::StatutoryRight),
            authority.map(Kind::SocialWelfareAuthority),
            joint_service.map(Kind::JointService),
            unable.map(Kind::ClientUnableToDecide),
            emergency.map(Kind::Emergency),
        ];
        question.claims.extend(claims.into_iter().flatten().map(|claim| v1::Claim { kind: Some(claim) }));
        question
    }
}

fn client(draft: &mut Draft) -> &mut v1::ClientId {
    draft.question.client.get_or_insert_default()
}

fn requester(draft: &mut Draft) -> &mut v1::Requester {
    draft.question.requester.get_or_insert_default()
}

fn read_list<T: DeserializeOwned>(text: &str) -> Option<Vec<T>> {
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(text).ok()?).ok()
}

const fn text(name: &'static str, put: fn(&mut Draft, String)) -> Part {
    Part { name, put: Put::Text(put) }
}

const fn flag(name: &'static str, put: fn(&mut Draft, bool)) -> Part {
    Part { name, put: Put::Flag(put) }
}

const fn name(name: &'static str, put: fn(&mut Draft, &str) -> Option<()>) -> Part {
    Part { name, put: Put::Name(put) }
}

const fn list(name: &'static str, put: fn(&mut Draft, &str) -> Option<()>) -> Part {
    Part { name, put: Put::List(put) }
}

const fn record_text(name: &'static str, put: fn(&mut v1::Record, String)) -> Part {
    Part { name, put: Put::RecordText(put) }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use prost::Message;
    use prost_types::field_descriptor_proto::{Label, Type};
    use prost_types::{DescriptorProto, FileDescriptorSet};

    use super::*;
    use crate::wire::DESCRIPTORS;

    /// The paths of the fields of a message and of the messages in it. A list of
    /// messages has a path of its own besides those of their fields.
    fn paths(messages: &[DescriptorProto], name: &str, path: &str, all: &mut BTreeSet<String>) {
        let message = messages.iter().find(|message| message.name() == name).expect(name);
        for field in &message.field {
            let path = format!("{path}{}", field.name());
            if field.r#type() != Type::Message {
                all.insert(path);
                continue;
            }
            if field.label() == Label::Repeated {
                all.insert(path.clone());
            }
            let inner = field.type_name().rsplit('.').next().expect("a name");
            paths(messages, inner, &format!("{path}."), all);
        }
    }

    #[test]
    fn a_route_can_set_every_field_of_a_request() {
        let files = FileDescriptorSet::decode(DESCRIPTORS).expect("descriptors").file;
        let messages: Vec<_> = files.into_iter().flat_map(|file| file.message_type).collect();
        let mut fields = BTreeSet::new();
        paths(&messages, "DecideRequest", "", &mut fields);
        let parts: BTreeSet<String> = PARTS.iter().map(|part| part.name.to_owned()).collect();
        assert_eq!(parts, fields, "add the new field of DecideRequest to PARTS");
    }
}
