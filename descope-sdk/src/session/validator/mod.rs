//! The judge of tokens.

pub(super) mod cache;
pub(super) mod clock;
pub(super) mod verified;

use std::{
    fmt,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use arc_swap::ArcSwapOption;
use descope_api::Secret;
use tokio::time::Instant;

use self::{
    cache::{Cache, Group},
    clock::{Clock, millis},
    verified::{RefreshToken, Session, Verified},
};
use super::{
    dpop::{
        self, Binding, DpopRequest,
        replay::{MemoryReplayStore, ReplayStore},
    },
    keys::{
        key_set::KeySet,
        store::{KeyFetch, KeyStore, KeyStoreSettings, Source},
    },
    token::{
        audience::AudiencePolicy,
        claims::Claims,
        error::{ConfigError, TokenError},
        issuer,
        jws::{Header, Jws, MAX_TOKEN_BYTES, Parts, read_payload},
        kind::{self, KindNames, TokenKind},
        times::{Round, seconds},
    },
};
#[cfg(any(feature = "actix-web", feature = "tower"))]
use crate::session::SessionCookies;

/// How many verified tokens are remembered unless set otherwise. At 4 kB each, with what they say, that is a megabyte.
const DEFAULT_CACHE_CAPACITY: usize = 256;

/// How far a token that has just come from the service may lie ahead of this machine's clock, in milliseconds. It is
/// known to be new, so only the clocks can be wrong; a difference beyond this should be noticed.
const RECEIVED_AHEAD_MS: i64 = 5 * 60 * 1000;

/// A clock that is wrong is reported this often.
const SKEW_REPORTED_EVERY: Duration = Duration::from_secs(600);

/// Tells valid tokens of a project from all others, without asking the service about each.
///
/// Cheap to clone; clones share the keys and the memory of verified tokens. One per project and process is enough.
/// The [module documentation](super) says what is checked.
#[derive(Clone)]
pub struct SessionValidator {
    inner: Arc<Inner>,
    /// Beside the rest, because cookies of an application may add names.
    kinds: Arc<KindNames>,
}

struct Inner {
    project_id: Box<str>,
    keys: KeyStore,
    /// The header of the last good token, which the next one most likely has too.
    header: ArcSwapOption<Header>,
    leeway_ms: i64,
    audience: AudiencePolicy,
    clock: Clock,
    cache: Option<Cache>,
    replay: Arc<dyn ReplayStore>,
    /// When it was last reported that the clock is wrong.
    skew_reported: Mutex<Option<Instant>>,
}

impl SessionValidator {
    /// Starts a validator for the tokens of a project.
    ///
    /// # Examples
    /// A validator that never uses the network, because its key is part of the configuration:
    ///
    /// ```
    /// use std::time::Duration;
    /// use descope_sdk::session::{AudiencePolicy, SessionValidator};
    ///
    /// # let public_key = r#"{"kty":"EC","crv":"P-256","kid":"k1","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"}"#;
    /// let validator = SessionValidator::builder("P2aaaaaaaaaaaaaaaaaaaaaaaaaa")
    ///     .static_key(public_key)
    ///     .leeway(Duration::from_secs(10))
    ///     .audience(AudiencePolicy::any_of(["shop-backend"]))
    ///     .build()?;
    /// # Ok::<(), descope_sdk::session::ConfigError>(())
    /// ```
    pub fn builder(project_id: impl Into<String>) -> SessionValidatorBuilder {
        SessionValidatorBuilder {
            project_id: project_id.into(),
            fetch: None,
            static_key: None,
            settings: KeyStoreSettings::default(),
            leeway: Duration::from_secs(5),
            audience: AudiencePolicy::default(),
            kinds: KindNames::default(),
            clock: Clock::default(),
            cache_capacity: DEFAULT_CACHE_CAPACITY,
            replay: None,
        }
    }

    /// Validates a session token: whoever sent it is signed in.
    ///
    /// Makes no network request, save for the project's keys when they are not known yet or the token names a new one.
    ///
    /// # Errors
    /// [`TokenError`] says why the token is refused. [`TokenError::KeysUnavailable`] alone is not the sender's fault.
    pub async fn validate_session(&self, session_jwt: &str) -> Result<Session, TokenError> {
        self.validate(session_jwt, TokenKind::Session).await.and_then(refuse_bound).map(Session::new)
    }

    /// Validates a session token together with the request that it came with: where the token is bound to a key of its
    /// holder (`cnf.jkt`), the request has to bring a proof of possession (DPoP, RFC 9449), made with that key for this
    /// method, URL and token, less than 60 seconds ago, and used for the first time. Other tokens are validated as by
    /// [`validate_session`](Self::validate_session), so that one call serves both.
    ///
    /// - `session_jwt`: the token, without the `Bearer` or `DPoP` before it.
    /// - `request`: what the proof is checked against.
    ///
    /// # Errors
    /// As for [`validate_session`](Self::validate_session), and [`TokenError::InvalidProof`], in which
    /// [`DpopError`](super::DpopError) says what is wrong with the proof. A proof is used up only by a call that
    /// succeeds.
    pub async fn validate_session_with_proof(
        &self,
        session_jwt: &str,
        request: &DpopRequest<'_>,
    ) -> Result<Session, TokenError> {
        let verified = self.validate(session_jwt, TokenKind::Session).await?;
        let Inner { clock, replay, .. } = &*self.inner;
        dpop::check(&verified.binding, session_jwt, request, clock.now(), &**replay)
            .await
            .map_err(TokenError::InvalidProof)?;
        Ok(Session::new(verified))
    }

    /// Validates a refresh token. It is good for getting a new session token, and should open nothing by itself.
    ///
    /// Whether the user has been signed out meanwhile is known to the service alone, which says so at the refresh.
    ///
    /// # Errors
    /// As for [`validate_session`](Self::validate_session).
    pub async fn validate_refresh(&self, refresh_jwt: &str) -> Result<RefreshToken, TokenError> {
        self.validate(refresh_jwt, TokenKind::Refresh).await.and_then(refuse_bound).map(RefreshToken::new)
    }

    /// Validates a session token that the service has handed out a moment ago, as the answer to a refresh. It is not lost
    /// for what cannot be the token's fault: a key that was published after the keys were last read, which is fetched
    /// then, and a clock of this machine that is behind, which is reported. Later calls with this token, as long as it is
    /// remembered, do not refuse it for the clock either.
    pub(crate) async fn validate_received(&self, session_jwt: &str) -> Result<Session, TokenError> {
        let inner = &*self.inner;
        let group = inner.cache.as_ref().map(|cache| cache.group(session_jwt));
        let mut verified = inner.verify(session_jwt, Source::Service).await?;
        let now_ms = inner.clock.now_ms();
        let ahead_ms = verified.claims.times.ahead_ms(now_ms);
        verified.came_early = ahead_ms > inner.leeway_ms && ahead_ms <= RECEIVED_AHEAD_MS;
        self.judge(&verified, TokenKind::Session, now_ms)?;
        let verified = refuse_bound(Arc::new(verified))?;
        if verified.came_early {
            inner.report_skew(ahead_ms);
            if let Some(group) = group {
                group.insert(&verified, |old| old.claims.times.is_over(now_ms, inner.leeway_ms));
            }
        }
        Ok(Session::new(verified))
    }

    /// How long a token lives on by what it says itself. Nothing of it is checked, so it may shorten something and never
    /// prolong it.
    pub(crate) fn life_left(&self, token: &str) -> Option<Duration> {
        let decoded = Parts::split(token, MAX_TOKEN_BYTES).and_then(|parts| parts.decode()).ok()?;
        let claims = read_payload(decoded.payload()).ok()?;
        let expires_at = seconds(&claims, "exp", Round::Down).ok()??;
        let left = (expires_at * 1000).saturating_sub(self.inner.clock.now_ms());
        Some(Duration::from_millis(u64::try_from(left).unwrap_or_default()))
    }

    /// Reads the project's keys now if they are not known yet, so that the first user does not have to wait for them.
    ///
    /// # Errors
    /// [`TokenError::KeysUnavailable`]. The validator stays usable and tries again when a token comes.
    pub async fn preload_keys(&self) -> Result<(), TokenError> {
        self.inner.keys.preload().await
    }

    /// The project whose tokens are accepted.
    pub fn project_id(&self) -> &str {
        &self.inner.project_id
    }

    /// What the project's session and refresh tokens are called.
    pub(crate) fn kinds(&self) -> &KindNames {
        &self.kinds
    }

    /// The same validator for an application that keeps its tokens in these cookies: tokens are named after them.
    #[cfg(any(feature = "actix-web", feature = "tower"))]
    pub(crate) fn knowing(&self, cookies: &SessionCookies) -> Self {
        let mut kinds = (*self.kinds).clone();
        kinds.add_former(cookies.searched_session_names(), cookies.searched_refresh_names());
        Self { inner: Arc::clone(&self.inner), kinds: Arc::new(kinds) }
    }

    async fn validate(&self, token: &str, expected: TokenKind) -> Result<Arc<Verified>, TokenError> {
        let inner = &*self.inner;
        let group = inner.cache.as_ref().map(|cache| cache.group(token));
        if let Some(group) = &group
            && let Some(verified) = group.get(token)
            && inner.still_holds(&verified).await?
        {
            let judged = self.judge(&verified, expected, inner.clock.now_ms());
            if matches!(judged, Err(TokenError::Expired)) {
                group.remove(token);
            }
            return judged.map(|()| verified);
        }
        let verified = Arc::new(inner.verify(token, Source::Request).await?);
        let now_ms = inner.clock.now_ms();
        self.judge(&verified, expected, now_ms)?;
        if let Some(group) = group.filter(Group::comes_again) {
            group.insert(&verified, |old| old.claims.times.is_over(now_ms, inner.leeway_ms));
        }
        Ok(verified)
    }

    /// What depends on the moment and on the call. The kind goes first: to somebody who sent the wrong token it is of no
    /// use to hear that it has expired.
    fn judge(&self, verified: &Verified, expected: TokenKind, now_ms: i64) -> Result<(), TokenError> {
        self.kinds.expect(expected, verified.drn.as_deref())?;
        // A refresh token goes back to the service and nowhere else, and usually names no audience; the session token
        // that it gets is checked.
        if expected == TokenKind::Session && !verified.audience {
            return Err(TokenError::AudienceRejected);
        }
        let leeway_ms = self.inner.leeway_ms;
        let ahead_ms = if verified.came_early { leeway_ms.max(RECEIVED_AHEAD_MS) } else { leeway_ms };
        verified.claims.times.check(now_ms, leeway_ms, ahead_ms)
    }
}

impl Inner {
    /// Whether a token from memory can be relied upon: a key must not grow old only because its tokens are remembered.
    async fn still_holds(&self, verified: &Verified) -> Result<bool, TokenError> {
        if !self.keys.is_young() {
            self.keys.confirm().await?;
        }
        Ok(!verified.key.is_withdrawn())
    }

    /// What is true of a token once and for all: who signed it, and for which project.
    async fn verify(&self, token: &str, source: Source) -> Result<Verified, TokenError> {
        let known = self.header.load_full();
        let jws = Jws::parse(token, known)?;
        let candidates = self.keys.find(jws.header.kid.as_deref(), jws.header.algorithm, source).await?;
        let key = candidates.verify(jws.signing_input, jws.signature())?;
        // From here on the text is the service's own.
        if !self.header.load().as_ref().is_some_and(|known| Arc::ptr_eq(known, &jws.header)) {
            self.header.store(Some(Arc::clone(&jws.header)));
        }
        let claims = Claims::read(jws.into_payload())?;
        issuer::check(&self.project_id, claims.others())?;
        let audience = self.audience.accepts(claims.others());
        let drn = kind::drn(claims.others())?.map(Box::from);
        let binding = Binding::of(claims.others());
        Ok(Verified { jwt: Secret::from(token), claims, drn, audience, key, came_early: false, binding })
    }

    /// Says in the log that this machine's clock is behind, now and then.
    fn report_skew(&self, ahead_ms: i64) {
        let now = Instant::now();
        let due = {
            let mut last = self.skew_reported.lock().unwrap_or_else(PoisonError::into_inner);
            let due = last.is_none_or(|last| now.duration_since(last) >= SKEW_REPORTED_EVERY);
            if due {
                *last = Some(now);
            }
            due
        };
        if due {
            let skew_seconds = (ahead_ms + 999) / 1000;
            tracing::warn!(
                target: "descope",
                skew_seconds,
                "this machine's clock is behind that of the service: set it, or allow for the difference with `leeway`"
            );
        }
    }
}

/// For calls that know of the token alone.
fn refuse_bound(verified: Arc<Verified>) -> Result<Arc<Verified>, TokenError> {
    if verified.binding == Binding::None { Ok(verified) } else { Err(TokenError::DpopBound) }
}

impl fmt::Debug for SessionValidator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { inner, kinds } = self;
        let Inner { project_id, keys, leeway_ms, audience, clock, cache, .. } = &**inner;
        f.debug_struct("SessionValidator")
            .field("project_id", project_id)
            .field("keys", keys)
            .field("leeway_ms", leeway_ms)
            .field("audience", audience)
            .field("kinds", kinds)
            .field("clock", clock)
            .field("cached", &cache.is_some())
            .finish_non_exhaustive()
    }
}

