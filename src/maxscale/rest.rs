//! MaxScale's REST API: questions and orders, each with an end.
//!
//! Resources and fields: MaxScale's documentation of its REST API, and the captured answers of 24.02.4.

use std::fs;
use std::io::ErrorKind;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::de::DeserializeOwned;
use thiserror::Error;
use ureq::config::Config;
use ureq::http::{StatusCode, Uri};
use ureq::tls::{Certificate, ClientCert, PemItem, PrivateKey, RootCerts, TlsConfig, parse_pem};
use ureq::unversioned::resolver::{DefaultResolver, ResolvedSocketAddrs, Resolver};
use ureq::unversioned::transport::{DefaultConnector, NextTimeout};

use super::account::Account;
use super::answers::{Many, MaxScale, Object, One};
use super::health::Seen;
use super::params::MaxScaleParams;
use super::settings::Settings;
use crate::ocf::{Deadline, Failure};

/// Answers grow with users and servers; more than this is none.
const LONGEST_ANSWER: u64 = 64 << 20;

/// What is the matter with an API that does not do what it is asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Cause {
    /// Nobody listens, or the connection broke.
    Unreachable(String),
    /// No answer in time.
    Late,
    /// It answers, and refuses the account.
    Denied(String),
    /// It answers something else than it should.
    Odd(String),
}

/// Why a question was not answered or an order not obeyed.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{}", self.sentence())]
pub struct RestError {
    /// The kind of trouble.
    pub cause: Cause,
    /// The address that was asked.
    pub address: String,
}

impl RestError {
    fn sentence(&self) -> String {
        let address = &self.address;
        match &self.cause {
            Cause::Unreachable(words) => format!("REST API at {address} does not answer: {words}"),
            Cause::Late => format!("REST API at {address} does not answer in time"),
            Cause::Denied(words) => format!(
                "REST API at {address} refuses the account: {words}; correct admin_credentials, or admin_user and \
                 admin_password"
            ),
            Cause::Odd(words) => format!("REST API at {address} answers oddly: {words}"),
        }
    }

    /// Whether MaxScale has proven that it lives, and keeps only us out.
    pub fn is_alive(&self) -> bool {
        matches!(self.cause, Cause::Denied(_))
    }

    /// The failure of an action that needs the API. An account that is refused may be put right without a cleanup: it does
    /// not ban the node.
    pub fn failure(&self) -> Failure {
        Failure::Retry(self.to_string())
    }
}

/// The API of one MaxScale.
#[derive(Debug)]
pub struct Rest {
    agent: ureq::Agent,
    address: String,
    /// The header, or why there is none.
    authorization: Result<String, String>,
    limit: Duration,
}

impl Rest {
    /// Prepares to ask; does not connect.
    ///
    /// # Errors
    /// When certificates are wanted and cannot be read.
    pub fn new(params: &MaxScaleParams, settings: &Settings) -> Result<Self, Failure> {
        let address = settings.admin.0.clone();
        let config = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .proxy(None)
            .max_redirects(0)
            .timeout_await_100(None);
        let config = match address.starts_with("https:") {
            true => config.tls_config(tls(params, settings)?),
            false => config,
        };
        Ok(Self {
            agent: ureq::Agent::with_parts(config.build(), DefaultConnector::new(), Here),
            address,
            authorization: authorization(params),
            limit: params.rest_timeout,
        })
    }

    /// Whether there is an account to ask with.
    ///
    /// # Errors
    /// What is wrong with the file of it.
    pub fn account(&self) -> Result<(), String> {
        self.authorization.clone().map(drop)
    }

    /// What MaxScale says of itself.
    ///
    /// # Errors
    /// When it does not answer.
    pub fn maxscale(&self) -> Result<MaxScale, RestError> {
        let one: One<MaxScale> = self.get("maxscale")?;
        Ok(one.data.attributes)
    }

    /// All objects of a kind: `servers`, `services`, `listeners`, `monitors`.
    ///
    /// # Errors
    /// As [`Rest::maxscale`].
    pub fn all<A: DeserializeOwned>(&self, kind: &str) -> Result<Vec<Object<A>>, RestError> {
        let many: Many<A> = self.get(kind)?;
        Ok(many.data)
    }

