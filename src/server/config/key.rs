//! Keys of callers: only their hashes are held, so that no log and no command can tell them.

use std::collections::BTreeMap;
use std::path::Path;

use serde::{Deserialize, Deserializer};
use sha2::{Digest, Sha256};

use super::ConfigError;

/// Before the hash of a key in place of the key.
const HASHED: &str = "sha256:";
/// Fewest letters of a key.
const SHORTEST: usize = 16;

/// The SHA-256 of a caller's key.
#[derive(Clone, PartialEq, Eq)]
pub struct Key([u8; 32]);

impl Key {
    /// A key as it stands in a configuration: itself, or `sha256:` and its hash in hex.
    ///
    /// # Errors
    /// What is wrong, without the key.
    pub fn parse(text: &str) -> Result<Self, String> {
        let Some(hex) = text.strip_prefix(HASHED) else {
            if text.len() < SHORTEST {
                return Err(format!("a key has at least {SHORTEST} characters"));
            }
            return Ok(Self::of(text));
        };
        let byte = |k: usize| hex.get(2 * k..2 * k + 2).and_then(|two| u8::from_str_radix(two, 16).ok());
        let bytes: Option<Vec<u8>> = (0..32).map(byte).collect();
        let hash = bytes.filter(|_| hex.len() == 64).and_then(|b| b.try_into().ok());
        hash.map(Self).ok_or_else(|| format!("after `{HASHED}` stand 64 hexadecimal digits"))
    }

    /// What a caller shows, to be compared.
    pub fn of(shown: &str) -> Self {
        Self(Sha256::digest(shown).into())
    }

    /// Whether both are of the same key. Compared in full, so that the time tells nothing of where
    /// they differ.
    pub fn fits(&self, shown: &Self) -> bool {
        self.0.iter().zip(shown.0).fold(0, |differ, (a, b)| differ | (a ^ b)) == 0
    }
}

impl std::fmt::Debug for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("hidden")
    }
}

impl<'de> Deserialize<'de> for Key {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::parse(&String::deserialize(deserializer)?).map_err(serde::de::Error::custom)
    }
}

/// Keys as a variable of the environment holds them: `ann=KEY,bob=KEY`.
///
/// # Errors
/// What is wrong, without any key.
pub fn of_list(text: &str) -> Result<BTreeMap<String, Key>, String> {
    let one = |pair: &str| {
        let (name, key) = pair.split_once('=').ok_or("is not a list such as `ann=KEY,bob=KEY`")?;
        Ok((name.trim().to_owned(), Key::parse(key.trim())?))
    };
    text.split(',').filter(|pair| !pair.trim().is_empty()).map(one).collect()
}

/// Keys of a file of lines `name = "key"`.
///
/// # Errors
/// [`ConfigError`] naming the file.
pub fn of_file(path: &Path) -> Result<BTreeMap<String, Key>, ConfigError> {
    super::parse(path, &super::text(path)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_and_its_hash_are_the_same_and_neither_is_told() {
        // echo -n 0123456789abcdef | sha256sum
        let hash = "sha256:9f9f5111f7b27a781f1f1ddde5ebc2dd2b796bfc7365c9c28b548e564176929f";
        let key = Key::parse(hash).unwrap();
        assert!(key.fits(&Key::of("0123456789abcdef")) && !key.fits(&Key::of("0123456789abcdeF")));
        assert_eq!(Key::parse("0123456789abcdef").unwrap(), key);
        assert_eq!(format!("{key:?}"), "hidden");
        for wrong in ["short", "sha256:12", &hash[..70], &format!("{hash}0"), "sha256:é9f5111f7b27a78"] {
            let error = Key::parse(wrong).unwrap_err();
            assert!(!error.contains(wrong), "{error}");
        }
    }

    #[test]
    fn keys_stand_in_a_variable_or_a_file() {
        let keys = of_list("ann=0123456789abcdef, bob=fedcba9876543210=,").unwrap();
        assert!(keys["ann"].fits(&Key::of("0123456789abcdef")));
        assert!(keys["bob"].fits(&Key::of("fedcba9876543210=")));
        assert!(of_list("0123456789abcdef").is_err() && of_list("ann=short").is_err());
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("keys.toml");
        std::fs::write(&file, "ann = \"0123456789abcdef\"\n").unwrap();
        assert_eq!(of_file(&file).unwrap().len(), 1);
        std::fs::write(&file, "\nann = \"secret\"\n").unwrap();
        let error = of_file(&file).unwrap_err().to_string();
        assert!(error.contains("keys.toml: line 2") && !error.contains("secret"), "{error}");
    }
}
