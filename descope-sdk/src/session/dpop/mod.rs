//! Proofs of possession (DPoP, RFC 9449): that a token is used by the holder of the key it was issued to.

pub(super) mod error;
pub(super) mod replay;

use std::{
    borrow::Cow,
    fmt,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use aws_lc_rs::digest::{SHA256, digest};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use http::{HeaderMap, header};
use serde_json::{Map, Value};
use url::Url;

use self::{
    error::DpopError,
    replay::{Burned, ProofId, ReplayStore},
};
use super::{
    keys::jwk::PublicKey,
    token::{
        algorithm::{Algorithm, Scheme},
        error::TokenError,
        jws::{Parts, read_payload},
        times::{Round, seconds},
    },
    validator::clock::millis,
};

/// The longest proof that is looked at, in bytes. One with an RSA key of 4096 bits is some 2,000 bytes long.
pub const MAX_PROOF_BYTES: usize = 8192;

/// A proof of this age is refused.
const MAX_AGE_MS: i64 = 60_000;

/// A proof that lies this far ahead is refused.
const MAX_AHEAD_MS: i64 = 5_000;

/// The longest `jti`, in characters.
const MAX_JTI: usize = 128;

/// How long a used proof is remembered. It outlasts the time in which one is accepted.
pub(crate) const PROOFS_KEPT: Duration = Duration::from_secs(120);

/// Members of a JWK that only private and symmetric keys have (RFC 7518, section 6).
const PRIVATE: [&str; 8] = ["d", "k", "p", "q", "dp", "dq", "qi", "oth"];

/// The scheme of an `Authorization` header that brings a token.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum AuthScheme {
    /// `Bearer`, and everything that is not an `Authorization` header, such as a cookie.
    #[default]
    Bearer,
    /// `DPoP`: the token is bound to a key, and a proof comes with it.
    Dpop,
}

impl AuthScheme {
    /// Takes the value of an `Authorization` header apart into scheme and token; `None` for another scheme, or without a
    /// token. Schemes are case-insensitive.
    ///
    /// ```
    /// use descope_sdk::session::AuthScheme;
    ///
    /// assert_eq!(AuthScheme::split("bearer eyJ0.e30.c2ln"), Some((AuthScheme::Bearer, "eyJ0.e30.c2ln")));
    /// assert_eq!(AuthScheme::split("Basic YWRhOjE="), None);
    /// ```
    pub fn split(authorization: &str) -> Option<(Self, &str)> {
        let (scheme, token) = authorization.trim_matches([' ', '\t']).split_once(' ')?;
        let token = token.trim_start_matches(' ');
        let scheme = if scheme.eq_ignore_ascii_case("bearer") {
            Self::Bearer
        } else if scheme.eq_ignore_ascii_case("dpop") {
            Self::Dpop
        } else {
            return None;
        };
        (!token.is_empty()).then_some((scheme, token))
    }
}

/// What a proof of possession is checked against: the request that it came with.
///
/// ```no_run
/// use descope_sdk::session::{AuthScheme, DpopRequest, Session, SessionValidator, TokenError};
///
/// async fn who(validator: &SessionValidator, authorization: &str, dpop: &str) -> Result<Option<Session>, TokenError> {
///     let Some((scheme, token)) = AuthScheme::split(authorization) else { return Ok(None) };
///     let request = DpopRequest::new("POST", "https://api.example.com/orders").scheme(scheme).proof(dpop);
///     validator.validate_session_with_proof(token, &request).await.map(Some)
/// }
/// ```
#[derive(Clone)]
#[must_use = "a request is only described until it is given to a validator"]
pub struct DpopRequest<'r> {
    method: &'r str,
    url: Cow<'r, str>,
    scheme: AuthScheme,
    proof: Proof<'r>,
    forwarded_proto: Option<&'r str>,
    forwarded_host: Option<&'r str>,
}

/// The `DPoP` headers of a request.
#[derive(Clone, Copy)]
enum Proof<'r> {
    None,
    One(&'r str),
    /// One that is not text.
    Unreadable,
    Several,
}

