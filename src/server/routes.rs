//! How routes are mounted. All go through [`at`], so that a start with `log.level = "debug"` tells every one.

use actix_web::dev::Handler;
use actix_web::{FromRequest, Resource, Responder, web};

/// What is at a path, with a slash behind it or not.
pub fn at(path: &str) -> Resource {
    tracing::debug!(path, "mounted");
    if path.ends_with('/') { web::resource(path) } else { web::resource([path.to_owned(), format!("{path}/")]) }
}

/// What is read without changing anything.
pub trait Read: Sized {
    /// Answers GET, and HEAD as GET without the body.
    fn read<F, Args>(self, handler: F) -> Self
    where
        F: Handler<Args>,
        Args: FromRequest + 'static,
        F::Output: Responder + 'static;
}

impl Read for Resource {
    fn read<F, Args>(self, handler: F) -> Self
    where
        F: Handler<Args>,
        Args: FromRequest + 'static,
        F::Output: Responder + 'static,
    {
        self.get(handler.clone()).head(handler)
    }
}
