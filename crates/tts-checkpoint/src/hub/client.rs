use std::collections::BTreeSet;
use std::io::Read;
use std::time::Duration;

use hf_hub::api::sync::{Api, ApiBuilder};
use hf_hub::{Cache, Repo, RepoType};
use serde::Deserialize;
use ureq::http::header::{AUTHORIZATION, CONTENT_LENGTH, CONTENT_RANGE, ETAG, LOCATION, RANGE};
use ureq::http::{HeaderMap, Method, Request, Response};
use ureq::{Agent, Body};

use super::names::{Commit, RepoId, blob_name};
use super::url::{Origin, join, without_query};
use super::{HubConfig, HubError, Token};

const USER_AGENT: &str = concat!(env!("CARGO_PKG_NAME"), "/", env!("CARGO_PKG_VERSION"));
const MAX_REDIRECTS: usize = 10;
const MAX_LISTING: u64 = 16 << 20;

/// Hash and size of a file in large file storage, sent by the hub along with the
/// redirect to that storage.
const LINKED_ETAG: &str = "x-linked-etag";
const LINKED_SIZE: &str = "x-linked-size";
/// Tells apart what the hub answers with one and the same status.
const ERROR_CODE: &str = "x-error-code";

/// Speaks to the hub.
///
/// Requests about a repository are those of `hf-hub`. The bytes of files are
/// fetched here: its downloader repeats the token to the storage the hub redirects
/// to, and takes what arrives without looking at status, range and size.
pub(super) struct Client {
    api: Api,
    agent: Agent,
    endpoint: String,
    origin: Origin,
    token: Option<Token>,
    timeout: Duration,
}

/// A repository at one commit.
pub(super) struct Listing {
    pub(super) commit: Commit,
    pub(super) files: BTreeSet<String>,
}

/// A file as the hub announces it.
#[derive(Debug, Clone)]
pub(super) struct RemoteFile {
    /// Path in the repository.
    pub(super) name: String,
    /// The name of its content in the cache.
    pub(super) blob: String,
    /// Bytes.
    pub(super) size: u64,
    pub(super) url: String,
}

/// The rest of a file.
pub(super) struct Rest {
    /// Offset of its first byte.
    pub(super) start: u64,
    /// Bytes of the whole file, if the server says.
    pub(super) total: Option<u64>,
    pub(super) content: Box<dyn Read>,
}

#[derive(Deserialize)]
struct RepoInfo {
    sha: String,
    siblings: Vec<Sibling>,
}

#[derive(Deserialize)]
struct Sibling {
    rfilename: String,
}

/// The last response to a request, and the headers of the redirects before it.
struct Reply {
    url: String,
    response: Response<Body>,
    redirects: Vec<HeaderMap>,
}

impl Client {
    pub(super) fn new(config: &HubConfig) -> Result<Self, HubError> {
        let endpoint = config.endpoint.trim_end_matches('/').to_owned();
        let invalid = |reason: String| {
            let endpoint = config.endpoint.clone();
            HubError::InvalidEndpoint { endpoint, reason }
        };
        let origin = Origin::of(&endpoint)
            .ok_or_else(|| invalid("expected an address that starts with https://".to_owned()))?;
        let token = config.token.as_ref().map(|token| token.as_str().to_owned());
        let api = ApiBuilder::from_cache(Cache::new(config.cache.clone()))
            .with_endpoint(endpoint.clone())
            .with_token(token)
            .with_progress(false)
            .build()
            .map_err(|error| invalid(error.to_string()))?;
        let timeout = Some(config.timeout);
        let agent = Agent::config_builder()
            .user_agent(USER_AGENT)
            .accept_encoding("identity")
            .https_only(origin.is_encrypted())
            .http_status_as_error(false)
            .max_redirects(0)
            .max_redirects_will_error(false)
            .timeout_resolve(timeout)
            .timeout_connect(timeout)
            .timeout_recv_response(timeout)
            .timeout_per_read(timeout)
            .build()
            .new_agent();
        let (token, timeout) = (config.token.clone(), config.timeout);
        Ok(Self { api, agent, endpoint, origin, token, timeout })
    }

