//! Pages of lists: which one is asked for, and the links to those beside it.

use super::error::ApiError;
use crate::ogc::{Link, segment};

/// Most items of a page.
pub const MOST: usize = 1000;

/// Part of a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Page {
    /// Most items on it.
    pub limit: usize,
    /// Items before it.
    pub offset: usize,
}

impl Page {
    /// The page that a query asks for; `limit` items where it names no number.
    ///
    /// # Errors
    /// A number that cannot be, or a parameter that there is not.
    pub fn of(query: &[(String, String)], limit: usize) -> Result<Self, ApiError> {
        let mut page = Self { limit, offset: 0 };
        for (name, value) in query {
            match name.as_str() {
                "limit" => page.limit = limit_of(value)?,
                "offset" => page.offset = whole(name, value)?,
                "f" => {}
                other => return Err(ApiError::parameter(other, "there is no such parameter")),
            }
        }
        Ok(page)
    }

    /// Links to the pages before and after this one, of a list with so many items at an address.
    pub fn beside(self, address: &str, query: &[(String, String)], total: u64) -> Vec<Link> {
        let mut links = Vec::new();
        if (self.offset as u64).saturating_add(self.limit as u64) < total {
            links.push(self.link(address, query, self.offset + self.limit, "next"));
        }
        if self.offset > 0 {
            links.push(self.link(address, query, self.offset.saturating_sub(self.limit), "prev"));
        }
        links
    }

    /// A link to the page of this length that begins at `offset`.
    pub fn link(self, address: &str, query: &[(String, String)], offset: usize, rel: &str) -> Link {
        let others = query.iter().filter(|(name, _)| !["offset", "limit"].contains(&name.as_str()));
        let mut parameters: Vec<String> =
            others.map(|(name, value)| format!("{}={}", segment(name), segment(value))).collect();
        parameters.extend([format!("limit={}", self.limit), format!("offset={offset}")]);
        Link::new(format!("{address}?{}", parameters.join("&")), rel, "application/json")
    }
}

/// A limit of a query; one above [`MOST`] means [`MOST`], as OGC API has it.
///
/// # Errors
/// No whole number from 1.
pub fn limit_of(value: &str) -> Result<usize, ApiError> {
    let digits = !value.is_empty() && value.bytes().all(|b| b.is_ascii_digit());
    // Of digits only what is too large cannot be read.
    let limit = if digits { value.parse().unwrap_or(MOST).min(MOST) } else { 0 };
    if limit > 0 {
        return Ok(limit);
    }
    Err(ApiError::parameter(
        "limit",
        format!("`{value}` is not a whole number from 1 (more than {MOST} are {MOST})"),
    ))
}

/// A whole number of a query.
///
/// # Errors
/// It is none.
pub fn whole(name: &str, value: &str) -> Result<usize, ApiError> {
    let wrong = |_| ApiError::parameter(name, format!("`{value}` is not a whole number from 0"));
    // Further than any list is long, and within the reach of SQLite's numbers.
    value.parse().map(|n: u64| n.min(1 << 40) as usize).map_err(wrong)
}
