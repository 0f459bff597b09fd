//! Collections: the list, one of them, and how the routes below find theirs.

mod published;
mod told;

use actix_web::{HttpRequest, web};
use jiff::civil::Date;

use published::given_up;
pub use published::{Published, Wanted, facts};
use told::tell_growth;
pub use told::told;

use super::access::caller;
use super::error::{Answer, ApiError};
use super::html;
use super::paging::limit_of;
use super::state::{ServerState, block};
use crate::jobs::{Job, JobStatus, JobsError, Queue};
use crate::ogc::collections::CollectionInfo;
use crate::ogc::collections::CollectionList;
use crate::ogc::outputs::JSON;
use crate::ogc::{DateInterval, Link, ProblemType, hint, read_query};
use crate::server::config::DataConfig;
use crate::store::collections::{Collection, Origin};

/// How many collections a page has where the request does not say.
const USUAL: usize = 100;

/// The parameters of a query, each of which is to be among `known` (and none twice).
///
/// # Errors
/// 400 naming the parameter.
pub fn parameters(request: &HttpRequest, known: &[&str]) -> Result<Vec<(String, String)>, ApiError> {
    let query = read_query(request.query_string());
    for (k, (name, _)) in query.iter().enumerate() {
        if !known.contains(&name.as_str()) {
            let hint = hint(name, known.iter().copied());
            return Err(ApiError::parameter(name, format!("there is no such parameter{hint}")));
        }
        if query[..k].iter().any(|(other, _)| other == name) {
            return Err(ApiError::parameter(name, "is given twice"));
        }
    }
    Ok(query)
}

/// The value of a parameter.
pub fn value<'a>(query: &'a [(String, String)], name: &str) -> Option<&'a str> {
    query.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
}

/// A whole number within a range.
///
/// # Errors
/// 400 naming the parameter.
pub fn whole(
    query: &[(String, String)],
    name: &str,
    range: std::ops::RangeInclusive<usize>,
    usual: usize,
) -> Result<usize, ApiError> {
    let Some(text) = value(query, name) else { return Ok(usual) };
    text.parse().ok().filter(|n| range.contains(n)).ok_or_else(|| {
        let (least, most) = (range.start(), range.end());
        ApiError::parameter(name, format!("`{text}` is not a whole number from {least} to {most}"))
    })
}

/// Numbers between commas.
///
/// # Errors
/// 400 naming the parameter.
pub fn numbers<const N: usize>(name: &str, text: &str) -> Result<[f64; N], ApiError> {
    let all: Option<Vec<f64>> =
        text.split(',').map(|n| n.trim().parse().ok().filter(|v: &f64| v.is_finite())).collect();
    all.and_then(|all| all.try_into().ok())
        .ok_or_else(|| ApiError::parameter(name, format!("`{text}` is not {N} numbers between commas")))
}

/// A bounding box of degrees: west, south, east, north; west may be over east, across the date line.
///
/// # Errors
/// 400 naming the parameter.
pub fn bbox(text: &str) -> Result<[f64; 4], ApiError> {
    let four: [f64; 4] = if text.matches(',').count() == 5 {
        // With heights, which are not looked at.
        let [w, s, _, e, n, _] = numbers("bbox", text)?;
        [w, s, e, n]
    } else {
        numbers("bbox", text)?
    };
    if four[1] > four[3] || four[1] < -90.0 || four[3] > 90.0 {
        return Err(ApiError::parameter("bbox", format!("`{text}` is not west,south,east,north in degrees")));
    }
    Ok(four)
}

/// Days, of a time or an interval of times.
///
/// # Errors
/// 400 naming the parameter.
pub fn days(text: &str) -> Result<(Date, Date), ApiError> {
    let interval: DateInterval = serde_json::from_value(text.into())
        .map_err(|e| ApiError::parameter("datetime", format!("`{text}`: {e}")))?;
    Ok((interval.first, interval.last))
}

/// The collection of the path, where the caller may see it.
///
/// # Errors
/// 401, or 404: somebody else's collection is as good as none; 410 where its results were deleted.
pub async fn collection(
    request: &HttpRequest,
    state: &web::Data<ServerState>,
    id: &str,
) -> Result<Collection, ApiError> {
    let owner = caller(state, request).await?;
    if let Some(found) = state.published.at_hand(owner.as_deref(), id) {
        return Ok(found);
    }
    let (shared, wanted) = (state.clone(), id.to_owned());
    // A source of the operator's that cannot be read now.
    let unavailable = || state.published.is_unavailable(id);
    let find = move || {
        let (queue, owner) = (&shared.queue, owner.as_deref());
        let found = shared.published.find(queue, owner, &wanted)?;
        let why = if found.is_none() { given_up(queue, owner, &wanted, &*shared.host)? } else { None };
        Ok::<_, JobsError>((found, why))
    };
    let (found, why) = block(find).await??;
    found.ok_or_else(|| match why {
        Some(job) if job.state == JobStatus::Successful => ApiError::gone(),
        Some(job) => ApiError::no_results(&job),
        None if unavailable() => ApiError::unavailable(id),
        None => ApiError::absent(ProblemType::Plain, format!("there is no collection `{id}`")),
    })
}

