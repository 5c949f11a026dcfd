//! What is known of every operation, beside its types.

/// One operation of the Descope API, as the OpenAPI document describes it.
///
/// ```
/// let operation = descope_api::operation("otpVerifyEmail").expect("in the document");
/// assert_eq!(operation.path, "/v1/auth/otp/verify/email");
/// assert_eq!(operation.retry, descope_api::Retry::Never);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
#[allow(clippy::struct_excessive_bools, reason = "a row of a table")]
pub struct Operation {
    /// The `operationId` of the document, such as `otpVerifyEmail`.
    pub id: &'static str,
    /// The function of [`Client`](crate::Client), such as `otp_verify_email`.
    pub function: &'static str,
    /// The HTTP method in capitals.
    pub method: &'static str,
    /// The path below the base URL, parameters in braces.
    pub path: &'static str,
    /// The group that the operation belongs to.
    pub tag: &'static str,
    /// What the bearer may carry. One of them is enough.
    pub auth: &'static [Auth],
    /// Whether the call may be repeated after a failure.
    pub retry: Retry,
    /// Whether a success tells nothing, so that an empty body is as good as `{}`.
    pub answers_nothing: bool,
    /// Whether success is a redirect, as at endpoints that a browser calls. The client does not follow it: it answers
    /// with the headers, `Location` among them, under the status 200.
    pub redirects: bool,
    /// A public page about the operation.
    pub docs: Option<&'static str>,
    /// Superseded; the description names the successor.
    pub deprecated: bool,
    /// Meant for Descope's own clients.
    pub internal: bool,
}

/// What the `Authorization` bearer of an operation carries. The project id always comes first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Auth {
    /// Nothing is needed; the endpoint is public.
    None,
    /// The project id alone.
    ProjectId,
    /// The refresh JWT of a signed-in user.
    RefreshJwt,
    /// The session JWT of a signed-in user.
    SessionJwt,
    /// An access key in clear text.
    AccessKey,
    /// A management key.
    ManagementKey,
}

/// Whether an operation may be sent again when its first attempt failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Retry {
    /// It only reads; repeating it is harmless.
    Safe,
    /// It changes something, and twice is as good as once.
    Idempotent,
    /// It sends a message, redeems a code or creates something: only repeated when the first attempt cannot have
    /// reached the service.
    Never,
}

/// Finds an operation by its `operationId` or by the name of its function.
///
/// ```
/// let by_id = descope_api::operation("enchantedLinkPendingSession");
/// assert_eq!(by_id, descope_api::operation("enchanted_link_pending_session"));
/// assert!(descope_api::operation("noSuchThing").is_none());
/// ```
pub fn operation(name: &str) -> Option<&'static Operation> {
    let operations = crate::OPERATIONS;
    match operations.binary_search_by(|operation| operation.function.cmp(name)) {
        Ok(index) => operations.get(index),
        Err(_) => operations.iter().find(|operation| operation.id == name),
    }
}