/// Settings of a [`SessionValidator`]; see there.
#[must_use = "a builder does nothing until it is built"]
pub struct SessionValidatorBuilder {
    project_id: String,
    fetch: Option<KeyFetch>,
    static_key: Option<Vec<u8>>,
    settings: KeyStoreSettings,
    leeway: Duration,
    audience: AudiencePolicy,
    kinds: KindNames,
    clock: Clock,
    cache_capacity: usize,
    replay: Option<Arc<dyn ReplayStore>>,
}

impl SessionValidatorBuilder {
    /// Where the project's keys come from: a function that reads the body of `GET /v2/keys/{projectId}`. The
    /// [client](crate) gives its own.
    pub fn fetch_keys(mut self, fetch: KeyFetch) -> Self {
        self.fetch = Some(fetch);
        self
    }

    /// A public key that is used instead of fetching any, as JSON: one JWK, an array of them, or a JWK set. Nothing is
    /// fetched then, and a rotation of the project's keys needs a new configuration.
    pub fn static_key(mut self, jwk: impl AsRef<[u8]>) -> Self {
        self.static_key = Some(jwk.as_ref().to_vec());
        self
    }

    /// By how much the clocks of the service and of this machine may differ. 5 s unless set; it lengthens the life of
    /// every token.
    pub fn leeway(mut self, leeway: Duration) -> Self {
        self.leeway = leeway;
        self
    }

