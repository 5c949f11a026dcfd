//! `openidconnect`, which knows nothing of Descope, signs a user in at each of the emulator's providers: discovery, a code with
//! PKCE, the checks of the ID token, user information, refresh and revocation.

use std::{collections::BTreeMap, env, error::Error};

use openidconnect::{
    AccessTokenHash, AuthorizationCode, ClientId, ClientSecret, CsrfToken, IssuerUrl, Nonce, OAuth2TokenResponse as _,
    PkceCodeChallenge, PkceCodeVerifier, RedirectUrl, Scope, TokenResponse as _,
    core::{CoreAuthenticationFlow, CoreClient, CoreProviderMetadata, CoreUserInfoClaims},
    reqwest::{
        Client, Method, Response, Url,
        header::{AUTHORIZATION, CONTENT_TYPE, COOKIE, LOCATION, SET_COOKIE},
        redirect::Policy,
    },
};
use serde_json::{Value, json};

const CALLBACK: &str = "https://app.example.com/callback";
const ADA: &str = "rust-rp-ada@example.com";

type Result<T> = std::result::Result<T, Box<dyn Error>>;

struct Emulator {
    http: Client,
    base: String,
    project: String,
    key: String,
}

/// An application that is known to one of the providers.
struct Application {
    issuer: String,
    id: String,
    secret: String,
}

async fn json(answer: Response) -> Result<Value> {
    let (status, text) = (answer.status(), answer.text().await?);
    if status.is_success() { Ok(serde_json::from_str(&text)?) } else { Err(format!("{status} {text}").into()) }
}

impl Emulator {
    fn from_env() -> Result<Self> {
        let http = Client::builder().redirect(Policy::none()).no_proxy().build()?;
        let variable = |name: &str| env::var(name).map_err(|_| format!("{name} is not set"));
        let (base, project) = (variable("EMULATOR_BASE_URL")?, variable("EMULATOR_PROJECT_ID")?);
        Ok(Self { http, base, project, key: variable("EMULATOR_MANAGEMENT_KEY")? })
    }

    async fn manage(&self, method: Method, path: &str, body: Value) -> Result<Value> {
        let request = self.http.request(method, format!("{}/v1/mgmt/{path}", self.base));
        let request = request.header(AUTHORIZATION, format!("Bearer {}:{}", self.project, self.key));
        json(request.header(CONTENT_TYPE, "application/json").body(body.to_string()).send().await?).await
    }

    /// An application whose users sign in by `OpenID` Connect.
    async fn federated(&self) -> Result<Application> {
        let wanted =
            json!({"name": "Portal in Rust", "approvedRedirectUrls": [CALLBACK], "clientType": "confidential"});
        let made = self.manage(Method::POST, "sso/idp/app/oidc/create", wanted).await?;
        let id = made["id"].as_str().ok_or("no id")?;
        let app = self.manage(Method::GET, &format!("sso/idp/app/load?id={id}"), Value::Null).await?;
        let secret = self.manage(Method::GET, &format!("sso/idp/app/secret?id={id}"), Value::Null).await?;
        Ok(Application {
            issuer: self.project.clone(),
            id: app["oidcSettings"]["clientId"].as_str().ok_or("no client id")?.to_owned(),
            secret: secret["cleartext"].as_str().ok_or("no secret")?.to_owned(),
        })
    }

    /// An application of somebody else, which acts for users.
    async fn inbound(&self) -> Result<Application> {
        let wanted = json!({
            "name": "Partner in Rust", "loginPageUrl": "https://login.example.com", "approvedCallbackUrls": [CALLBACK],
            "attributesScopes": [
                {"name": "email", "description": "email", "values": ["email"]},
                {"name": "profile", "description": "profile", "values": ["name"]},
            ],
        });
        let app = self.manage(Method::POST, "thirdparty/app/create", wanted).await?;
        Ok(Application {
            issuer: format!("v1/apps/{}", self.project),
            id: app["clientId"].as_str().ok_or("no client id")?.to_owned(),
            secret: app["cleartext"].as_str().ok_or("no secret")?.to_owned(),
        })
    }

    /// Goes where the application sends the browser, by the page of the emulator, back to the application. Gives the query.
    async fn browse(&self, url: Url, outcome: &str) -> Result<BTreeMap<String, String>> {
        let mut next = url;
        let mut cookies: BTreeMap<String, String> = BTreeMap::new();
        loop {
            let sent: Vec<_> = cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
            let answer = self.http.get(next.clone()).header(COOKIE, sent.join("; ")).send().await?;
            for set in answer.headers().get_all(SET_COOKIE) {
                let pair = set.to_str()?.split(';').next().unwrap_or_default();
                cookies.extend(pair.split_once('=').map(|(name, value)| (name.to_owned(), value.to_owned())));
            }
            let Some(location) = answer.headers().get(LOCATION) else {
                return Err(format!("{} {}", answer.status(), answer.text().await?).into());
            };
            next = Url::parse(location.to_str()?)?;
            if next.as_str().starts_with(CALLBACK) {
                return Ok(next.query_pairs().into_owned().collect());
            }
            if next.path() == "/_emulator/authorize" {
                next.query_pairs_mut().append_pair("outcome", outcome).append_pair("loginId", ADA);
            }
        }
    }

