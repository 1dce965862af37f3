//! The rpcs served, by their names in spans and metrics.

/// An rpc, or the placeholder for all paths that are not served: its position in `METHODS`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rpc(usize);

/// Names of the rpcs, the most frequent first: paths are searched in this order.
const METHODS: &[&str] = &[
    "lupa.v1.DecisionService/Decide",
    "envoy.service.auth.v3.Authorization/Check",
    "lupa.v1.DeclarationService/RecordDeclaration",
    "lupa.v1.DeclarationService/WithdrawDeclaration",
    "lupa.v1.DeclarationService/GetInformationStatus",
    "lupa.v1.DeclarationService/ListDeclarations",
    "lupa.v1.DeclarationService/GetDeclaration",
    "lupa.v1.DeclarationService/PrintDeclarations",
    "lupa.v1.DeclarationService/WatchDeclarations",
    "lupa.v1.DeclarationService/LinkClients",
    "lupa.v1.DeclarationService/UnlinkClients",
    "lupa.v1.DeclarationService/ListLinks",
    "lupa.v1.DecisionService/Explain",
    "lupa.v1.DecisionService/Simulate",
    "lupa.v1.DecisionService/ListRules",
    "lupa.v1.DirectoryService/ReplaceDirectory",
    "lupa.v1.DirectoryService/GetDirectory",
    "lupa.admin.v1alpha.IndexService/GetIndexStats",
    "grpc.health.v1.Health/Check",
    "grpc.health.v1.Health/Watch",
    "grpc.reflection.v1.ServerReflection/ServerReflectionInfo",
    "grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo",
    OTHER_NAME,
];

/// The name that the semantic conventions give to all other methods: a path that
/// a caller made up must not become the name of a time series.
const OTHER_NAME: &str = "_OTHER";

impl Rpc {
    /// The authorization check of Envoy.
    pub const CHECK: Self = Self::named("envoy.service.auth.v3.Authorization/Check");
    /// Decisions, which are asked for most by far.
    pub const DECIDE: Self = Self::named("lupa.v1.DecisionService/Decide");
    /// Number of names.
    pub(super) const COUNT: usize = METHODS.len();
    const OTHER: Self = Self::named(OTHER_NAME);

    /// The rpc with a name of the list; a constant with another name does not compile.
    const fn named(name: &str) -> Self {
        let (mut rest, mut place) = (METHODS, 0);
        while let Some((first, others)) = rest.split_first() {
            if is_same(first, name) {
                return Self(place);
            }
            (rest, place) = (others, place + 1);
        }
        assert!(place < METHODS.len(), "METHODS lacks this name");
        Self(place)
    }

    /// The method of a path, such as `/lupa.v1.DecisionService/Decide`.
    #[must_use]
    pub fn of(path: &str) -> Self {
        let called = path.strip_prefix('/').unwrap_or_default();
        METHODS.iter().position(|method| *method == called).map_or(Self::OTHER, Self)
    }

    /// Its full name, as the semantic conventions define it.
    #[must_use]
    pub fn name(self) -> &'static str {
        METHODS.get(self.0).copied().unwrap_or(OTHER_NAME)
    }

    /// Whether it asks for the health of the server.
    #[must_use]
    pub fn is_health(self) -> bool {
        self == Self::named("grpc.health.v1.Health/Check")
            || self == Self::named("grpc.health.v1.Health/Watch")
    }

    /// Whether it asks for descriptions of the interface.
    #[must_use]
    pub fn is_reflection(self) -> bool {
        self == Self::named("grpc.reflection.v1.ServerReflection/ServerReflectionInfo")
            || self == Self::named("grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo")
    }

    /// Whether it is served.
    #[must_use]
    pub fn is_known(self) -> bool {
        self != Self::OTHER
    }

    pub(super) fn place(self) -> usize {
        self.0
    }
}

/// `==` of strings is not const.
const fn is_same(one: &str, other: &str) -> bool {
    let (mut one, mut other) = (one.as_bytes(), other.as_bytes());
    while let (Some((first, one_rest)), Some((second, other_rest))) = (one.split_first(), other.split_first())
    {
        if *first != *second {
            return false;
        }
        (one, other) = (one_rest, other_rest);
    }
    one.is_empty() && other.is_empty()
}

#[cfg(test)]
mod tests {
    use prost::Message;
    use prost_types::FileDescriptorSet;

    use super::*;

    #[test]
    fn every_method_of_the_interface_has_its_name() {
        let files = FileDescriptorSet::decode(crate::wire::DESCRIPTORS).expect("descriptors").file;
        for file in &files {
            for service in &file.service {
                for method in &service.method {
                    let name = format!("{}.{}/{}", file.package(), service.name(), method.name());
                    assert_eq!(Rpc::of(&format!("/{name}")).name(), name);
                }
            }
        }
        assert_eq!(Rpc::CHECK.name(), "envoy.service.auth.v3.Authorization/Check");
        assert_eq!(Rpc::of("/made.up/Method").name(), "_OTHER");
        assert_eq!(Rpc::of("lupa.v1.DecisionService/Decide"), Rpc::OTHER);
    }
}
