//! How a process can fail, from the caller's side.

pub(super) use crate::ogc::nearest;

/// Why a process did not finish.
#[derive(Debug, thiserror::Error)]
pub enum ProcessError {
    /// The caller can mend it: the input is named.
    #[error("input `{input}`: {message}")]
    Input {
        /// The input's path, such as `validation.fractions[1]`.
        input: String,
        /// What is wrong and the way out.
        message: String,
    },
    /// The caller (or a signal) stopped it.
    #[error("cancelled")]
    Cancelled,
    /// There is no space left where results are kept.
    #[error("{0}")]
    Full(String),
    /// The system is short of something that may be there again in a moment: the same run may be tried again.
    #[error("{reason}")]
    Short {
        /// Of what, in words that callers may read.
        what: &'static str,
        /// What failed by it.
        reason: String,
    },
    /// Anything else: a broken file in the middle of a scene.
    #[error("{0}")]
    Failed(String),
}

impl ProcessError {
    /// A mistake in an input.
    pub fn input(input: impl Into<String>, message: impl std::fmt::Display) -> Self {
        Self::Input { input: input.into(), message: message.to_string() }
    }

    /// A failure that is not the caller's.
    pub fn failed(reason: impl std::fmt::Display) -> Self {
        Self::Failed(reason.to_string())
    }

    /// A member that could not be parsed, from its path and serde's message, in the caller's words.
    pub fn malformed(path: &str, message: &str) -> Self {
        let path = if path == "." { "" } else { path };
        if let Some(name) = message.strip_prefix("missing field `").and_then(|m| m.split('`').next()) {
            let input = if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") };
            return Self::input(input, "is required");
        }
        if let Some((unknown, expected)) =
            message.strip_prefix("unknown field `").and_then(|m| m.split_once('`'))
        {
            let known: Vec<&str> = expected.split('`').skip(1).step_by(2).collect();
            let hint = nearest(unknown, known.iter().copied())
                .map_or_else(String::new, |near| format!("; did you mean `{near}`?"));
            let known =
                if known.is_empty() { String::new() } else { format!(" (known: {})", known.join(", ")) };
            return Self::input(path, format!("unknown member{hint}{known}"));
        }
        if let Some(variant) = message.strip_prefix("unknown variant ") {
            return Self::input(path, format!("unknown value {variant}"));
        }
        let message = match message.strip_prefix("invalid type: ").and_then(|m| m.rsplit_once(", expected "))
        {
            Some((found, expected)) => {
                let found = found.replace("string ", "the text ").replace("floating point ", "the number ");
                let found = found.replace("integer ", "the number ").replace("sequence", "an array");
                format!("expected {}, found {}", in_words(expected), found.replace("map", "an object"))
            }
            None => message.to_owned(),
        };
        Self::input(if path.is_empty() { "inputs" } else { path }, message)
    }
}

/// Rust's type names in JSON's words.
fn in_words(expected: &str) -> &str {
    match expected {
        "f64" | "f32" => "a number",
        "u8" | "u16" | "u32" | "u64" | "usize" => "a whole number from 0",
        "i8" | "i16" | "i32" | "i64" | "isize" => "a whole number",
        "a sequence" => "an array",
        "a map" => "an object",
        "a string" => "a text",
        "a boolean" => "true or false",
        other if other.starts_with("struct ") => "an object",
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_malformed_member_is_told_in_the_callers_words() {
        let say = |path, message| ProcessError::malformed(path, message).to_string();
        assert_eq!(say(".", "missing field `cube`"), "input `cube`: is required");
        assert_eq!(
            say("dats", "unknown field `dats`, expected `cube` or `dates`"),
            "input `dats`: unknown member; did you mean `dates`? (known: cube, dates)"
        );
        assert_eq!(
            say("a.b[1]", "invalid type: string \"x\", expected f64"),
            "input `a.b[1]`: expected a number, found the text \"x\""
        );
    }
}
