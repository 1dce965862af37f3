//! The values of OpenTelemetry's variables, as its specification has them
//! (<https://opentelemetry.io/docs/specs/otel/configuration/sdk-environment-variables/>).

use http::{HeaderName, HeaderValue};
use percent_encoding::percent_decode_str;

/// Whether an endpoint has a scheme that the exporter can use. Without one the exporter uses TLS, also for a
/// collector that expects plaintext.
pub(super) fn has_scheme(endpoint: &str) -> bool {
    let scheme = endpoint.split_once("://").map(|(scheme, _)| scheme.trim().to_ascii_lowercase());
    matches!(scheme.as_deref(), Some("http" | "https" | "unix"))
}

/// Checks headers, `name=value,…`. The exporter leaves out those that it cannot read. A fault does not
/// name them: they may be secret.
pub(super) fn check_headers(headers: &str) -> Result<(), &'static str> {
    let headers = pairs(headers).map_err(|_| "write NAME=VALUE,NAME=VALUE with percent-encoded values")?;
    for (name, value) in headers {
        HeaderName::from_bytes(name.as_bytes())
            .map_err(|_| "a name is not one of an HTTP header: correct it")?;
        HeaderValue::from_str(&value).map_err(|_| "a value is not one of an HTTP header: correct it")?;
    }
    Ok(())
}

/// A variable, and what is wrong with it.
type VariableFault = (String, &'static str);

/// Sizes of batches if the variables are not set.
const QUEUE_LENGTH: u64 = 2048;
const BATCH_LENGTH: u64 = 512;

/// Checks how spans or logs are sent in batches. The SDK ignores what it cannot read.
pub(super) fn check_batches(
    prefix: &str,
    variable: impl Fn(&str) -> Option<String>,
) -> Result<(), VariableFault> {
    let number = |what: &str, least, fault| number(format!("{prefix}_{what}"), least, fault, &variable);
    number("SCHEDULE_DELAY", 1, "write a number of milliseconds from 1, such as 5000")?;
    // No limit, if it is 0.
    number("EXPORT_TIMEOUT", 0, "write a number of milliseconds, such as 30000")?;
    let length = "write a number from 1, such as 2048";
    let queue = number("MAX_QUEUE_SIZE", 1, length)?.unwrap_or(QUEUE_LENGTH);
    let batch = number("MAX_EXPORT_BATCH_SIZE", 1, length)?;
    if batch.unwrap_or(BATCH_LENGTH.min(queue)) > queue {
        let name = format!("{prefix}_MAX_EXPORT_BATCH_SIZE");
        return Err((name, "a batch cannot be larger than the queue: lower it to …_MAX_QUEUE_SIZE"));
    }
    Ok(())
}

/// Checks how often metrics are sent.
pub(super) fn check_intervals(variable: impl Fn(&str) -> Option<String>) -> Result<(), VariableFault> {
    let name = |what: &str| format!("OTEL_METRIC_EXPORT_{what}");
    number(name("INTERVAL"), 1, "write a number of milliseconds from 1, such as 60000", &variable)?;
    number(name("TIMEOUT"), 0, "write a number of milliseconds, such as 30000", &variable)?;
    Ok(())
}

fn number(
    name: String,
    least: u64,
    fault: &'static str,
    variable: impl Fn(&str) -> Option<String>,
) -> Result<Option<u64>, VariableFault> {
    let Some(text) = variable(&name) else { return Ok(None) };
    // As the SDK reads it: without blanks.
    match text.parse() {
        Ok(number) if number >= least => Ok(Some(number)),
        Ok(_) | Err(_) => Err((name, fault)),
    }
}

/// Resource attributes, `name=value,…`. With one fault none is used.
pub(super) fn attributes(declared: &str) -> Result<Vec<(String, String)>, &'static str> {
    pairs(declared)
}

