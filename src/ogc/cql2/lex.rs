//! Words and signs of CQL2 text.

use super::{Cql2Error, MOST_WORDS};

/// A word or sign.
#[derive(Clone, Debug, PartialEq)]
pub enum Token {
    /// A name or a keyword.
    Word(String),
    /// A name in quotes.
    Quoted(String),
    /// A text.
    Text(String),
    /// A number.
    Number(f64),
    /// A whole number of which floating point would lose digits.
    Integer(i64),
    /// A sign.
    Sign(&'static str),
    /// Nothing follows.
    End,
}

impl std::fmt::Display for Token {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Word(word) => write!(f, "`{word}`"),
            Self::Quoted(name) => write!(f, "`\"{name}\"`"),
            Self::Text(text) => write!(f, "'{text}'"),
            Self::Number(number) => write!(f, "{number}"),
            Self::Integer(number) => write!(f, "{number}"),
            Self::Sign(sign) => write!(f, "`{sign}`"),
            Self::End => f.write_str("the end"),
        }
    }
}

/// A token with its place: characters from 0.
pub type Placed = (usize, Token);

const SIGNS: [&str; 14] = ["<>", "<=", ">=", "=", "<", ">", "(", ")", ",", "+", "-", "*", "/", "%"];

/// The tokens of a text, [`Token::End`] last.
pub fn tokens(text: &str) -> Result<Vec<Placed>, Cql2Error> {
    let chars: Vec<char> = text.chars().collect();
    let (mut found, mut at, mut words) = (Vec::new(), 0, 0);
    while at < chars.len() {
        let c = chars[at];
        let start = at;
        let token = match c {
            _ if c.is_whitespace() => {
                at += 1;
                continue;
            }
            '\'' | '"' => {
                let inner = quoted(&chars, &mut at)?;
                if c == '"' { Token::Quoted(inner) } else { Token::Text(inner) }
            }
            '0'..='9' => number(&chars, &mut at)?,
            '.' if chars.get(at + 1).is_some_and(char::is_ascii_digit) => number(&chars, &mut at)?,
            _ if starts_name(c) => {
                while chars.get(at).is_some_and(|c| continues_name(*c)) {
                    at += 1;
                }
                Token::Word(chars[start..at].iter().collect())
            }
            '^' => {
                at += 1;
                Token::Sign("^")
            }
            _ => {
                let sign = SIGNS.iter().find(|s| s.chars().eq(chars[at..].iter().copied().take(s.len())));
                let sign = sign
                    .ok_or_else(|| Cql2Error { at: at + 1, message: format!("`{c}` has no meaning here") })?;
                at += sign.len();
                Token::Sign(sign)
            }
        };
        // Parentheses and commas make no node of the tree.
        words += usize::from(!matches!(token, Token::Sign("(" | ")" | ",")));
        if words > MOST_WORDS {
            let message = format!("the condition has more than {MOST_WORDS} names, values and operators");
            return Err(Cql2Error { at: start + 1, message });
        }
        found.push((start, token));
    }
    found.push((chars.len(), Token::End));
    Ok(found)
}

fn starts_name(c: char) -> bool {
    c.is_alphabetic() || c == '_' || c == ':'
}

fn continues_name(c: char) -> bool {
    c.is_alphanumeric() || matches!(c, '_' | ':' | '.')
}

/// What stands in quotes; a doubled quote is one.
fn quoted(chars: &[char], at: &mut usize) -> Result<String, Cql2Error> {
    let (start, quote) = (*at, chars[*at]);
    let mut inner = String::new();
    *at += 1;
    loop {
        match chars.get(*at) {
            None => {
                return Err(Cql2Error {
                    at: start + 1,
                    message: format!("no {quote} ends what begins here"),
                });
            }
            Some(c) if *c == quote && chars.get(*at + 1) == Some(&quote) => {
                inner.push(quote);
                *at += 2;
            }
            Some(c) if *c == quote => {
                *at += 1;
                return Ok(inner);
            }
            Some(c) => {
                inner.push(*c);
                *at += 1;
            }
        }
    }
}

fn number(chars: &[char], at: &mut usize) -> Result<Token, Cql2Error> {
    let start = *at;
    let mut take = |test: &dyn Fn(char) -> bool| {
        while chars.get(*at).is_some_and(|c| test(*c)) {
            *at += 1;
        }
    };
    take(&|c| c.is_ascii_digit());
    take(&|c| c == '.');
    take(&|c| c.is_ascii_digit());
    if chars.get(*at).is_some_and(|c| matches!(c, 'e' | 'E')) {
        let signed = usize::from(chars.get(*at + 1).is_some_and(|c| matches!(c, '+' | '-')));
        if chars.get(*at + 1 + signed).is_some_and(char::is_ascii_digit) {
            *at += 1 + signed;
            while chars.get(*at).is_some_and(char::is_ascii_digit) {
                *at += 1;
            }
        }
    }
    let text: String = chars[start..*at].iter().collect();
    let ends = chars.get(*at).is_none_or(|c| !continues_name(*c));
    let long = text.parse::<i64>().ok().filter(|n| ends && i128::from(*n) != *n as f64 as i128);
    if let Some(long) = long {
        return Ok(Token::Integer(long));
    }
    text.parse().ok().filter(|n: &f64| n.is_finite() && ends).map(Token::Number).ok_or_else(|| Cql2Error {
        at: start + 1,
        message: format!("`{text}` is no number; names that begin with a digit stand in double quotes"),
    })
}
