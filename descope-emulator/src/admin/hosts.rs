//! To whom the emulator tells about itself. Its own endpoints need no credentials, so a page that a browser shows must not
//! be able to use them unless it is the emulator's own: neither a page of another origin, nor one whose name was led to
//! this computer (DNS rebinding).

use std::net::IpAddr;

use http::{HeaderMap, Method, StatusCode, header};
use url::{Host, Url};

use crate::error::{INVALID_ARGUMENTS, Refusal};

/// Endings that no public name has, so that nobody outside can lead such a name here.
const PRIVATE: [&str; 5] = [".localhost", ".internal", ".local", ".test", ".home.arpa"];
/// What a person opens in a browser in the course of a sign-in, under whatever name the application knows the emulator
/// by, and what tells nothing.
const OPEN: [&str; 6] = ["/provider", "/provider/keys", "/messenger", "/authorize", "/device", "/health"];

/// The names by which the emulator may be asked about itself, besides addresses and names that are always good.
#[derive(Clone, Debug, Default)]
pub(crate) struct Hosts {
    names: Vec<String>,
}

impl Hosts {
    pub(crate) fn new(names: impl IntoIterator<Item = String>) -> Self {
        Self { names: names.into_iter().map(|name| name.to_ascii_lowercase()).collect() }
    }

    fn take(&self, host: &Host<String>) -> bool {
        match host {
            // The name of a page that is led here is a name, and not an address.
            Host::Ipv4(_) | Host::Ipv6(_) => true,
            Host::Domain(name) => {
                let name = name.trim_end_matches('.');
                !name.contains('.')
                    || PRIVATE.iter().any(|ending| name.ends_with(ending))
                    || self.names.iter().any(|known| known == name)
            }
        }
    }

    /// Refuses what a page of somebody else's may have asked. `path` is the part behind `/_emulator`.
    pub(crate) fn check(&self, method: &Method, path: &str, headers: &HeaderMap) -> Result<(), Refusal> {
        let reading = [Method::GET, Method::HEAD].contains(method);
        if reading && OPEN.contains(&path.trim_end_matches('/')) {
            return Ok(());
        }
        let forbidden = |message: String| Err(Refusal::new(&INVALID_ARGUMENTS, message).status(StatusCode::FORBIDDEN));
        if headers.get_all(header::HOST).iter().any(|host| {
            let host = host.to_str().ok().and_then(host_of);
            !host.is_some_and(|host| self.take(&host))
        }) {
            let host = headers.get(header::HOST).map(|host| String::from_utf8_lossy(host.as_bytes()));
            let host = host.unwrap_or_default();
            return forbidden(format!(
                "The emulator tells nothing about itself to who calls it {host:?}: ask by an address or localhost, or start \
                 it with --allow-host"
            ));
        }
        // Other pages cannot read the answer, for lack of CORS; they must not be able to change anything either.
        if !reading && !is_own_page(headers) {
            return forbidden("The emulator's own endpoints are not for pages of other origins".to_owned());
        }
        Ok(())
    }

    /// Whether somebody asks at this computer, by the loopback, without anybody in between.
    pub(crate) fn is_at_home(peer: Option<IpAddr>, headers: &HeaderMap) -> bool {
        let between = [header::FORWARDED.as_str(), "x-forwarded-for", "x-real-ip", header::VIA.as_str()];
        let host = headers.get(header::HOST).and_then(|host| host.to_str().ok()).and_then(host_of);
        let by_loopback = host.is_some_and(|host| match host {
            Host::Ipv4(ip) => ip.is_loopback(),
            Host::Ipv6(ip) => ip.is_loopback(),
            Host::Domain(name) => name == "localhost" || name.ends_with(".localhost"),
        });
        by_loopback
            && peer.is_some_and(|peer| peer.to_canonical().is_loopback())
            && !between.into_iter().any(|name| headers.contains_key(name))
    }
}

/// The host in a `Host` header, in lower case and without the port.
fn host_of(text: &str) -> Option<Host<String>> {
    let url = Url::parse(&format!("http://{text}/")).ok()?;
    let bare = url.path() == "/" && url.username().is_empty() && url.password().is_none();
    let bare = bare && url.query().is_none() && url.fragment().is_none();
    url.host().filter(|_| bare).map(|host| host.to_owned())
}