impl<'r> DpopRequest<'r> {
    /// Describes a request without a proof; for unbound tokens that is enough.
    ///
    /// - `method`: the HTTP method, as `POST`, in the case in which it was sent.
    /// - `url`: the absolute URL by which the **client** knows the endpoint, as `https://api.example.com/orders`. Query
    ///   and fragment play no part. Take the host from your configuration where you can: the `Host` header is the
    ///   sender's word.
    pub fn new(method: &'r str, url: impl Into<Cow<'r, str>>) -> Self {
        Self {
            method,
            url: url.into(),
            scheme: AuthScheme::Bearer,
            proof: Proof::None,
            forwarded_proto: None,
            forwarded_host: None,
        }
    }

    /// Describes a request by its headers: every `DPoP` header, and the scheme of `Authorization`.
    ///
    /// - `method`, `url`: as for [`new`](Self::new).
    pub fn from_headers(method: &'r str, url: impl Into<Cow<'r, str>>, headers: &'r HeaderMap) -> Self {
        let scheme = headers
            .get_all(header::AUTHORIZATION)
            .iter()
            .filter_map(|value| AuthScheme::split(value.to_str().ok()?))
            .map(|(scheme, _)| scheme)
            .find(|scheme| *scheme == AuthScheme::Dpop)
            .unwrap_or_default();
        headers.get_all("dpop").iter().fold(Self::new(method, url).scheme(scheme), |request, value| {
            match value.to_str() {
                Ok(proof) => request.proof(proof),
                Err(_) => request.add(Proof::Unreadable),
            }
        })
    }

    /// Adds the value of a `DPoP` header. Call it once for each that the request has; more than one is refused.
    pub fn proof(self, proof: &'r str) -> Self {
        self.add(Proof::One(proof))
    }

    fn add(mut self, proof: Proof<'r>) -> Self {
        self.proof = if matches!(self.proof, Proof::None) { proof } else { Proof::Several };
        self
    }

    /// The scheme under which the token came; [`Bearer`](AuthScheme::Bearer) unless set. A bound token needs a proof
    /// under either, and an unbound one is refused under [`Dpop`](AuthScheme::Dpop).
    pub fn scheme(mut self, scheme: AuthScheme) -> Self {
        self.scheme = scheme;
        self
    }

    /// Puts what a reverse proxy says in the place of the URL's scheme and host.
    ///
    /// Only for servers that are reached through a proxy **that overwrites these headers**: everybody else can write
    /// them too, and so make a proof for another server pass.
    ///
    /// - `proto`: the value of `X-Forwarded-Proto`. The first one of a list counts.
    /// - `host`: the value of `X-Forwarded-Host`, likewise, with the port where it is not the scheme's own.
    pub fn forwarded(mut self, proto: Option<&'r str>, host: Option<&'r str>) -> Self {
        self.forwarded_proto = proto;
        self.forwarded_host = host;
        self
    }

    /// The URL that `htu` has to be.
    fn target(&self) -> Option<Target> {
        let first = |list: &'r str| list.split(',').next().map(str::trim).filter(|value| !value.is_empty());
        let target = Target::parse(&self.url)?;
        let (proto, host) = (self.forwarded_proto.and_then(first), self.forwarded_host.and_then(first));
        if proto.is_none() && host.is_none() {
            return Some(target);
        }
        let proto = proto.unwrap_or(target.0.scheme());
        if !proto.bytes().all(|byte| byte.is_ascii_alphabetic()) {
            return None;
        }
        let host = match host {
            // Nothing that could reach into the path.
            Some(host) if host.contains(['/', '\\', '?', '#', '@']) => return None,
            Some(host) => host.to_owned(),
            None => target.authority(),
        };
        Target::parse(&format!("{proto}://{host}{}", target.0.path()))
    }
}

/// Leaves out what is worth something to a thief: the proof, and the URL, whose query may hold a secret.
impl fmt::Debug for DpopRequest<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DpopRequest")
            .field("method", &self.method)
            .field("scheme", &self.scheme)
            .field("proof", &!matches!(self.proof, Proof::None))
            .finish_non_exhaustive()
    }
}

