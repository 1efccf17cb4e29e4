use serde::{Deserialize, Serialize};

/// The keys of this node. Without them nobody can tell whose pseudonym or hash it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Keys {
    /// 64 hexadecimal digits, this node's alone: pseudonyms of customers and agents.
    pub pseudonym: String,
    /// 64 hexadecimal digits, shared by the country's nodes and never given to a gateway: unique customers.
    pub unique: String,
    /// Name of `unique`; sketches under different names do not merge.
    pub unique_id: String,
}

impl Default for Keys {
    fn default() -> Self {
        Self { pseudonym: String::new(), unique: String::new(), unique_id: "unique-1".to_owned() }
    }
}

/// The bytes of a key of 64 hexadecimal digits.
#[must_use]
pub(crate) fn key_bytes(hex: &str) -> Option<[u8; 32]> {
    let hex = hex.trim();
    if hex.len() != 64 || !hex.is_ascii() {
        return None;
    }
    let mut bytes = [0; 32];
    for (i, byte) in bytes.iter_mut().enumerate() {
        *byte = u8::from_str_radix(&hex[2 * i..2 * i + 2], 16).ok()?;
    }
    Some(bytes)
}
