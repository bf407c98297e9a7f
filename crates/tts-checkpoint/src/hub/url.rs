//! The little that following redirects needs to know about URLs.

use std::fmt;

use ureq::http::Uri;
use ureq::http::uri::{Authority, Scheme};

/// Scheme, host and port: who gets a request.
#[derive(PartialEq, Eq)]
pub(super) struct Origin {
    scheme: Scheme,
    authority: Authority,
}

impl Origin {
    pub(super) fn of(url: &str) -> Option<Self> {
        let parts = url.parse::<Uri>().ok()?.into_parts();
        let (scheme, authority) = (parts.scheme?, parts.authority?);
        let is_web = scheme == Scheme::HTTP || scheme == Scheme::HTTPS;
        is_web.then_some(Self { scheme, authority })
    }

    pub(super) fn is_encrypted(&self) -> bool {
        self.scheme == Scheme::HTTPS
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}", self.scheme, self.authority)
    }
}

/// The URL that the `Location` header `target` of a response to `base` means.
pub(super) fn join(base: &str, target: &str) -> String {
    let Some((scheme, rest)) = base.split_once("://") else {
        return target.to_owned();
    };
    let (host, path) = rest.split_once('/').unwrap_or((rest, ""));
    if target.starts_with("//") {
        format!("{scheme}:{target}")
    } else if target.starts_with('/') {
        format!("{scheme}://{host}{target}")
    } else if target.starts_with("http://") || target.starts_with("https://") {
        target.to_owned()
    } else {
        let path = path.split_once('?').map_or(path, |(path, _)| path);
        let directory = path.rsplit_once('/').map_or("", |(directory, _)| directory);
        let slash = if directory.is_empty() { "" } else { "/" };
        format!("{scheme}://{host}/{directory}{slash}{target}")
    }
}

/// A URL as errors show it: links to the storage carry a signature behind `?`.
pub(super) fn without_query(url: &str) -> String {
    url.split_once('?').map_or(url, |(url, _)| url).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn locations_are_joined_as_browsers_do() {
        let base = "https://hub.example/org/model/resolve/main/file?download=true";
        for (target, expected) in [
            ("https://other.example/x", "https://other.example/x"),
            ("//other.example/x?y=/z", "https://other.example/x?y=/z"),
            ("/x?to=http://y", "https://hub.example/x?to=http://y"),
            ("x/y", "https://hub.example/org/model/resolve/main/x/y"),
        ] {
            assert_eq!(join(base, target), expected);
        }
        assert_eq!(join("http://hub.example", "x"), "http://hub.example/x");
    }

    #[test]
    fn an_origin_is_scheme_host_and_port() {
        let hub = Origin::of("https://hub.example:8080/x");
        assert!(hub == Origin::of("https://HUB.example:8080/y?z"));
        for other in [
            "http://hub.example:8080/x",
            "https://hub.example/x",
            "https://hub.example.evil:8080/x",
            "https://hub.example:8080@evil/x",
            "ftp://hub.example:8080/x",
            "/x",
        ] {
            assert!(hub != Origin::of(other), "{other}");
        }
    }
}