/// The decoded pairs of a list. Names are compared whole, and a later pair replaces an earlier one.
fn pairs(list: &str) -> Result<Vec<(String, String)>, &'static str> {
    let entries = list.split(',').map(str::trim).filter(|entry| !entry.is_empty());
    let decoded = |text: &str| {
        let decoded = percent_decode_str(text.trim()).decode_utf8();
        decoded.map(|text| text.into_owned()).map_err(|_| "a percent-encoded value is not UTF-8")
    };
    entries
        .map(|entry| {
            let (name, value) = entry.split_once('=').ok_or("an entry has no `=`: write NAME=VALUE")?;
            match decoded(name)? {
                name if name.is_empty() => Err("an entry has no name: write NAME=VALUE"),
                name => Ok((name, decoded(value)?)),
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(declared: &str) -> Vec<(String, String)> {
        attributes(declared).expect("attributes")
    }

    fn pair(name: &str, value: &str) -> (String, String) {
        (name.to_owned(), value.to_owned())
    }

    #[test]
    fn attributes_are_parsed_and_decoded() {
        assert_eq!(read(""), []);
        assert_eq!(
            read("team=a%2Cb, peer.service.name = x ,"),
            [pair("team", "a,b"), pair("peer.service.name", "x")]
        );
        assert_eq!(read("a=b=c,n%3Dm="), [pair("a", "b=c"), pair("n=m", "")]);
        for faulty in ["team", "=a", "a=%FF", "a=b,c"] {
            attributes(faulty).expect_err(faulty);
        }
    }

    #[test]
    fn headers_that_the_exporter_would_leave_out_are_refused() {
        assert_eq!(check_headers("authorization=Basic%20YTpi,x-tenant=7"), Ok(()));
        for faulty in ["authorization", "a b=c", "x=a%0Ab", "=c"] {
            let fault = check_headers(faulty).expect_err(faulty);
            assert!(!fault.contains("authorization"), "{fault}");
        }
    }

    #[test]
    fn numbers_that_the_sdk_would_ignore_are_refused() {
        let check = |set: &[(&str, &str)]| {
            let variable = |name: &str| {
                set.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned())
            };
            let fault = |checked: Result<(), VariableFault>| checked.err().map(|(name, _)| name);
            fault(check_batches("OTEL_BSP", variable)).or(fault(check_intervals(variable)))
        };
        for fine in [
            &[][..],
            &[("OTEL_BSP_SCHEDULE_DELAY", "50"), ("OTEL_BSP_EXPORT_TIMEOUT", "0")],
            &[("OTEL_BSP_MAX_QUEUE_SIZE", "100")],
            &[("OTEL_BSP_MAX_QUEUE_SIZE", "4096"), ("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", "4096")],
            &[("OTEL_METRIC_EXPORT_INTERVAL", "100"), ("OTEL_METRIC_EXPORT_TIMEOUT", "0")],
            &[("OTEL_BLRP_SCHEDULE_DELAY", "of logs")],
        ] {
            assert_eq!(check(fine), None, "{fine:?}");
        }
        for (name, value) in [
            ("OTEL_BSP_SCHEDULE_DELAY", "0"),
            ("OTEL_BSP_SCHEDULE_DELAY", "5s"),
            ("OTEL_BSP_EXPORT_TIMEOUT", "-1"),
            ("OTEL_BSP_MAX_QUEUE_SIZE", "0"),
            ("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", "2049"),
            ("OTEL_METRIC_EXPORT_INTERVAL", "1m"),
            ("OTEL_METRIC_EXPORT_TIMEOUT", "soon"),
        ] {
            assert_eq!(check(&[(name, value)]).as_deref(), Some(name), "{value}");
        }
    }

    #[test]
    fn an_endpoint_without_scheme_is_noticed() {
        assert!(has_scheme("http://127.0.0.1:4317") && has_scheme("HTTPS://collector"));
        assert!(!has_scheme("127.0.0.1:4317") && !has_scheme("localhost") && !has_scheme("grpc://collector"));
    }
}
