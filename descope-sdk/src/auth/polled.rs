//! What is waited for: the user does something elsewhere, and the session is fetched once that has been done.

/// Gives something that is pending its `check`, `wait` and `wait_with`. It has a `descope`, and a `state` with the
/// `pending_ref`.
///
/// - `$done`: what the user has to do, as it stands after "whether" and "until".
/// - `$endpoint`: where that is asked.
/// - `$told`: what a refusal means, where its code does not tell that the user has not done it yet.
macro_rules! polled {
    ($type:ident, $request:ident, $operation:ident, $endpoint:literal, $done:literal) => {
        crate::auth::polled::polled!($type, $request, $operation, $endpoint, $done, |error| error);
    };
    ($type:ident, $request:ident, $operation:ident, $endpoint:literal, $done:literal, $told:expr) => {
        impl $type {
            #[doc = concat!("Asks once whether ", $done, ": the session if so, `None` if not yet.")]
            ///
            /// The session is handed out once. Do not call this more than once a second; [`wait`](Self::wait) keeps to that
            /// by itself.
            ///
            #[doc = concat!("`POST ", $endpoint, "`")]
            ///
            /// # Errors
            ///
            /// - [`Expired`](crate::ErrorKind::Expired), [`Unauthorized`](crate::ErrorKind::Unauthorized) or
            ///   [`NotFound`](crate::ErrorKind::NotFound): it took too long, was refused, or the session was handed out
            ///   before. That is final.
            /// - [`Network`](crate::ErrorKind::Network), [`Server`](crate::ErrorKind::Server),
            ///   [`RateLimited`](crate::ErrorKind::RateLimited): nothing is known; ask again.
            pub async fn check(&self) -> crate::Result<Option<crate::Authentication>> {
                match self.session(self.descope.api()).await {
                    Ok(session) => Ok(Some(session)),
                    Err(error) if error.is_pending() => Ok(None),
                    Err(error) => Err(error),
                }
            }

            #[doc = concat!("Waits until ", $done, ", as the client's [`poll`](crate::DescopeBuilder::poll) options say:")]
            /// every second, for ten minutes at most.
            ///
            /// Transient failures are retried, and so is what a proxy or firewall answers in the place of the service.
            /// Dropping the future ends the wait.
            ///
            #[doc = concat!("`POST ", $endpoint, "`, again and again")]
            ///
            /// # Errors
            ///
            /// - [`Timeout`](crate::ErrorKind::Timeout) with [`Error::waited`](crate::Error::waited): it was not done in
            ///   time.
            /// - As [`check`](Self::check) for what is final.
            pub async fn wait(&self) -> crate::Result<crate::Authentication> {
                self.wait_with(self.descope.poll_options()).await
            }

            #[doc = concat!("Waits until ", $done, ", in a way of its own.")]
            ///
            /// # Errors
            ///
            /// As [`wait`](Self::wait).
            pub async fn wait_with(&self, options: &crate::PollOptions) -> crate::Result<crate::Authentication> {
                // The loop is the retry; the raw client's own would ask several times within one interval.
                let once = crate::CallOptions::new().retry(crate::RetryPolicy::none());
                let api = self.descope.api().with_options(once);
                let operation = crate::raw_error::operation!($operation);
                crate::poll::until_ready(operation, options, || self.session(&api)).await
            }

            async fn session(&self, api: &descope_api::Client) -> crate::Result<crate::Authentication> {
                crate::check::secret("pending_ref", &self.state.pending_ref)?;
                let body = descope_api::types::$request::new(self.state.pending_ref.clone());
                let told: fn(crate::Error) -> crate::Error = $told;
                let answer = crate::raw_error::call!(api, $operation, &body).map_err(told)?;
                crate::Authentication::read(answer, self.descope.token_names())
            }
        }
    };
}
pub(super) use polled;
