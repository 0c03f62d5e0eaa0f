//! The addresses to which a client sends requests. A round document names one of them, the model's,
//! and the aggregator writes the document. So a client fetches a model only from where its own
//! configuration allows.

use std::net::IpAddr;

use reqwest::Url;

use crate::{ClientError, ModelSources};

/// Parses a URL. Refuses plain `http` to another machine, and every other scheme.
pub(crate) fn safe_url(text: &str) -> Result<Url, ClientError> {
    let url = Url::parse(text).map_err(|_| ClientError::Address)?;
    let is_here =
        host(&url) == "localhost" || host(&url).parse::<IpAddr>().is_ok_and(|address| address.is_loopback());
    if url.scheme() == "https" || url.scheme() == "http" && is_here {
        Ok(url)
    } else {
        Err(ClientError::Address)
    }
}

/// The URL of a model at `location`, which is a path at the aggregator's address `base` or a URL.
///
/// # Errors
/// [`ClientError::ModelLocation`] when it is neither at the aggregator nor at one of the allowed
/// hosts, or when it is on this machine and the aggregator is not.
pub(crate) fn model_url(base: &Url, location: &str, sources: &ModelSources) -> Result<Url, ClientError> {
    let refused = |rule| ClientError::ModelLocation { location: location.to_owned(), rule };
    let url = base.join(location).map_err(|_| refused("it must be a path or a URL"))?;
    if url.origin() == base.origin() {
        return Ok(url);
    }
    if is_this_machine(&url) && !is_this_machine(base) {
        return Err(refused("a model is fetched from this machine only if the aggregator is on it too"));
    }
    if url.scheme() == "https" && sources.hosts.iter().any(|allowed| is_at(&url, allowed)) {
        return Ok(url);
    }
    Err(refused(
        "it must be at the aggregator, or at an https host that the client's settings list \
         (`ClientConfig::models.hosts`); add the host there if you trust it",
    ))
}

/// Whether a URL is at `allowed`, which is `host` for the port of https, or `host:port`.
fn is_at(url: &Url, allowed: &str) -> bool {
    let host = url.host_str().unwrap_or_default();
    match url.port() {
        None => allowed.eq_ignore_ascii_case(host) || allowed.eq_ignore_ascii_case(&format!("{host}:443")),
        Some(port) => allowed.eq_ignore_ascii_case(&format!("{host}:{port}")),
    }
}

/// Whether a URL leads to the machine itself, by one of the names that every machine has.
fn is_this_machine(url: &Url) -> bool {
    let name = host(url).trim_end_matches('.');
    let is_own = |address: IpAddr| address.is_loopback() || address.is_unspecified();
    name == "localhost"
        || name.ends_with(".localhost")
        || name.parse::<IpAddr>().is_ok_and(|address| is_own(address.to_canonical()))
}

/// The host of a URL, an IPv6 address without its brackets.
fn host(url: &Url) -> &str {
    url.host_str().unwrap_or_default().trim_matches(['[', ']'])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_http_stays_on_this_machine() {
        for good in ["http://127.0.0.1:80", "http://localhost:1/", "http://[::1]:9", "https://example.org"] {
            assert!(safe_url(good).is_ok(), "{good}");
        }
        for bad in
            ["http://example.org", "http://10.0.0.1", "http://127.0.0.1.example.org", "ftp://localhost", "x"]
        {
            assert!(matches!(safe_url(bad), Err(ClientError::Address)), "{bad}");
        }
    }

    fn find(base: &str, location: &str, hosts: &[&str]) -> Result<String, ClientError> {
        let hosts = hosts.iter().map(|&host| host.to_owned()).collect();
        let sources = ModelSources { hosts, ..ModelSources::default() };
        model_url(&base.parse().unwrap(), location, &sources).map(String::from)
    }

    const BASE: &str = "https://aggregator.example";

    #[test]
    fn a_model_comes_from_the_aggregator_or_from_an_allowed_host() {
        let hosts = ["models.example", "other.example:8443"];
        for (location, expected) in [
            ("/v1/models/00", "https://aggregator.example/v1/models/00"),
            ("https://aggregator.example:443/model", "https://aggregator.example/model"),
            ("https://models.example/model", "https://models.example/model"),
            ("https://Models.Example:443/model", "https://models.example/model"),
            ("//models.example/model", "https://models.example/model"),
            ("https://other.example:8443/model", "https://other.example:8443/model"),
        ] {
            assert_eq!(find(BASE, location, &hosts).unwrap(), expected);
        }
        for location in [
            "https://evil.example/model",
            "//evil.example/model",
            "https://aggregator.example@evil.example/model",
            "https://aggregator.example.evil.example/model",
            "https://aggregator.example:8443/model",
            "http://aggregator.example/model",
            "http://models.example/model",
            "https://models.example:8443/model",
            "https://other.example/model",
            "https://sub.models.example/model",
            "https://10.0.0.7/model",
            "file:///etc/passwd",
            "data:,model",
            "https://",
        ] {
            let refused = find(BASE, location, &hosts);
            assert!(matches!(refused, Err(ClientError::ModelLocation { .. })), "{location}: {refused:?}");
        }
    }

    #[test]
    fn a_model_comes_from_this_machine_only_if_the_aggregator_is_on_it() {
        for host in [
            "localhost",
            "localhost.",
            "a.localhost",
            "127.0.0.1",
            "127.1",
            "0x7f000001",
            "127.9.9.9",
            "0.0.0.0",
            "[::1]",
            "[::]",
            "[::ffff:127.0.0.1]",
        ] {
            for scheme in ["https", "http"] {
                let location = format!("{scheme}://{host}/model");
                let allowed = Url::parse(&location).unwrap().host_str().unwrap().to_owned();
                let refused = find(BASE, &location, &[&allowed, host]);
                let Err(ClientError::ModelLocation { rule, .. }) = refused else { panic!("{location}") };
                assert!(rule.contains("this machine"), "{location}: {rule}");
            }
        }
        let local = "http://127.0.0.1:8080";
        assert_eq!(find(local, "/model", &[]).unwrap(), "http://127.0.0.1:8080/model");
        assert!(find(local, "http://127.0.0.1:9090/model", &["127.0.0.1:9090"]).is_err(), "another origin");
        assert!(find(local, "https://localhost:9090/model", &["localhost:9090"]).is_ok());
    }
}
