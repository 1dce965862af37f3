//! The argument `--claim`.

use super::super::names::parse as parse_name;
use super::pairs::{Pairs, unknown};
use crate::config::nearest;
use crate::wire::v1::claim::Kind as Which;
use crate::wire::v1::{
    Cause, Claim, ClientUnableToDecide, Emergency, JointService, Purpose, SocialWelfareAuthority,
    StatutoryRight,
};

pub(super) const HELP: &str = "\
A legal ground asserted instead of consent; can be repeated. A claim without one of its conditions \
has no effect. Claims and their conditions:
  statutory-right           provision=TEXT
  social-welfare-authority  data-necessary, purpose=PURPOSE: determining-need,
                            organising-services or checking-information
  joint-service             delivered-jointly, at-joint-service-point,
                            professional-participates, data-necessary
  client-unable-to-decide   data-essential, has-legal-representative=false,
                            cause=CAUSE: memory-disorder, mental-disorder,
                            disability or other-lasting
  emergency                 client-cannot-be-asked
For example:
  --claim social-welfare-authority:purpose=checking-information,data-necessary";

const CLAIMS: &str =
    "statutory-right, social-welfare-authority, joint-service, client-unable-to-decide, emergency";

/// Parses `name:condition,key=value,…`.
pub(super) fn parse(text: &str) -> Result<Claim, String> {
    let (name, conditions) = text.split_once(':').unwrap_or((text, ""));
    let claim = match name {
        "statutory-right" => statutory_right(conditions)?,
        "social-welfare-authority" => social_welfare_authority(Pairs::parse(conditions))?,
        "joint-service" => joint_service(Pairs::parse(conditions))?,
        "client-unable-to-decide" => client_unable_to_decide(Pairs::parse(conditions))?,
        "emergency" => emergency(Pairs::parse(conditions))?,
        _ => {
            let meant = nearest(name, CLAIMS.split(", "));
            let meant = meant.map(|near| format!("did you mean `{near}`? ")).unwrap_or_default();
            return Err(format!("`{name}` is not a claim: {meant}write one of {CLAIMS}"));
        }
    };
    Ok(Claim { kind: Some(claim) })
}

/// The provision is the rest of the text, because it may contain commas.
fn statutory_right(conditions: &str) -> Result<Which, String> {
    let provision = match conditions.split_once('=') {
        None if conditions.is_empty() => "",
        Some(("provision", provision)) => provision,
        Some((key, _)) => return Err(unknown(key, "provision")),
        None => return Err(unknown(conditions, "provision")),
    };
    Ok(Which::StatutoryRight(StatutoryRight { provision: provision.to_owned() }))
}

fn social_welfare_authority(mut pairs: Pairs<'_>) -> Result<Which, String> {
    let purpose = pairs.take("purpose")?.map(|word| parse_name::<Purpose>(&word)).transpose();
    let claim = SocialWelfareAuthority {
        purpose: purpose.map_err(|error| format!("purpose: {error}"))?.map(Into::into).unwrap_or_default(),
        data_necessary: pairs.take_flag("data-necessary")?.unwrap_or_default(),
    };
    pairs.end("purpose, data-necessary")?;
    Ok(Which::SocialWelfareAuthority(claim))
}

fn joint_service(mut pairs: Pairs<'_>) -> Result<Which, String> {
    let claim = JointService {
        delivered_jointly: pairs.take_flag("delivered-jointly")?.unwrap_or_default(),
        at_joint_service_point: pairs.take_flag("at-joint-service-point")?.unwrap_or_default(),
        professional_participates: pairs.take_flag("professional-participates")?.unwrap_or_default(),
        data_necessary: pairs.take_flag("data-necessary")?.unwrap_or_default(),
    };
    pairs.end("delivered-jointly, at-joint-service-point, professional-participates, data-necessary")?;
    Ok(Which::JointService(claim))
}

fn client_unable_to_decide(mut pairs: Pairs<'_>) -> Result<Which, String> {
    let cause = pairs.take("cause")?.map(|word| parse_name::<Cause>(&word)).transpose();
    let claim = ClientUnableToDecide {
        cause: cause.map_err(|error| format!("cause: {error}"))?.map(Into::into).unwrap_or_default(),
        has_legal_representative: pairs.take_flag("has-legal-representative")?,
        data_essential: pairs.take_flag("data-essential")?.unwrap_or_default(),
    };
    pairs.end("cause, has-legal-representative, data-essential")?;
    Ok(Which::ClientUnableToDecide(claim))
}

fn emergency(mut pairs: Pairs<'_>) -> Result<Which, String> {
    let claim =
        Emergency { client_cannot_be_asked: pairs.take_flag("client-cannot-be-asked")?.unwrap_or_default() };
    pairs.end("client-cannot-be-asked")?;
    Ok(Which::Emergency(claim))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Which {
        parse(text).expect(text).kind.expect("a claim")
    }

    #[test]
    fn claims_are_parsed_with_their_conditions() {
        assert_eq!(
            read("statutory-right:provision=Act 703/2023, section 64"),
            Which::StatutoryRight(StatutoryRight { provision: "Act 703/2023, section 64".into() })
        );
        assert_eq!(
            read("client-unable-to-decide:cause=disability,has-legal-representative=false,data-essential"),
            Which::ClientUnableToDecide(ClientUnableToDecide {
                cause: Cause::Disability.into(),
                has_legal_representative: Some(false),
                data_essential: true,
            })
        );
        assert_eq!(
            read("social-welfare-authority:purpose=checking-information,data-necessary=false"),
            Which::SocialWelfareAuthority(SocialWelfareAuthority {
                purpose: Purpose::CheckingInformation.into(),
                data_necessary: false,
            })
        );
        assert_eq!(read("emergency"), Which::Emergency(Emergency { client_cannot_be_asked: false }));
    }

    #[test]
    fn an_invalid_claim_is_rejected() {
        for (text, expected) in [
            ("will", "`will` is not a claim: write one of statutory-right"),
            ("emergancy", "`emergancy` is not a claim: did you mean `emergency`? write one of"),
            ("emergency:asked", "`asked` is unknown: the key is client-cannot-be-asked"),
            ("joint-service:data-neccessary", "`data-neccessary` is unknown: did you mean `data-necessary`?"),
            ("joint-service:data-necessary=yes", "`data-necessary` must be true or false"),
            ("joint-service:data-necessary,data-necessary", "`data-necessary` is written twice"),
            ("social-welfare-authority:purpose=x", "purpose: `x` is unknown"),
            ("statutory-right:section=1", "`section` is unknown: the key is provision"),
            ("statutory-right:provison", "`provison` is unknown: the key is provision"),
        ] {
            let error = parse(text).expect_err(text);
            assert!(error.starts_with(expected), "{text}: {error}");
        }
    }
}
