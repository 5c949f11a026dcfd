//! The licence of the project. The service allows more requests to clients that name it.

use std::{
    sync::{
        Arc, OnceLock,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use http::{HeaderMap, HeaderName, HeaderValue, header};
use http_body_util::{BodyExt as _, Limited};
use tokio::runtime::Handle;

use crate::{Config, Secret, seam::header_value};

/// How long the service may take to name the licence.
const TIMEOUT: Duration = Duration::from_secs(5);

/// The longest answer that is read.
const MAX_BYTES: usize = 4096;

const PATH: &str = "/v1/mgmt/license";

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
        let state = Arc::clone(&self.0);
        runtime.spawn(async move {
            if let Some(tier) = tier(request).await {
                let _ = state.tier.set(tier);
            } else {
                tracing::debug!(target: "descope", "the licence is not known; the lowest rate limit applies");
            }
        });
    }
}

fn request(http: &reqwest::Client, config: &Config, key: &Secret) -> Option<reqwest::RequestBuilder> {
    let mut bearer = header_value("key", &format!("Bearer {}:{}", config.project_id, key.expose())).ok()?;
    bearer.set_sensitive(true);
    let url = format!("{}{PATH}", config.base_url.trim_end_matches('/'));
    let request = http.get(url).timeout(TIMEOUT).headers(config.headers.clone());
    Some(request.header("x-descope-project-id", &config.project_id).header(header::AUTHORIZATION, bearer))
}

async fn tier(request: reqwest::RequestBuilder) -> Option<HeaderValue> {
    let response = request.send().await.ok().filter(|response| response.status().is_success())?;
    let body = http::Response::<reqwest::Body>::from(response).into_body();
    let body = Limited::new(body, MAX_BYTES).collect().await.ok()?.to_bytes();
    let answer: serde_json::Value = serde_json::from_slice(&body).ok()?;
    let tier = answer["rateLimitTier"].as_str()?;
    let plain = (1..=32).contains(&tier.len()) && tier.bytes().all(|byte| byte.is_ascii_alphanumeric());
    HeaderValue::from_str(tier).ok().filter(|_| plain)
}
