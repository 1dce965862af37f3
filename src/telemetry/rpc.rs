//! The methods that are served, as spans and metrics call them.

/// A method, or that it is none that is served.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rpc(usize);

/// Their names, the most frequent first: they are searched in this order.
const METHODS: [&str; 20] = [
    "lupa.v1.DecisionService/Decide",
    "envoy.service.auth.v3.Authorization/Check",
    "lupa.v1.DeclarationService/RecordDeclaration",
    "lupa.v1.DeclarationService/WithdrawDeclaration",
    "lupa.v1.DeclarationService/GetInformationStatus",
    "lupa.v1.DeclarationService/ListDeclarations",
    "lupa.v1.DeclarationService/GetDeclaration",
    "lupa.v1.DeclarationService/PrintDeclarations",
    "lupa.v1.DeclarationService/WatchDeclarations",
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
    // As the semantic conventions call what is not served: what callers make
    // up must not become a name.
    "_OTHER",
];

impl Rpc {
    /// What Envoy asks.
    pub const CHECK: Self = Self(1);
    /// How many there are.
    pub(super) const COUNT: usize = METHODS.len();
    const OTHER: Self = Self(Self::COUNT - 1);

    /// The method of a path, such as `/lupa.v1.DecisionService/Decide`.
    #[must_use]
    pub fn of(path: &str) -> Self {
        let called = path.strip_prefix('/').unwrap_or_default();
        METHODS.iter().position(|method| *method == called).map_or(Self::OTHER, Self)
    }

    /// Its name in full, as the semantic conventions have it.
    #[must_use]
    pub fn name(self) -> &'static str {
        METHODS.get(self.0).copied().unwrap_or("_OTHER")
    }

    /// Whether it is one that is served.
    #[must_use]
    pub fn is_known(self) -> bool {
        self != Self::OTHER
    }

    pub(super) fn place(self) -> usize {
        self.0
    }
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