    /// What is asked of the `aud` of session tokens. Nothing unless set. Refresh tokens are not asked: they only serve to
    /// get a session token, which is.
    pub fn audience(mut self, policy: AudiencePolicy) -> Self {
        self.audience = policy;
        self
    }

    /// The time of day, for tests and for machines whose clock is not to be trusted.
    pub fn clock(mut self, clock: Clock) -> Self {
        self.clock = clock;
        self
    }

    /// How many verified tokens are remembered, so that they cost no signature check any more: those that have come
    /// twice. About as many as there are users at work at the same time; 256 unless set, and 0 turns it off.
    pub fn cache_capacity(mut self, tokens: usize) -> Self {
        self.cache_capacity = tokens;
        self
    }

    /// The age at which the project's keys are read again, in the background, while the known ones go on serving. 10
    /// minutes unless set. The request that starts it is still judged by the known keys; how long a key that was withdrawn
    /// can be trusted is bounded by [`key_max_age`](Self::key_max_age).
    pub fn key_ttl(mut self, ttl: Duration) -> Self {
        self.settings.ttl = ttl;
        self
    }

    /// The age at which the project's keys are no longer trusted without asking: a request waits until they have been read
    /// again, for at most 5 seconds. 1 hour unless set, or the [`key_ttl`](Self::key_ttl) if that is longer; a longer
    /// `key_ttl` than this counts as this.
    ///
    /// While the endpoint fails, known keys go on serving up to the age of
    /// [`key_stale_if_error`](Self::key_stale_if_error), and only one request a minute waits to find out.
    pub fn key_max_age(mut self, age: Duration) -> Self {
        self.settings.max_age = Some(age);
        self
    }