    /// Everything that takes part in routing.
    ///
    /// # Errors
    /// As [`Rest::maxscale`].
    pub fn look(&self) -> Result<Seen, RestError> {
        Ok(Seen {
            monitors: self.all("monitors")?,
            servers: self.all("servers")?,
            services: self.all("services")?,
            listeners: self.all("listeners")?,
        })
    }

    /// Makes MaxScale passive or active.
    ///
    /// # Errors
    /// When it does not obey.
    pub fn set_passive(&self, passive: bool) -> Result<(), RestError> {
        let body =
            format!(r#"{{"data":{{"attributes":{{"parameters":{{"passive":{passive}}}}}}}}}"#);
        let request = self.agent.patch(self.url("maxscale"));
        let request = self.authorized(request.header("Content-Type", "application/json"))?;
        let sent = self.limited(request).send(body);
        self.obeyed(sent)
    }

    /// Stops a listener: it takes no new clients, and keeps those that it has.
    ///
    /// # Errors
    /// As [`Rest::set_passive`].
    pub fn stop_listener(&self, name: &str) -> Result<(), RestError> {
        let path = format!("listeners/{}/stop", escaped(name));
        let request = self.authorized(self.agent.put(self.url(&path)))?;
        let sent = self.limited(request).send_empty();
        self.obeyed(sent)
    }

    fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T, RestError> {
        let request = self.authorized(self.agent.get(self.url(path)));
        // Without an account it is asked all the same: a refusal is a sign of life.
        let request = request.unwrap_or_else(|_| self.agent.get(self.url(path)));
        let answer = self.limited(request).call();
        let mut answer = answer.map_err(|error| self.failed(&error))?;
        self.refused(answer.status())?;
        let body = answer.body_mut().with_config().limit(LONGEST_ANSWER);
        let bytes = body.read_to_vec().map_err(|error| self.failed(&error))?;
        serde_json::from_slice(&bytes).map_err(|error| self.odd(format!("/v1/{path}: {error}")))
    }

    fn obeyed(
        &self,
        sent: Result<ureq::http::Response<ureq::Body>, ureq::Error>,
    ) -> Result<(), RestError> {
        let answer = sent.map_err(|error| self.failed(&error))?;
        self.refused(answer.status())
    }

    fn url(&self, path: &str) -> String {
        format!("{}/v1/{path}", self.address)
    }

    fn authorized<B>(
        &self,
        request: ureq::RequestBuilder<B>,
    ) -> Result<ureq::RequestBuilder<B>, RestError> {
        match &self.authorization {
            Ok(header) => Ok(request.header("Authorization", header)),
            Err(words) => Err(self.error(Cause::Denied(words.clone()))),
        }
    }

    /// Zero would mean no limit.
    fn limited<B>(&self, request: ureq::RequestBuilder<B>) -> ureq::RequestBuilder<B> {
        let limit = Deadline::bound(self.limit).max(Duration::from_millis(1));
        request.config().timeout_global(Some(limit)).build()
    }

    fn refused(&self, status: StatusCode) -> Result<(), RestError> {
        if status.is_success() {
            return Ok(());
        }
        Err(match (status, &self.authorization) {
            (StatusCode::UNAUTHORIZED, Err(words)) => self.error(Cause::Denied(words.clone())),
            (StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN, _) => {
                self.error(Cause::Denied(status.to_string()))
            }
            _ => self.odd(status.to_string()),
        })
    }

    fn failed(&self, error: &ureq::Error) -> RestError {
        let late = [ErrorKind::TimedOut, ErrorKind::WouldBlock];
        if let ureq::Error::Timeout(_) = error {
            return self.error(Cause::Late);
        }
        if let ureq::Error::Io(io) = error
            && late.contains(&io.kind())
        {
            return self.error(Cause::Late);
        }
        self.error(Cause::Unreachable(error.to_string()))
    }

    fn odd(&self, words: String) -> RestError {
        self.error(Cause::Odd(words))
    }

    fn error(&self, cause: Cause) -> RestError {
        let address = self.address.clone();
        RestError { cause, address }
    }
}

/// Looks names up in this very thread: a monitor starts no other. The C library gives up by itself.
#[derive(Debug)]
struct Here;

impl Resolver for Here {
    fn resolve(
        &self,
        uri: &Uri,
        config: &Config,
        timeout: NextTimeout,
    ) -> Result<ResolvedSocketAddrs, ureq::Error> {
        let after = ureq::unversioned::transport::time::Duration::NotHappening;
        let never = NextTimeout { after, ..timeout };
        DefaultResolver::default().resolve(uri, config, never)
    }
}

/// A name in the path of a URL: anything but letters, digits and a few signs as `%XX` (RFC 3986).
fn escaped(name: &str) -> String {
    let mut path = String::new();
    for byte in name.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => {
                path.push(char::from(byte));
            }
            _ => path += &format!("%{byte:02X}"),
        }
    }
    path
}