/// The job that still computes a collection.
fn maker(queue: &Queue, collection: &Collection) -> Result<Option<Job>, JobsError> {
    match &collection.origin {
        Origin::Job { job, .. } if collection.layer.growing.is_some() => queue.get(job),
        _ => Ok(None),
    }
}

/// A collection as it is told, with how far it is.
fn told_with(collection: &Collection, maker: Option<&Job>, base: &str, data: &DataConfig) -> CollectionInfo {
    let mut told = told(collection, base, data);
    if let Some(job) = maker {
        tell_growth(&mut told, job);
    }
    told
}

pub async fn one(request: HttpRequest, path: web::Path<String>, state: web::Data<ServerState>) -> Answer {
    let found = async {
        parameters(&request, &["f"])?;
        let found = collection(&request, &state, &path).await?;
        if found.layer.growing.is_none() {
            return Ok((found, None));
        }
        let shared = state.clone();
        let with_job = block(move || maker(&shared.queue, &found).map(|job| (found, job)));
        Ok::<_, ApiError>(with_job.await??)
    };
    let (found, maker) = found.await.map_err(|e| e.to(&request))?;
    let told = told_with(&found, maker.as_ref(), &state.base(&request), &state.config.data);
    html::answer(&request, &state, &told, html::collection::page)
}

pub async fn list(request: HttpRequest, state: web::Data<ServerState>) -> Answer {
    let page = async {
        let owner = caller(&state, &request).await?;
        let query = parameters(&request, &["limit", "offset", "bbox", "datetime", "f"])?;
        let wanted = wanted(&query)?;
        let (shared, asked) = (state.clone(), wanted.clone());
        let listed = move || {
            let page = shared.published.list(&shared.queue, owner.as_deref(), &asked)?;
            let makers = page.collections.iter().map(|c| maker(&shared.queue, c));
            let makers = makers.collect::<Result<Vec<_>, _>>()?;
            Ok::<_, JobsError>((page, makers))
        };
        let (page, makers) = block(listed).await??;
        Ok::<_, ApiError>((query, wanted, page, makers))
    };
    let (query, wanted, page, makers) = page.await.map_err(|e| e.to(&request))?;
    let base = state.base(&request);
    let told =
        |(c, maker): (&Collection, &Option<Job>)| told_with(c, maker.as_ref(), &base, &state.config.data);
    let collections: Vec<_> = page.collections.iter().zip(&makers).map(told).collect();
    let list = CollectionList {
        links: pages(&query, &wanted, page.total, &base),
        number_matched: page.total,
        number_returned: collections.len(),
        collections,
    };
    html::answer(&request, &state, &list, html::collections::page)
}

fn wanted(query: &[(String, String)]) -> Result<Wanted, ApiError> {
    Ok(Wanted {
        offset: whole(query, "offset", 0..=usize::MAX, 0)?,
        limit: value(query, "limit").map_or(Ok(USUAL), limit_of)?,
        bbox: value(query, "bbox").map(bbox).transpose()?,
        days: value(query, "datetime").map(days).transpose()?,
    })
}

/// Links of a page to itself and to those beside it.
fn pages(query: &[(String, String)], wanted: &Wanted, total: usize, base: &str) -> Vec<Link> {
    let link = |offset: usize, rel: &str| {
        let same = query.iter().filter(|(name, _)| !["offset", "limit"].contains(&name.as_str()));
        let mut all: Vec<String> =
            same.map(|(name, value)| format!("{name}={}", crate::ogc::segment(value))).collect();
        all.extend([format!("limit={}", wanted.limit), format!("offset={offset}")]);
        Link::new(format!("{base}/collections?{}", all.join("&")), rel, JSON)
    };
    let mut links = vec![
        link(wanted.offset, "self"),
        Link::new(format!("{base}/collections?f=html"), "alternate", "text/html"),
    ];
    if wanted.offset.saturating_add(wanted.limit) < total {
        links.push(link(wanted.offset + wanted.limit, "next"));
    }
    if wanted.offset > 0 {
        links.push(link(wanted.offset.saturating_sub(wanted.limit), "prev"));
    }
    links
}