    /// The age up to which known keys go on serving while the endpoint fails, counted from the last time that they were
    /// read. 24 hours unless set, or the [`key_max_age`](Self::key_max_age) if that is longer. Beyond it tokens are
    /// refused as [`TokenError::KeysUnavailable`] until the keys can be read.
    pub fn key_stale_if_error(mut self, age: Duration) -> Self {
        self.settings.stale_if_error = Some(age);
        self
    }

    /// The least time between two requests for keys that are caused by tokens with an unknown key id. 30 s unless set.
    pub fn key_cool_down(mut self, cool_down: Duration) -> Self {
        self.settings.cool_down = cool_down;
        self
    }

    /// The names of the project's session and refresh cookies if it has renamed them: they appear in the tokens' `drn`
    /// too, by which the two kinds are distinguished, and the client looks for tokens under them where the service answers
    /// with cookies. Tokens named `DS` and `DSR` stay what they are.
    ///
    /// ```
    /// use descope_sdk::Descope;
    ///
    /// // The cookies were called `DS` and `DSR` at first, and `sid` and `rid` until yesterday.
    /// let descope = Descope::builder("P2RmuXyZ0123456789abcdefghij")
    ///     .session_validator(|validator| {
    ///         validator
    ///             .token_names("session", "refresh")
    ///             .former_token_names("sid", "rid")
    ///             .former_token_names("DS", "DSR")
    ///     })
    ///     .build()?;
    /// # Ok::<_, descope_sdk::Error>(())
    /// ```
    pub fn token_names(mut self, session: impl Into<String>, refresh: impl Into<String>) -> Self {
        self.kinds.set_current(session.into(), refresh.into());
        self
    }

