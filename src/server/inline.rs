//! Results inside an answer, whatever the protocol: together no more than the operator lets, the others are
//! told by their links. What is here reads files, and belongs into [`super::state::block`].

use std::io::Read as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::de::IgnoredAny;
use serde_json::json;

use super::error::ApiError;
use super::results::{Output, href};
use crate::jobs::Job;
use crate::ogc::{Execute, Transmission};

/// How many bytes of results an answer may still hold.
pub struct Room(u64);

impl Room {
    /// As much as `limits.inline_megabytes` says.
    pub fn new(megabytes: usize) -> Self {
        Self((megabytes as u64) << 20)
    }

    /// The bytes of an output, where there is room for them.
    ///
    /// # Errors
    /// 410 where the file is gone.
    pub fn take(&mut self, output: &Output) -> Result<Option<Vec<u8>>, ApiError> {
        let file = std::fs::File::open(&output.path).map_err(|e| ApiError::result(&e))?;
        let size = file.metadata().map_err(|e| ApiError::result(&e))?.len();
        if size > self.0 {
            return Ok(None);
        }
        let mut bytes = Vec::with_capacity(size as usize);
        file.take(size).read_to_end(&mut bytes).map_err(|e| ApiError::result(&e))?;
        self.0 -= size;
        Ok(Some(bytes))
    }
}

/// The document of results: an object of the outputs by their names.
///
/// # Errors
/// As [`Room::take`]; 500 where a document is none.
pub fn document(
    job: &Job,
    found: &[Output],
    asked: &Execute,
    base: &str,
    mut room: Room,
) -> Result<String, ApiError> {
    let mut members = Vec::new();
    for output in found {
        let is_json = output.is_json();
        // What does not fit into a document is told by its link, whatever was asked for.
        let inside = match asked.transmission(&output.name) {
            Some(Transmission::Reference) => false,
            Some(Transmission::Value) => true,
            None => is_json,
        };
        let bytes = if inside { room.take(output)? } else { None };
        let value = match bytes {
            None => json!({"href": href(base, job, output), "type": output.media_type}).to_string(),
            Some(bytes) if is_json => {
                // As it stands: its numbers are not written anew.
                let damaged = |e: serde_json::Error| ApiError::internal(format!("{}: {e}", output.name));
                serde_json::from_slice::<IgnoredAny>(&bytes).map_err(damaged)?;
                String::from_utf8(bytes).map_err(ApiError::internal)?.trim().to_owned()
            }
            Some(bytes) => valued(bytes, &output.media_type).to_string(),
        };
        members.push(format!("{}:{value}", json!(output.name)));
    }
    Ok(format!("{{{}}}", members.join(",")))
}

/// A file's content as a qualified value: its text, or base64.
fn valued(bytes: Vec<u8>, media_type: &str) -> serde_json::Value {
    let bytes = match String::from_utf8(bytes) {
        Ok(text) if media_type.starts_with("text/") => {
            return json!({"value": text, "mediaType": media_type});
        }
        Ok(text) => text.into_bytes(),
        Err(not_text) => not_text.into_bytes(),
    };
    json!({"value": STANDARD.encode(bytes), "encoding": "base64", "mediaType": media_type})
}

/// Several outputs in one answer, and its media type. A part that was asked for by reference, or has no
/// room, is empty and tells where its content is.
///
/// # Errors
/// As [`Room::take`].
pub fn parts(
    job: &Job,
    found: &[Output],
    by_link: impl Fn(&Output) -> bool,
    base: &str,
    mut room: Room,
) -> Result<(String, Vec<u8>), ApiError> {
    let boundary = uuid::Uuid::new_v4().simple().to_string();
    let mut body = Vec::new();
    for output in found {
        let bytes = if by_link(output) { None } else { room.take(output)? };
        let place = match bytes {
            Some(_) => String::new(),
            None => format!("Content-Location: {}\r\n", href(base, job, output)),
        };
        let head = format!(
            "--{boundary}\r\nContent-Type: {}\r\nContent-ID: <{}>\r\n{place}\r\n",
            output.media_type, output.name
        );
        body.extend(head.into_bytes());
        body.extend(bytes.unwrap_or_default());
        body.extend(b"\r\n");
    }
    body.extend(format!("--{boundary}--\r\n").into_bytes());
    Ok((format!("multipart/related; boundary={boundary}"), body))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_has_no_room_is_left_out_and_what_comes_after_may_fit() {
        let folder = tempfile::tempdir().unwrap();
        let output = |name: &str, size: u64| {
            let path = folder.path().join(name);
            std::fs::File::create(&path).unwrap().set_len(size).unwrap();
            Output { name: name.to_owned(), path, media_type: "text/csv".to_owned() }
        };
        let mut room = Room::new(1);
        assert!(room.take(&output("large", (1 << 20) + 1)).unwrap().is_none());
        assert_eq!(room.take(&output("half", 1 << 19)).unwrap().unwrap().len(), 1 << 19);
        assert!(room.take(&output("more", (1 << 19) + 1)).unwrap().is_none());
        assert!(room.take(&output("rest", 1 << 19)).unwrap().is_some());
        let gone = Output { path: folder.path().join("gone"), ..output("x", 0) };
        assert_eq!(actix_web::ResponseError::status_code(&room.take(&gone).unwrap_err()).as_u16(), 410);
    }
}