    /// Asks for the commit of a revision and the files in it.
    pub(super) fn list(&self, repo: &RepoId, revision: &str) -> Result<Listing, HubError> {
        let at = Repo::with_revision(repo.as_str().to_owned(), RepoType::Model, revision.into());
        let url = format!("{}/api/{}", self.endpoint, at.api_url());
        let timeout = Some(self.timeout);
        let response = self
            .api
            .repo(at)
            .info_request()
            .config()
            .https_only(self.origin.is_encrypted())
            .http_status_as_error(false)
            .timeout_resolve(timeout)
            .timeout_connect(timeout)
            .timeout_recv_response(timeout)
            .timeout_per_read(timeout)
            .build()
            .call();
        let mut response = response.map_err(|error| self.failure(&url, error))?;
        if !response.status().is_success() {
            let (repo, endpoint) = (repo.clone(), self.endpoint.clone());
            let code = text(response.headers(), ERROR_CODE);
            return Err(match (code, response.status().as_u16()) {
                (Some("RevisionNotFound"), _) => {
                    HubError::NoSuchRevision { repo, revision: revision.to_owned() }
                }
                (Some("RepoNotFound"), _) | (_, 404) => HubError::NoSuchRepo { repo, endpoint },
                _ => self.refusal(&repo, &url, &response),
            });
        }
        let content = response.body_mut().with_config().limit(MAX_LISTING).read_to_vec();
        let content = content.map_err(|error| self.failure(&url, error))?;
        let protocol = |problem| HubError::Protocol { url: url.clone(), problem };
        let info: RepoInfo =
            serde_json::from_slice(&content).map_err(|error| protocol(error.to_string()))?;
        let commit = Commit::parse(&info.sha)
            .ok_or_else(|| protocol(format!("expected a commit hash, found {:?}", info.sha)))?;
        let files = info.siblings.into_iter().map(|sibling| sibling.rfilename).collect();
        Ok(Listing { commit, files })
    }

    /// Asks for hash and size of a file.
    pub(super) fn describe(
        &self,
        repo: &RepoId,
        commit: &Commit,
        name: &str,
    ) -> Result<RemoteFile, HubError> {
        let at = Repo::with_revision(repo.as_str().into(), RepoType::Model, commit.as_str().into());
        let url = self.api.repo(at).url(name);
        let reply = self.send(&Method::HEAD, &url, 0)?;
        let headers = || reply.redirects.iter().chain([reply.response.headers()]);
        let linked_size = headers().find_map(|headers| number(headers, LINKED_SIZE));
        let is_final = reply.response.status().is_success();
        if !is_final && linked_size.is_none() {
            return Err(self.refusal(repo, &reply.url, &reply.response));
        }
        let protocol = |problem: &str| HubError::Protocol {
            url: without_query(&url),
            problem: problem.to_owned(),
        };
        let size = linked_size
            .or_else(|| number(reply.response.headers(), CONTENT_LENGTH.as_str()))
            .ok_or_else(|| protocol("expected a size, found none"))?;
        let etag = |name| headers().find_map(|headers| text(headers, name));
        let etag = etag(LINKED_ETAG)
            .or_else(|| etag(ETAG.as_str()))
            .ok_or_else(|| protocol("expected an ETag header, found none"))?;
        let blob = blob_name(etag)
            .ok_or_else(|| protocol("expected an ETag header that can name a file"))?
            .to_owned();
        Ok(RemoteFile { name: name.to_owned(), blob, size, url })
    }

