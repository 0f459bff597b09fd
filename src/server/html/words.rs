//! Small texts as pages write them: prose with code in it, times, sizes, states.

use jiff::Timestamp;
use maud::{Markup, html};

use crate::ogc::JobStatus;

/// A description: paragraphs, with code between backticks.
pub fn prose(text: &str) -> Markup {
    html! { @for paragraph in text.split("\n\n") { p { (inline(paragraph)) } } }
}

/// A text with code between backticks.
pub fn inline(text: &str) -> Markup {
    let parts: Vec<&str> = text.split('`').collect();
    // An odd number of backticks is none that were meant as such.
    let paired = parts.len() % 2 == 1;
    html! {
        @if paired {
            @for (index, part) in parts.iter().enumerate() {
                @if index % 2 == 1 { code { (part) } } @else { (part) }
            }
        } @else { (text) }
    }
}

/// A moment, to the second.
pub fn moment(at: Timestamp) -> Markup {
    html! { time datetime=(at) { (at.strftime("%Y-%m-%d %H:%M:%S")) " UTC" } }
}

/// How long something took: `0.4 s`, `12 s`, `3 min 20 s`, `2 h 5 min`.
pub fn duration(from: Timestamp, to: Timestamp) -> String {
    let ms = (to.as_millisecond() - from.as_millisecond()).max(0);
    match ms / 1000 {
        0..10 => format!("{:.1} s", ms as f64 / 1000.0),
        s @ 10..60 => format!("{s} s"),
        s @ 60..3600 => format!("{} min {} s", s / 60, s % 60),
        s => format!("{} h {} min", s / 3600, s % 3600 / 60),
    }
}

/// A size in bytes.
pub fn size(bytes: u64) -> String {
    match bytes {
        0..1_000 => format!("{bytes} B"),
        1_000..1_000_000 => format!("{:.1} kB", bytes as f64 / 1e3),
        1_000_000..1_000_000_000 => format!("{:.1} MB", bytes as f64 / 1e6),
        _ => format!("{:.2} GB", bytes as f64 / 1e9),
    }
}

/// A state, told by its word and not by its colour alone.
pub fn badge(status: JobStatus) -> Markup {
    html! { span.badge data-status=(status.as_str()) { (status.as_str()) } }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_escaped_and_code_is_marked() {
        assert_eq!(inline("a `b<` c").into_string(), "a <code>b&lt;</code> c");
        assert_eq!(inline("5` <x>").into_string(), "5` &lt;x&gt;");
    }

    #[test]
    fn times_and_sizes_are_short() {
        let at = |ms| Timestamp::from_millisecond(ms).unwrap();
        for (ms, text) in
            [(400, "0.4 s"), (12_000, "12 s"), (200_000, "3 min 20 s"), (7_500_000, "2 h 5 min")]
        {
            assert_eq!(duration(at(0), at(ms)), text);
        }
        assert_eq!(
            (size(12), size(1_200), size(34_000_000)),
            ("12 B".into(), "1.2 kB".into(), "34.0 MB".into())
        );
    }
}
