//! The argument `--record`.

use super::super::names::{parse as parse_name, words};
use super::pairs::Pairs;
use crate::wire::v1;

pub(super) const HELP: &str = "\
A requested record; can be repeated. Keys:
  id                   the document's set id
  register             OID of the register that holds the record
  kind                 patient-summary, service-event-entry, statement-or-certificate,
                       prescription, client-document or wellbeing-data
  event                the service event, or in social welfare the service transaction
  recorded-on          the day this version was recorded, YYYY-MM-DD
  task                 a service task's code; can be repeated
  original-controller  OID of the controller before a merger
  organiser, producer  OIDs, if the record was made in an outsourced service";

const KEYS: &str = "id, register, kind, event, recorded-on, task, original-controller, organiser, producer";

/// Parses `id=…,register=…,…`. The server reports missing fields.
pub(super) fn parse(text: &str) -> Result<v1::Record, String> {
    let mut pairs = Pairs::parse(text);
    let kind = match pairs.take("kind")? {
        None => {
            return Err(format!(
                "no kind: write kind=… with one of {}",
                words::<v1::RecordKind>().join(", ")
            ));
        }
        Some(kind) => parse_name::<v1::RecordKind>(&kind).map_err(|error| format!("kind: {error}"))?,
    };
    let outsourcing = match (pairs.take("organiser")?, pairs.take("producer")?) {
        (None, None) => None,
        (organiser, producer) => Some(v1::OutsourcedService {
            organiser: organiser.unwrap_or_default(),
            producer: producer.unwrap_or_default(),
        }),
    };
    let record = v1::Record {
        id: pairs.take("id")?.unwrap_or_default(),
        register: pairs.take("register")?.unwrap_or_default(),
        service_event: pairs.take("event")?.unwrap_or_default(),
        recorded_on: pairs.take("recorded-on")?.unwrap_or_default(),
        kind: kind.into(),
        service_tasks: pairs.take_all("task")?,
        original_controller: pairs.take("original-controller")?.unwrap_or_default(),
        outsourcing,
    };
    pairs.end(KEYS)?;
    Ok(record)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_is_parsed_from_pairs() {
        let record = parse(
            "id=d1,register=1.2.3,kind=client-document,event=t1,recorded-on=2024-05-06,task=a,task=b,\
             organiser=1.2,producer=1.3",
        )
        .expect("a record");
        let outsourcing = v1::OutsourcedService { organiser: "1.2".into(), producer: "1.3".into() };
        assert_eq!(
            record,
            v1::Record {
                id: "d1".into(),
                register: "1.2.3".into(),
                service_event: "t1".into(),
                recorded_on: "2024-05-06".into(),
                kind: v1::RecordKind::ClientDocument.into(),
                service_tasks: vec!["a".into(), "b".into()],
                original_controller: String::new(),
                outsourcing: Some(outsourcing),
            }
        );
    }

    #[test]
    fn an_invalid_record_is_rejected() {
        for (text, expected) in [
            ("id=1", "no kind: write kind=…"),
            ("kind=letter", "kind: `letter` is unknown: write one of patient-summary"),
            ("kind=prescription,colour=red", "`colour` is unknown: the keys are id"),
            (
                "kind=prescription,regster=1.2",
                "`regster` is unknown: did you mean `register`? the keys are id",
            ),
            ("kind=prescription,id=1,id=2", "`id` is written twice"),
            ("kind=prescription,id", "`id` has no value: write id=VALUE"),
        ] {
            let error = parse(text).expect_err(text);
            assert!(error.starts_with(expected), "{text}: {error}");
        }
    }
}