    /// Asks for a file from an offset on. The server may send all of it instead.
    pub(super) fn open(
        &self,
        repo: &RepoId,
        file: &RemoteFile,
        from: u64,
    ) -> Result<Rest, HubError> {
        let Reply { url, response, .. } = self.send(&Method::GET, &file.url, from)?;
        let (start, total) = match response.status().as_u16() {
            200 => (0, number(response.headers(), CONTENT_LENGTH.as_str())),
            206 => {
                let range = text(response.headers(), CONTENT_RANGE.as_str()).unwrap_or_default();
                let (start, total) = content_range(range)
                    .filter(|(start, _)| *start == from)
                    .ok_or_else(|| HubError::Protocol {
                        url: without_query(&url),
                        problem: format!("expected Content-Range from {from}, found {range:?}"),
                    })?;
                (start, Some(total))
            }
            _ => return Err(self.refusal(repo, &url, &response)),
        };
        Ok(Rest { start, total, content: Box::new(response.into_body().into_reader()) })
    }

    /// Sends a request and follows redirects. The token goes to the endpoint only.
    fn send(&self, method: &Method, url: &str, from: u64) -> Result<Reply, HubError> {
        let mut url = url.to_owned();
        let mut redirects = Vec::new();
        loop {
            let mut request = Request::builder().method(method).uri(&url);
            if from > 0 {
                request = request.header(RANGE, format!("bytes={from}-"));
            }
            if let Some(token) = &self.token
                && self.is_ours(&url)
            {
                request = request.header(AUTHORIZATION, format!("Bearer {}", token.as_str()));
            }
            let request = request.body(()).map_err(|error| self.failure(&url, error.into()))?;
            let response = self.agent.run(request).map_err(|error| self.failure(&url, error))?;
            let is_known = *method == Method::HEAD && response.headers().contains_key(LINKED_SIZE);
            let target = text(response.headers(), LOCATION.as_str());
            match target {
                Some(target) if response.status().is_redirection() && !is_known => {
                    let next = join(&url, target);
                    redirects.push(response.headers().clone());
                    if redirects.len() > MAX_REDIRECTS {
                        let problem = format!("more than {MAX_REDIRECTS} redirects");
                        return Err(HubError::Protocol { url: without_query(&url), problem });
                    }
                    url = next;
                }
                _ => return Ok(Reply { url, response, redirects }),
            }
        }
    }

    fn is_ours(&self, url: &str) -> bool {
        Origin::of(url).as_ref() == Some(&self.origin)
    }

    /// A request without a response.
    fn failure(&self, url: &str, error: ureq::Error) -> HubError {
        use ureq::Error as E;
        match error {
            E::BadUri(_)
            | E::Http(_)
            | E::Protocol(_)
            | E::RequireHttpsOnly(_)
            | E::LargeResponseHeader(..)
            | E::BodyExceedsLimit(_)
            | E::TooManyRedirects => {
                HubError::Protocol { url: without_query(url), problem: error.to_string() }
            }
            error => {
                let endpoint = Origin::of(url).map_or(self.endpoint.clone(), |it| it.to_string());
                HubError::NoNetwork { endpoint, source: error.into_io() }
            }
        }
    }

    /// A response that says no.
    fn refusal(&self, repo: &RepoId, url: &str, response: &Response<Body>) -> HubError {
        let (repo, endpoint) = (repo.clone(), self.endpoint.clone());
        match response.status().as_u16() {
            status @ (401 | 403) if self.is_ours(url) && self.token.is_some() => {
                HubError::TokenRefused { repo, endpoint, status }
            }
            status @ (401 | 403) if self.is_ours(url) => {
                HubError::TokenNeeded { repo, endpoint, status }
            }
            status => HubError::Status { url: without_query(url), status },
        }
    }
}

fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}

fn number(headers: &HeaderMap, name: &str) -> Option<u64> {
    text(headers, name)?.trim().parse().ok()
}

/// Start and total of `bytes START-END/TOTAL`.
fn content_range(value: &str) -> Option<(u64, u64)> {
    let (range, total) = value.trim().strip_prefix("bytes ")?.split_once('/')?;
    let (start, _) = range.split_once('-')?;
    Some((start.trim().parse().ok()?, total.trim().parse().ok()?))
}
