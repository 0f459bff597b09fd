//! The address under which callers see the server: that of the request, or what a proxy in front says, where
//! the operator trusts it.

use actix_web::HttpRequest;
use actix_web::http::header::HOST;
use actix_web::http::uri::Authority;

/// Most letters of a path that a proxy names.
const LONGEST: usize = 200;

/// Scheme, host and the path that a proxy took away, without a slash at its end. Without `trusted`, what
/// `Forwarded` and `X-Forwarded-*` say is not looked at: any caller can send them.
pub fn outside(request: &HttpRequest, trusted: bool) -> String {
    if trusted {
        let connection = request.connection_info();
        return format!("{}://{}{}", connection.scheme(), connection.host(), prefix(request));
    }
    let own = request.app_config();
    let scheme = if own.secure() { "https" } else { "http" };
    let named = request.headers().get(HOST).and_then(|v| v.to_str().ok());
    let named = named.or_else(|| request.uri().authority().map(Authority::as_str));
    format!("{scheme}://{}", named.unwrap_or_else(|| own.host()))
}

/// What `X-Forwarded-Prefix` says, the outermost proxy's part first.
fn prefix(request: &HttpRequest) -> String {
    let told = request.headers().get_all("x-forwarded-prefix").filter_map(|v| v.to_str().ok());
    let parts = told.flat_map(|list| list.split(',')).map(|part| part.trim().trim_end_matches('/'));
    let path: String = parts.filter(|part| is_path(part)).collect();
    if path.len() > LONGEST { String::new() } else { path }
}

/// Whether a text is a path and leads nowhere else.
fn is_path(text: &str) -> bool {
    let allowed = |c: char| c.is_ascii_alphanumeric() || "/-._~%".contains(c);
    text.starts_with('/') && !text.contains("//") && !text.contains("..") && text.chars().all(allowed)
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;

    use super::*;

    #[test]
    fn a_proxy_is_believed_where_it_is_trusted_and_its_path_is_one() {
        let base = TestRequest::default()
            .insert_header(("Host", "inside:8080"))
            .insert_header(("X-Forwarded-Host", "maps.example.org"))
            .insert_header(("X-Forwarded-Proto", "https"));
        let request = base.insert_header(("X-Forwarded-Prefix", "/gis/, /rededge")).to_http_request();
        assert_eq!(outside(&request, true), "https://maps.example.org/gis/rededge");
        assert_eq!(outside(&request, false), "http://inside:8080");
        for (told, meant) in [
            ("/maps", "/maps"),
            ("/a%20b/", "/a%20b"),
            ("/", ""),
            ("maps", ""),
            ("//evil.example", ""),
            ("/a/../b", ""),
            ("/\"><script>", ""),
            ("/a b", ""),
            (&format!("/{}", "x".repeat(300)), ""),
        ] {
            let request =
                TestRequest::default().insert_header(("X-Forwarded-Prefix", told)).to_http_request();
            assert_eq!(prefix(&request), meant, "{told}");
        }
    }
}
