//! How routes are mounted. All go through [`at`], so that a start with `log.level = "debug"` tells every one,
//! and through [`Mount::mount`], so that none is open to other people's web pages.

use actix_web::dev::Handler;
use actix_web::middleware::from_fn;
use actix_web::web::ServiceConfig;
use actix_web::{FromRequest, Resource, Responder, web};

use super::cross_site;

/// What is at a path, with a slash behind it or not.
pub fn at(path: &str) -> Resource {
    tracing::debug!(path, "mounted");
    if path.ends_with('/') {
        web::resource(path)
    } else {
        web::resource([path.to_owned(), format!("{path}/")])
    }
}

/// Where routes are mounted.
pub trait Mount {
    /// Mounts a resource behind [`cross_site::guard`]: in any host, whatever it wraps around its routes.
    fn mount(&mut self, resource: Resource) -> &mut Self;
}

impl Mount for ServiceConfig {
    fn mount(&mut self, resource: Resource) -> &mut Self {
        self.service(resource.wrap(from_fn(cross_site::guard)))
    }
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