    /// Names that the project's cookies had before, so that whoever is signed in by then stays signed in: tokens of these
    /// names are accepted, too, and cookies of these names are read and cleared
    /// ([`Sessions::cookies`](super::Sessions::cookies)). Call it once for each former pair, the latest first. Until
    /// `DS` and `DSR` are given here, tokens of these names are accepted, and cookies of them are not looked for.
    pub fn former_token_names(mut self, session: impl Into<String>, refresh: impl Into<String>) -> Self {
        self.kinds.add_former([&session.into()], [&refresh.into()]);
        self
    }

    /// Where the proofs of possession are remembered that were used. A [`MemoryReplayStore`] unless set; processes that
    /// stand for each other need one in common.
    pub fn replay_store(mut self, store: impl ReplayStore + 'static) -> Self {
        self.replay = Some(Arc::new(store));
        self
    }

    /// Makes the validator. Nothing is fetched yet.
    ///
    /// # Errors
    /// [`ConfigError`]: a project id that cannot be one, no source of keys, a static key that is not usable, or names of
    /// tokens that could be taken for each other.
    pub fn build(self) -> Result<SessionValidator, ConfigError> {
        // An id with a slash, or none at all, would match the issuer of any project.
        let plain = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
        if self.project_id.is_empty() || !self.project_id.chars().all(plain) {
            return Err(ConfigError::ProjectId);
        }
        self.kinds.check()?;
        let keys = match (self.static_key, self.fetch) {
            (Some(jwk), _) => {
                let keys =
                    KeySet::parse_static(&jwk).map_err(|_| ConfigError::StaticKey("it is not a JWK or a JWK set"))?;
                if keys.len() == 0 {
                    return Err(ConfigError::StaticKey("its type, size or algorithm is not supported"));
                }
                KeyStore::fixed(keys)
            }
            (None, Some(fetch)) => KeyStore::fetching(fetch, self.settings),
            (None, None) => return Err(ConfigError::NoKeys),
        };
        let inner = Inner {
            project_id: self.project_id.into(),
            keys,
            header: ArcSwapOption::empty(),
            leeway_ms: millis(self.leeway),
            audience: self.audience,
            clock: self.clock,
            cache: Cache::new(self.cache_capacity),
            replay: self.replay.unwrap_or_else(|| Arc::new(MemoryReplayStore::default())),
            skew_reported: Mutex::default(),
        };
        Ok(SessionValidator { inner: Arc::new(inner), kinds: Arc::new(self.kinds) })
    }
}

impl fmt::Debug for SessionValidatorBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SessionValidatorBuilder").field("project_id", &self.project_id).finish_non_exhaustive()
    }
}
