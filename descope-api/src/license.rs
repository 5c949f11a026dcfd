//! The licence of the project. The service allows more requests to clients that name it.

use std::{
    pin::pin,
    sync::{
        Arc, OnceLock,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use http::{HeaderMap, HeaderName, HeaderValue, header};
use http_body_util::{BodyExt as _, Limited};
use reqwest::{Request, Response};
use tokio::runtime::Handle;
use tracing::Instrument as _;

use crate::{
    Config, Error, ErrorKind, Propagator, Secret, operation,
    seam::{PROJECT, header_value},
    span,
};

/// How long the service may take to name the licence.
const TIMEOUT: Duration = Duration::from_secs(5);

/// The longest answer that is read.
const MAX_BYTES: usize = 4096;

const PATH: &str = "/v1/mgmt/license";

/// The operation, which is not in the table of every slice.
const FUNCTION: &str = "management_license_load";

const HEADER: HeaderName = HeaderName::from_static("x-descope-license");

/// What is known of the licence. Clones share it.
#[derive(Clone, Debug, Default)]
pub(crate) struct License(Arc<State>);

#[derive(Debug, Default)]
struct State {
    /// Asked once, whatever comes of it: nothing fails without the licence.
    asked: AtomicBool,
    tier: OnceLock<HeaderValue>,
}

impl License {
    /// Adds the licence to a management call, and has it read in the background if that has not happened yet.
    pub(crate) fn name(&self, http: &reqwest::Client, config: &Config, key: Option<&Secret>, headers: &mut HeaderMap) {
        if let Some(tier) = self.0.tier.get() {
            headers.insert(HEADER, tier.clone());
            return;
        }
        let (Some(key), Ok(runtime)) = (key, Handle::try_current()) else { return };
        if self.0.asked.swap(true, Ordering::Relaxed) {
            return;
        }
        let Some(request) = request(http, config, key) else { return };
        let (state, http, propagator) = (Arc::clone(&self.0), http.clone(), config.propagator.clone());
        runtime.spawn(async move {
            if let Some(tier) = tier(sent(&http, request, propagator).await).await {
                let _ = state.tier.set(tier);
            } else {
                tracing::debug!(target: "descope", "the licence is not known; the lowest rate limit applies");
            }
        });
    }
}

fn request(http: &reqwest::Client, config: &Config, key: &Secret) -> Option<Request> {
    let mut bearer = header_value("key", format!("Bearer {}:{}", config.project_id, key.expose())).ok()?;
    bearer.set_sensitive(true);
    let url = format!("{}{PATH}", config.base_url.trim_end_matches('/'));
    let request = http.get(url).timeout(TIMEOUT).headers(config.headers.clone());
    let request = request.header(PROJECT, &config.project_id);
    request.header(header::AUTHORIZATION, bearer).build().ok()
}

/// The answer, if it is a success. The request is sent inside spans as every operation has them. They are in no other:
/// whichever call came first has nothing to do with it.
async fn sent(http: &reqwest::Client, request: Request, propagator: Option<Propagator>) -> Option<Response> {
    let Some(known) = operation(FUNCTION) else {
        return http.execute(request).await.ok().filter(|response| response.status().is_success());
    };
    let span = span::of_operation(known, Some(request.url()));
    let call = async {
        let result = span::attempt(http, Box::new(request), known, 0, propagator.as_ref()).await;
        span::answered(&span, &result);
        let response = result.map_err(|error| Error::transport(known.function, error))?;
        match response.status() {
            status if status.is_success() => Ok(response),
            status => Err(Error::new(ErrorKind::Refused, known.function).answered(status, response.headers())),
        }
    };
    span::operated(&span, pin!(call.instrument(span.clone()))).await.ok()
}

async fn tier(response: Option<Response>) -> Option<HeaderValue> {
    let body = http::Response::<reqwest::Body>::from(response?).into_body();
    let body = Limited::new(body, MAX_BYTES).collect().await.ok()?.to_bytes();
    let answer: serde_json::Value = serde_json::from_slice(&body).ok()?;
    let tier = answer["rateLimitTier"].as_str()?;
    let plain = (1..=32).contains(&tier.len()) && tier.bytes().all(|byte| byte.is_ascii_alphanumeric());
    HeaderValue::from_str(tier).ok().filter(|_| plain)
}