/// An absolute URL, of which scheme, host, port and path count.
struct Target(Url);

impl Target {
    /// Scheme and host come out in lower case, default ports and dot segments are dropped, and an empty path is `/`, as
    /// RFC 3986, section 6.2, has it.
    fn parse(text: &str) -> Option<Self> {
        // The URL standard forgives all of these; a proof has no need to be forgiven.
        let (_, rest) = text.split_once("://")?;
        if rest.starts_with('/') || text.chars().any(|c| c.is_control() || c == ' ' || c == '\\') {
            return None;
        }
        let url = Url::parse(text).ok()?;
        let plain = matches!(url.scheme(), "http" | "https") && url.username().is_empty() && url.password().is_none();
        (plain && url.has_host()).then_some(Self(url))
    }

    fn authority(&self) -> String {
        let host = self.0.host_str().unwrap_or_default();
        self.0.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))
    }

    fn same_as(&self, other: &Self) -> bool {
        let (a, b) = (&self.0, &other.0);
        a.scheme() == b.scheme() && a.host() == b.host() && a.port() == b.port() && a.path() == b.path()
    }
}

/// To what a token is bound.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Binding {
    /// To nothing: whoever has it may use it.
    None,
    /// To the key with this thumbprint.
    Key(Box<str>),
    /// To something that is not known here. Such a token is not to be taken for a free one.
    Other,
}

impl Binding {
    /// Reads `cnf`. `jkt` is the only sort that Descope issues.
    pub(crate) fn of(claims: &Map<String, Value>) -> Self {
        match claims.get("cnf") {
            None | Some(Value::Null) => Self::None,
            Some(Value::Object(confirmation)) if confirmation.is_empty() => Self::None,
            Some(Value::Object(confirmation)) => match confirmation.get("jkt") {
                // Beside another method the proof would be half of what is asked for.
                Some(Value::String(thumbprint)) if confirmation.len() == 1 => Self::Key(thumbprint.as_str().into()),
                _ => Self::Other,
            },
            Some(_) => Self::Other,
        }
    }
}

/// Checks a request against what its token is bound to, and burns the proof.
pub(crate) async fn check(
    binding: &Binding,
    token: &str,
    request: &DpopRequest<'_>,
    now: SystemTime,
    store: &dyn ReplayStore,
) -> Result<(), DpopError> {
    let thumbprint = match binding {
        Binding::None if request.scheme == AuthScheme::Dpop => return Err(DpopError::NotBound),
        Binding::None => return Ok(()),
        Binding::Key(thumbprint) => thumbprint,
        Binding::Other => return Err(DpopError::UnsupportedBinding),
    };
    // Last of all, so that a proof that fails by something else can be sent again when that is put right.
    let proof = verify(thumbprint, token, request, now.duration_since(UNIX_EPOCH).map_or(0, millis))?;
    match store.burn(proof, now, PROOFS_KEPT).await {
        Ok(Burned::Now) => Ok(()),
        Ok(Burned::Before) => Err(DpopError::Replayed),
        Ok(Burned::NoRoom) => Err(DpopError::ReplayStoreFull),
        Ok(Burned::HolderLimit) => Err(DpopError::TooManyProofs),
        Err(error) => Err(DpopError::ReplayStoreUnavailable(error.into())),
    }
}