fn authorization(params: &MaxScaleParams) -> Result<String, String> {
    let file = params.admin_credentials.as_deref();
    let found = Account::find(
        file,
        params.admin_user.as_ref(),
        params.admin_password.as_ref(),
    )?;
    let account = found.unwrap_or_else(Account::of_a_new_installation);
    let pair = format!("{}:{}", account.user, account.password.reveal());
    Ok(format!("Basic {}", STANDARD.encode(pair)))
}

/// Whom to trust, and what to show; through the pure Rust provider, as a static program has no other.
fn tls(params: &MaxScaleParams, settings: &Settings) -> Result<TlsConfig, Failure> {
    let Some(ca) = &settings.admin_ca else {
        return Err(Failure::WrongHere(format!(
            "no CA to verify {} with: set the parameter admin_ca",
            settings.admin.0
        )));
    };
    let client = match (&params.admin_cert, &params.admin_key) {
        (Some(cert), Some(key)) => {
            let key = match pem(key)?.into_iter().find_map(private) {
                Some(key) => key,
                None => return Err(wrong(key, &"no private key in it")),
            };
            Some(ClientCert::new_with_certs(&certificates(cert)?, key))
        }
        (None, None) => None,
        (Some(_), None) | (None, Some(_)) => {
            let reason = "admin_cert and admin_key go together: set both, or none";
            return Err(Failure::WrongEverywhere(reason.to_owned()));
        }
    };
    let provider = Arc::new(rustls_graviola::default_provider());
    Ok(TlsConfig::builder()
        .root_certs(RootCerts::new_with_certs(&certificates(ca)?))
        .client_cert(client)
        .unversioned_rustls_crypto_provider(provider)
        .build())
}

fn private(item: PemItem<'static>) -> Option<PrivateKey<'static>> {
    if let PemItem::PrivateKey(key) = item {
        return Some(key);
    }
    None
}

fn certificates(file: &Path) -> Result<Vec<Certificate<'static>>, Failure> {
    let mut certificates = Vec::new();
    for item in pem(file)? {
        if let PemItem::Certificate(certificate) = item {
            certificates.push(certificate);
        }
    }
    match certificates.is_empty() {
        true => Err(wrong(file, &"no certificate in it")),
        false => Ok(certificates),
    }
}

fn pem(file: &Path) -> Result<Vec<PemItem<'static>>, Failure> {
    let text = fs::read(file).map_err(|error| wrong(file, &error))?;
    parse_pem(&text)
        .collect::<Result<_, _>>()
        .map_err(|error| wrong(file, &error))
}

fn wrong(file: &Path, what: &dyn std::fmt::Display) -> Failure {
    Failure::WrongHere(format!("{}: {what}", file.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_escaped_in_a_path() {
        assert_eq!(escaped("RW-Service_1.x"), "RW-Service_1.x");
        assert_eq!(escaped("a b/ö"), "a%20b%2F%C3%B6");
    }

    #[test]
    fn who_is_only_kept_out_has_seen_a_sign_of_life() {
        let error = |cause| RestError {
            cause,
            address: "http://h:1".to_owned(),
        };
        let denied = error(Cause::Denied("401 Unauthorized".to_owned()));
        assert!(denied.is_alive());
        for cause in [
            Cause::Late,
            Cause::Odd("x".to_owned()),
            Cause::Unreachable("y".to_owned()),
        ] {
            assert!(!error(cause).is_alive());
        }
    }
}