/// Whether it comes from the emulator's own page, or from no page at all.
fn is_own_page(headers: &HeaderMap) -> bool {
    let text = |name: &str| headers.get(name).map(|value| value.to_str().unwrap_or("?"));
    let host = text("host").unwrap_or_default();
    let same = |origin: &str| {
        let of = |url: &str| Url::parse(url).map(|url| url.origin()).ok().filter(url::Origin::is_tuple);
        of(origin).is_some_and(|origin| Some(origin) == of(&format!("http://{host}/")))
    };
    text("origin").is_none_or(same) && text("sec-fetch-site").is_none_or(|site| ["same-origin", "none"].contains(&site))
}

#[cfg(test)]
mod tests {
    use http::{HeaderName, HeaderValue};

    use super::*;

    fn headers(given: &[(&'static str, &str)]) -> HeaderMap {
        let pair = |(name, value): &(&'static str, &str)| {
            (HeaderName::from_static(name), HeaderValue::from_str(value).expect("a value"))
        };
        given.iter().map(pair).collect()
    }

    #[test]
    fn names_that_others_can_lead_here_are_refused() {
        let hosts = Hosts::new(["Emulator.Example.com".to_owned()]);
        let takes = |host: &str| hosts.check(&Method::GET, "/inbox", &headers(&[("host", host)])).is_ok();
        for good in [
            "127.0.0.1:8080",
            "[::1]:8080",
            "10.1.2.3",
            "localhost",
            "LOCALHOST:8080",
            "app.localhost",
            "emulator:8080",
            "host.docker.internal:8080",
            "emulator.ns.svc.cluster.local",
            "emulator.example.com:1",
            "localhost.:80",
        ] {
            assert!(takes(good), "{good}");
        }
        for bad in [
            "evil.example",
            "evil.example:8080",
            "localhost.evil.example",
            "127.0.0.1.evil.example",
            "evil.example.",
            "x@evil.example",
            "localhost/evil.example",
            "evil.example?localhost",
            "",
            "a b",
            "\u{e9}.example",
        ] {
            assert!(!takes(bad), "{bad}");
        }
        let both = headers(&[("host", "localhost"), ("host", "evil.example")]);
        let mut twice = HeaderMap::new();
        for host in ["localhost", "evil.example"] {
            twice.append(header::HOST, HeaderValue::from_static(host));
        }
        assert!(hosts.check(&Method::GET, "/inbox", &both).is_err());
        assert!(hosts.check(&Method::GET, "/inbox", &twice).is_err());
        assert!(hosts.check(&Method::GET, "/authorize", &headers(&[("host", "evil.example")])).is_ok());
        assert!(hosts.check(&Method::POST, "/device", &headers(&[("host", "evil.example")])).is_err());
        assert!(hosts.check(&Method::GET, "/inbox", &HeaderMap::new()).is_ok(), "no browser");
    }

    #[test]
    fn pages_of_other_origins_change_nothing() {
        let hosts = Hosts::default();
        let asks = |given: &[(&'static str, &str)]| {
            let mut all = vec![("host", "localhost:8080")];
            all.extend_from_slice(given);
            hosts.check(&Method::POST, "/reset", &headers(&all)).is_ok()
        };
        assert!(asks(&[]));
        assert!(asks(&[("origin", "http://localhost:8080"), ("sec-fetch-site", "same-origin")]));
        for bad in [
            ("origin", "http://localhost:3000"),
            ("origin", "https://localhost:8080"),
            ("origin", "null"),
            ("origin", "http://evil.example"),
            ("origin", ""),
            ("sec-fetch-site", "cross-site"),
            ("sec-fetch-site", "same-site"),
        ] {
            assert!(!asks(&[bad]), "{bad:?}");
        }
    }

    #[test]
    fn home_is_the_loopback_without_anybody_in_between() {
        let at = |peer: &str, given: &[(&'static str, &str)]| Hosts::is_at_home(peer.parse().ok(), &headers(given));
        assert!(at("127.0.0.1", &[("host", "localhost:8080")]));
        assert!(at("::ffff:127.0.0.1", &[("host", "127.0.0.1:8080")]) && at("::1", &[("host", "[::1]:8080")]));
        assert!(!at("172.17.0.1", &[("host", "localhost:8080")]));
        assert!(!at("127.0.0.1", &[("host", "10.0.0.1")]) && !at("127.0.0.1", &[("host", "emulator")]));
        assert!(!at("127.0.0.1", &[("host", "localhost"), ("x-forwarded-for", "10.0.0.1")]));
        assert!(!at("127.0.0.1", &[]) && !at("", &[("host", "localhost")]));
    }
}
