//! The project's public keys, unread: whoever verifies with them decides key by key what can be used.

use bytes::Bytes;

use crate::{Client, Error, generated::operations, path::encode_path};

impl Client {
    /// The body of the project's public keys as it came, for readers to whom one odd key must not spoil the others.
    /// [`session_keys`](Self::session_keys) is the same with types.
    ///
    /// The project is that of the [`Config`](crate::Config), whose headers, retries and
    /// [`max_response_bytes`](crate::Config::max_response_bytes) hold here too.
    ///
    /// Sends a `GET` request to `/v2/keys/{projectId}`
    ///
    /// # Errors
    ///
    /// As [`session_keys`](Self::session_keys), except that the body may be anything.
    ///
    /// ```no_run
    /// # async fn demo(client: &descope_api::Client) -> Result<(), Box<dyn std::error::Error>> {
    /// let keys: serde_json::Value = serde_json::from_slice(&client.session_keys_bytes().await?)?;
    /// # Ok(()) }
    /// ```
    pub async fn session_keys_bytes(&self) -> Result<Bytes, Error> {
        let url = format!("{}/v2/keys/{}", self.baseurl, encode_path(&self.config().project_id));
        let (.., body) = self.read(self.client.get(url).build(), &operations::SESSION_KEYS).await?;
        Ok(body)
    }
}