/// Everything but whether the proof was used before.
fn verify(thumbprint: &str, token: &str, request: &DpopRequest<'_>, now_ms: i64) -> Result<ProofId, DpopError> {
    let proof = match request.proof {
        Proof::One(proof) => proof.trim(),
        Proof::None => "",
        Proof::Unreadable => return Err(DpopError::Malformed("it is not text")),
        Proof::Several => return Err(DpopError::SeveralProofs),
    };
    if proof.is_empty() {
        return Err(DpopError::MissingProof);
    }
    let parts = Parts::split(proof, MAX_PROOF_BYTES).map_err(framing)?;
    let header = parts.read_header().map_err(framing)?;
    if header.get("typ").and_then(Value::as_str) != Some("dpop+jwt") {
        return Err(DpopError::WrongType);
    }
    let algorithm = header.get("alg").and_then(Value::as_str).and_then(scheme);
    let algorithm = algorithm.ok_or(DpopError::UnsupportedAlgorithm)?;
    let decoded = parts.decode().map_err(framing)?;

    // The key is the sender's own choice, so its name goes first: only for the right one is anything computed.
    let key = public_key(algorithm, &header).ok_or(DpopError::UnusableKey)?;
    if key.thumbprint() != thumbprint {
        return Err(DpopError::WrongKey);
    }
    let verifier = key.verifier(algorithm).ok_or(DpopError::UnusableKey)?;
    verifier.verify_sig(parts.signing_input, decoded.signature()).map_err(|_| DpopError::BadSignature)?;

    let claims = read_payload(decoded.payload()).map_err(framing)?;
    let jti = text(&claims, "jti")?;
    if jti.is_empty() || jti.chars().nth(MAX_JTI).is_some() {
        return Err(DpopError::InvalidClaim("jti"));
    }
    if text(&claims, "htm")? != request.method {
        return Err(DpopError::WrongMethod);
    }
    let target = request.target().ok_or(DpopError::RequestUrl)?;
    let claimed = Target::parse(text(&claims, "htu")?).ok_or(DpopError::InvalidClaim("htu"))?;
    if !claimed.same_as(&target) {
        return Err(DpopError::WrongUrl);
    }
    check_age(&claims, now_ms)?;
    if text(&claims, "ath")? != URL_SAFE_NO_PAD.encode(digest(&SHA256, token.as_bytes())) {
        return Err(DpopError::WrongToken);
    }
    Ok(ProofId::new(thumbprint, jti))
}

/// What verifies a proof: the algorithms of tokens, and ES512, which Descope's own keys do not use.
fn scheme(name: &str) -> Option<Scheme> {
    if name == "ES512" { Some(Scheme::ES512) } else { Algorithm::from_name(name).map(Algorithm::scheme) }
}

fn public_key(algorithm: Scheme, header: &Map<String, Value>) -> Option<PublicKey> {
    let jwk = header.get("jwk")?.as_object()?;
    if PRIVATE.iter().any(|name| jwk.contains_key(*name)) { None } else { PublicKey::read(algorithm, jwk) }
}

/// Fractions of a second are rounded to the proof's disadvantage.
fn check_age(claims: &Map<String, Value>, now_ms: i64) -> Result<(), DpopError> {
    let issued = |round| {
        let issued = seconds(claims, "iat", round).ok().flatten();
        issued.map(|issued| issued * 1000).ok_or(DpopError::InvalidClaim("iat"))
    };
    if now_ms.saturating_sub(issued(Round::Down)?) >= MAX_AGE_MS {
        Err(DpopError::TooOld)
    } else if issued(Round::Up)?.saturating_sub(now_ms) >= MAX_AHEAD_MS {
        Err(DpopError::IssuedInFuture)
    } else {
        Ok(())
    }
}

fn text<'c>(claims: &'c Map<String, Value>, name: &'static str) -> Result<&'c str, DpopError> {
    claims.get(name).and_then(Value::as_str).ok_or(DpopError::InvalidClaim(name))
}

/// The complaints of the JWS reader, said of a proof.
#[allow(clippy::needless_pass_by_value)] // as `map_err` hands it over
fn framing(error: TokenError) -> DpopError {
    match error {
        TokenError::TooLarge { limit } => DpopError::TooLarge { limit },
        TokenError::Malformed(complaint) => DpopError::Malformed(complaint),
        TokenError::CriticalHeader => DpopError::Malformed("it demands a critical header extension"),
        TokenError::DuplicateMember => DpopError::Malformed("it names a member twice"),
        _ => DpopError::Malformed("it cannot be read"),
    }
}