    async fn signs_in(&self, app: Application) -> Result<()> {
        let http = &self.http;
        let issuer = IssuerUrl::new(format!("{}/{}", self.base, app.issuer))?;
        let provider = CoreProviderMetadata::discover_async(issuer, http).await?;
        let client =
            CoreClient::from_provider_metadata(provider, ClientId::new(app.id), Some(ClientSecret::new(app.secret)))
                .set_redirect_uri(RedirectUrl::new(CALLBACK.to_owned())?);
        let begin = |challenge: PkceCodeChallenge| {
            let flow = CoreAuthenticationFlow::AuthorizationCode;
            let request = client.authorize_url(flow, CsrfToken::new_random, Nonce::new_random);
            let scopes = ["email", "profile", "offline_access"].map(|scope| Scope::new(scope.to_owned()));
            request.add_scopes(scopes).set_pkce_challenge(challenge).url()
        };

        let (challenge, verifier) = PkceCodeChallenge::new_random_sha256();
        let (url, state, nonce) = begin(challenge);
        let back = self.browse(url, "approve").await?;
        assert_eq!(back.get("state"), Some(state.secret()));
        let code = AuthorizationCode::new(back["code"].clone());
        let tokens = client.exchange_code(code.clone())?.set_pkce_verifier(verifier).request_async(http).await?;

        let id_token = tokens.id_token().ok_or("no ID token")?;
        let checks = client.id_token_verifier();
        let claims = id_token.claims(&checks, &nonce)?;
        assert!(id_token.claims(&checks, &Nonce::new("another".to_owned())).is_err(), "the nonce counts");
        if let Some(hash) = claims.access_token_hash() {
            let (algorithm, key) = (id_token.signing_alg()?, id_token.signing_key(&checks)?);
            assert_eq!(*hash, AccessTokenHash::from_token(tokens.access_token(), algorithm, key)?);
        }
        let subject = claims.subject().clone();
        let user = client.user_info(tokens.access_token().clone(), Some(subject.clone()))?;
        let user: CoreUserInfoClaims = user.request_async(http).await?;
        assert_eq!(user.email().map(|email| email.as_str()), Some(ADA));

        let again = client.exchange_code(code)?.set_pkce_verifier(PkceCodeVerifier::new("a".repeat(43)));
        assert!(again.request_async(http).await.is_err(), "a code is good once");
        let (challenge, _) = PkceCodeChallenge::new_random_sha256();
        let back = self.browse(begin(challenge).0, "approve").await?;
        let stolen = client.exchange_code(AuthorizationCode::new(back["code"].clone()))?;
        let stolen = stolen.set_pkce_verifier(PkceCodeVerifier::new("b".repeat(43))).request_async(http).await;
        assert!(stolen.is_err(), "nobody else has the verifier");
        let (challenge, _) = PkceCodeChallenge::new_random_sha256();
        assert_eq!(
            self.browse(begin(challenge).0, "refuse").await?.get("error").map(String::as_str),
            Some("access_denied")
        );

        let (challenge, verifier) = PkceCodeChallenge::new_random_sha256();
        let (url, _, nonce) = begin(challenge);
        let code = AuthorizationCode::new(self.browse(url, "approve").await?["code"].clone());
        let tokens = client.exchange_code(code)?.set_pkce_verifier(verifier).request_async(http).await?;
        assert_eq!(*tokens.id_token().ok_or("no ID token")?.claims(&checks, &nonce)?.subject(), subject);
        let refresh = tokens.refresh_token().ok_or("no refresh token")?;
        let refreshed = client.exchange_refresh_token(refresh)?.request_async(http).await?;
        let user = client.user_info(refreshed.access_token().clone(), Some(subject))?;
        let _: CoreUserInfoClaims = user.request_async(http).await?;
        assert!(
            client.exchange_refresh_token(refresh)?.request_async(http).await.is_err(),
            "a refresh token is good once"
        );
        Ok(())
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    let emulator = Emulator::from_env()?;
    emulator.manage(Method::POST, "user/create", json!({"loginId": ADA, "email": ADA, "name": "Ada"})).await?;
    emulator.signs_in(emulator.federated().await?).await?;
    emulator.signs_in(emulator.inbound().await?).await?;
    println!("openidconnect signs users in at both providers");
    Ok(())
}
