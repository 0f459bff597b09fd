//! The `Prefer` header (RFC 7240): what a caller would like, and what was done of it.

/// When the caller would like the answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Respond {
    /// `respond-async`: at once, the result later.
    Async,
    /// `respond-sync`: with the result. Not registered, but clients (OWSLib) send it.
    Sync,
}

/// How much the caller would like to get.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Return {
    /// `return=minimal`: links to the outputs.
    Minimal,
    /// `return=representation`: the outputs themselves.
    Representation,
}

/// Preferences. What is unknown or malformed is left out, and the first of two that contradict
/// each other holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Prefer {
    /// When to answer.
    pub respond: Option<Respond>,
    /// Seconds that the caller would wait for an answer.
    pub wait: Option<u32>,
    /// What to answer with.
    pub form: Option<Return>,
}

impl Prefer {
    /// Reads the values of all `Prefer` headers of a request, in their order.
    pub fn parse<'a>(headers: impl IntoIterator<Item = &'a str>) -> Self {
        let mut all = Self::default();
        for preference in headers.into_iter().flat_map(|h| split(h, ',')) {
            let named = split(preference, ';').into_iter().next().unwrap_or_default();
            let (name, value) = named.split_once('=').unwrap_or((named, ""));
            let value = unquote(value.trim());
            match (name.trim().to_ascii_lowercase().as_str(), value.to_ascii_lowercase().as_str()) {
                ("respond-async", _) => _ = all.respond.get_or_insert(Respond::Async),
                ("respond-sync", _) => _ = all.respond.get_or_insert(Respond::Sync),
                ("return", "minimal") => _ = all.form.get_or_insert(Return::Minimal),
                ("return", "representation") => _ = all.form.get_or_insert(Return::Representation),
                ("wait", seconds) if all.wait.is_none() => all.wait = whole(seconds),
                _ => {}
            }
        }
        all
    }

    /// The value of `Preference-Applied`, if any: call it on those preferences that were honoured.
    pub fn applied(&self) -> Option<String> {
        let respond = self.respond.map(|respond| match respond {
            Respond::Async => "respond-async".to_owned(),
            Respond::Sync => "respond-sync".to_owned(),
        });
        let form = self.form.map(|form| match form {
            Return::Minimal => "return=minimal".to_owned(),
            Return::Representation => "return=representation".to_owned(),
        });
        let wait = self.wait.map(|seconds| format!("wait={seconds}"));
        let all: Vec<String> = [respond, wait, form].into_iter().flatten().collect();
        (!all.is_empty()).then(|| all.join(", "))
    }
}

/// Delta-seconds; more than fits is as good as for ever.
fn whole(seconds: &str) -> Option<u32> {
    let digits = !seconds.is_empty() && seconds.bytes().all(|b| b.is_ascii_digit());
    digits.then(|| seconds.parse().unwrap_or(u32::MAX))
}

/// The parts of a list, a separator inside quotes being none.
fn split(text: &str, separator: char) -> Vec<&str> {
    let (mut parts, mut start, mut quoted, mut escaped) = (Vec::new(), 0, false, false);
    for (at, letter) in text.char_indices() {
        match letter {
            _ if escaped => escaped = false,
            '\\' if quoted => escaped = true,
            '"' => quoted = !quoted,
            letter if letter == separator && !quoted => {
                parts.push(&text[start..at]);
                start = at + letter.len_utf8();
            }
            _ => {}
        }
    }
    parts.push(&text[start..]);
    parts
}

/// A token, or what a quoted string holds.
fn unquote(text: &str) -> String {
    let Some(inner) = text.strip_prefix('"').and_then(|t| t.strip_suffix('"')) else {
        return text.to_owned();
    };
    let (mut plain, mut escaped) = (String::new(), false);
    for letter in inner.chars() {
        if letter == '\\' && !escaped {
            escaped = true;
        } else {
            plain.push(letter);
            escaped = false;
        }
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn lists_headers_and_quotes_are_read() {
        let all =
            Prefer::parse(["respond-async, wait=10", "handling=lenient; x=\"a,b\", return=\"minimal\""]);
        let expected = Prefer { respond: Some(Respond::Async), wait: Some(10), form: Some(Return::Minimal) };
        assert_eq!(all, expected);
        assert_eq!(all.applied().as_deref(), Some("respond-async, wait=10, return=minimal"));
        assert_eq!(Prefer::parse(["Respond-Sync;foo"]).respond, Some(Respond::Sync));
        assert_eq!(Prefer::parse(["WAIT = \"5\""]).wait, Some(5));
        assert_eq!(Prefer::parse(["foo=\"respond-async, wait=3\""]), Prefer::default());
    }

    #[test]
    fn the_unknown_is_left_out_and_the_first_holds() {
        assert_eq!(Prefer::parse(["wait=-1, wait=x, wait=, return=all, odd"]), Prefer::default());
        assert_eq!(Prefer::parse(["wait=3, wait=4"]).wait, Some(3));
        assert_eq!(Prefer::parse(["respond-async", "respond-sync"]).respond, Some(Respond::Async));
        assert_eq!(Prefer::parse(["return=minimal, return=representation"]).form, Some(Return::Minimal));
        assert_eq!(Prefer::parse(["wait=99999999999"]).wait, Some(u32::MAX));
        assert_eq!(Prefer::default().applied(), None);
    }

    proptest! {
        #[test]
        fn any_header_is_survived(text in "[a-z=\"\\\\,; é0-9-]{0,60}") {
            let once = Prefer::parse([text.as_str()]);
            let again = once.applied().map_or(Prefer::default(), |applied| Prefer::parse([applied.as_str()]));
            prop_assert_eq!(once, again);
        }
    }
}
