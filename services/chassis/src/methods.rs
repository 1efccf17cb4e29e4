//! What the descriptors say about each method: its name, and whether it streams.

use std::{collections::HashMap, sync::Arc};

use prost::Message;
use prost_types::FileDescriptorSet;

/// One gRPC method.
#[derive(Debug, PartialEq, Eq)]
pub struct Method {
    /// `/package.Service/Method`, as it stands in the request.
    pub path: Arc<str>,
    /// The client sends many messages.
    pub client_streams: bool,
    /// The server sends many messages.
    pub server_streams: bool,
}

impl Method {
    /// Whether either side sends many messages.
    #[must_use]
    pub fn streams(&self) -> bool {
        self.client_streams || self.server_streams
    }

    /// `package.Service`.
    #[must_use]
    pub fn service(&self) -> &str {
        self.path.trim_start_matches('/').split('/').next().unwrap_or_default()
    }

    /// `Method`.
    #[must_use]
    pub fn name(&self) -> &str {
        self.path.rsplit('/').next().unwrap_or_default()
    }
}

/// All methods of a descriptor set. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct Methods {
    by_path: Arc<HashMap<Arc<str>, Arc<Method>>>,
}

impl Methods {
    /// Reads encoded `FileDescriptorSet`s.
    pub fn read<'a>(sets: impl IntoIterator<Item = &'a [u8]>) -> Result<Self, prost::DecodeError> {
        let mut by_path = HashMap::new();
        for set in sets {
            for file in FileDescriptorSet::decode(set)?.file {
                let package = file.package().to_owned();
                for service in &file.service {
                    let service_name = if package.is_empty() {
                        service.name().to_owned()
                    } else {
                        format!("{package}.{}", service.name())
                    };
                    for method in &service.method {
                        let path: Arc<str> = format!("/{service_name}/{}", method.name()).into();
                        let (client_streams, server_streams) = (method.client_streaming(), method.server_streaming());
                        let method = Method { path: path.clone(), client_streams, server_streams };
                        by_path.insert(path, Arc::new(method));
                    }
                }
            }
        }
        Ok(Self { by_path: Arc::new(by_path) })
    }

    /// The method at this path, if the descriptors name it.
    #[must_use]
    pub fn find(&self, path: &str) -> Option<&Arc<Method>> {
        self.by_path.get(path)
    }

    /// Whether the descriptors name this service.
    #[must_use]
    pub fn has_service(&self, name: &str) -> bool {
        self.by_path.values().any(|method| method.service() == name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn streams_are_told_from_single_calls() {
        let methods = Methods::read([tonic_health::pb::FILE_DESCRIPTOR_SET]).unwrap();
        let check = methods.find("/grpc.health.v1.Health/Check").unwrap();
        assert!(!check.streams());
        assert_eq!((check.service(), check.name()), ("grpc.health.v1.Health", "Check"));
        assert!(methods.find("/grpc.health.v1.Health/Watch").unwrap().server_streams);
        assert!(methods.has_service("grpc.health.v1.Health"));
        assert!(methods.find("/grpc.health.v1.Health/Nothing").is_none());
    }
}
