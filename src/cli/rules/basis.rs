//! The bases of the decisions of the matrix.

use crate::wire::v1::RegisterKind;

/// The basis of a decision: the declarations and claims that are present.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Basis {
    Nothing,
    Informed,
    Consent,
    Denied,
    ExtensivelyDenied,
    DeniedInEmergency,
    Prescription,
    PrescriptionDenied,
    StatutoryRight,
    Authority,
    JointService,
    Unable,
    BothInUusimaa,
    Outsourced,
    LocalConsent,
    OneRegister,
}

impl Basis {
    pub(super) const ALL: [Self; 16] = [
        Self::Nothing,
        Self::Informed,
        Self::Consent,
        Self::Denied,
        Self::ExtensivelyDenied,
        Self::DeniedInEmergency,
        Self::Prescription,
        Self::PrescriptionDenied,
        Self::StatutoryRight,
        Self::Authority,
        Self::JointService,
        Self::Unable,
        Self::BothInUusimaa,
        Self::Outsourced,
        Self::LocalConsent,
        Self::OneRegister,
    ];

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Nothing => "nothing",
            Self::Informed => "informed",
            Self::Consent => "informed, consents of every kind",
            Self::Denied => "the same, and all of it denied",
            Self::ExtensivelyDenied => "the same, and an extensive denial",
            Self::DeniedInEmergency => "denied, allowed in an emergency, in one",
            Self::Prescription => "informed: a prescription",
            Self::PrescriptionDenied => "the same, and it is denied",
            Self::StatutoryRight => "claim STATUTORY_RIGHT",
            Self::Authority => "claim SOCIAL_WELFARE_AUTHORITY",
            Self::JointService => "claim JOINT_SERVICE",
            Self::Unable => "claim CLIENT_UNABLE_TO_DECIDE",
            Self::BothInUusimaa => "informed, both in Uusimaa",
            Self::Outsourced => "generated in an outsourced service",
            Self::LocalConsent => "one controller, a local consent",
            Self::OneRegister => "the requester's own register",
        }
    }

    /// Whether the basis applies to these two kinds of registers.
    pub(super) fn is_of(self, requester: RegisterKind, holder: RegisterKind) -> bool {
        let is_prescription = matches!(self, Self::Prescription | Self::PrescriptionDenied);
        (!is_prescription || is_healthcare(holder)) && (self != Self::OneRegister || requester == holder)
    }
}

fn is_healthcare(kind: RegisterKind) -> bool {
    !matches!(kind, RegisterKind::SocialWelfare | RegisterKind::WellbeingData | RegisterKind::Unspecified)
}
